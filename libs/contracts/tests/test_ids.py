"""Derived identifiers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts import ids

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PARTS = st.lists(st.text() | st.integers(), max_size=4)


@given(parts=PARTS, at=st.timedeltas(timedelta(0), timedelta(days=2_900_000)).map(EPOCH.__add__))
def test_an_id_is_a_uuid_of_version_7_and_remembers_its_time(parts: list[str | int], at: datetime) -> None:
    """To the millisecond; the same parts give the same id."""
    derived = ids.derive(at, *parts)
    assert derived == ids.derive(at, *parts)
    assert (UUID(derived).version, UUID(derived).variant) == (7, "specified in RFC 4122")
    told = ids.time_of(derived)
    assert told is not None
    assert abs(told - at) < timedelta(milliseconds=2)


@given(one=st.lists(st.text(), max_size=4), other=st.lists(st.text(), max_size=4))
def test_other_parts_give_another_id(one: list[str], other: list[str]) -> None:
    """Also where the parts only are cut elsewhere."""
    assert (ids.derive(NOON, *one) == ids.derive(NOON, *other)) == (one == other)


def test_ids_sort_by_time() -> None:
    """Later ids are greater, so that an index grows at its end."""
    later = [ids.derive(NOON + timedelta(milliseconds=step), "a", step) for step in range(50)]
    assert later == sorted(later)


def test_other_texts_have_no_time() -> None:
    """An outsider's id may be anything."""
    for text in ("", "order-1", str(uuid4()), "\x00", "٣" * 32, "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        assert ids.time_of(text) is None
    assert ids.derive(datetime(1, 1, 1, tzinfo=UTC), "a").startswith("00000000-0000-7")
