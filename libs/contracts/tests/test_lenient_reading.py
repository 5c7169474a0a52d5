"""What is wrong with a fact that breaks its contract, and what of it is sound."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_contracts import lenient
from packhorse_contracts.base import UnsoundFieldError
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.envelope import Heard, Unreadable, decode
from packhorse_contracts.export.samples import sample
from pydantic import JsonValue, ValidationError
from test_no_nul import Path, texts


def said(data: JsonValue, fact: Any = OrderPlaced) -> Heard | Unreadable:
    """What is read of these data under a sound envelope."""
    event = {**sample(fact), "data": data}
    return decode(json.dumps(event).encode(), [("content-type", b"application/cloudevents+json")])


def unsound(data: JsonValue) -> UnsoundOrder:
    """The same, of an order that breaks its contract."""
    read = said(data)
    assert isinstance(read, Unreadable)
    assert read.unsound is not None
    assert isinstance(read.unsound.fact, UnsoundOrder)
    return read.unsound.fact


ORDER: dict[str, Any] = sample(OrderPlaced)["data"]  # type: ignore[assignment]


def spoilt(paths: set[Path]) -> dict[str, Any]:
    """The sample with something in these places that no field takes."""
    body: dict[str, Any] = json.loads(json.dumps(ORDER))
    for path in paths:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = {"no": ["field", "takes", "this"]}
    return body


PLACES = [path for path in texts(ORDER) if path != ("order_id",) and path[-1] != 1]
"""Of a list of texts the first alone: of several that are wrong one is told."""


@given(st.sets(st.sampled_from(PLACES), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_each_place_at_fault_is_told_and_no_other(paths: set[Path]) -> None:
    """However many there are. What is sound can be read, what isn't can't."""
    order = unsound(spoilt(paths))
    assert {fault.field for fault in order.faults} == {".".join(map(str, path)) for path in paths}
    assert order.part is not None
    for path in PLACES:
        if isinstance(path[-1], int):
            continue
        place: Any = order.part
        for step in path[:-1]:
            place = place[step] if isinstance(step, int) else getattr(place, step)
        if path in paths:
            with pytest.raises(UnsoundFieldError):
                getattr(place, str(path[-1]))
        else:
            getattr(place, str(path[-1]))


@given(st.sets(st.sampled_from(PLACES), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_it_is_at_fault_for_this_reader_where_it_is_for_the_strict_one(paths: set[Path]) -> None:
    """Two readers of one contract agree on what is wrong; the strict one may end at the first of a list."""
    with pytest.raises(ValidationError) as refused:
        OrderPlaced.model_validate_json(json.dumps(spoilt(paths)))
    strict = {".".join(map(str, error["loc"])) for error in refused.value.errors()}
    assert {fault.field for fault in unsound(spoilt(paths)).faults} >= strict


def test_no_fault_repeats_what_was_said() -> None:
    """It may be personal, and goes where it can't be erased. Nor does the fact show it, in a log, say."""
    body = json.loads(json.dumps(ORDER))
    secret = "Ada Lovelace-4111"
    body |= {"currency": secret, "channel": secret, "placed_at": secret, "lines": secret}
    body["customer"]["customer_id"] = body["ship_to"]["country"] = body["delivery"]["collect_at"] = secret
    order = unsound(body)
    assert len(order.faults) == 7
    assert secret not in str(order.faults) + repr(order.faults) + order.model_dump_json()


@pytest.mark.parametrize("data", [[], "order", 7, {}, {**ORDER, "order_id": "a b"}, {**ORDER, "order_id": 7}])
def test_what_has_no_key_cannot_be_answered(data: JsonValue) -> None:
    """Whatever else it says."""
    read = said(data)
    assert isinstance(read, Unreadable)
    assert read.unsound is None


def test_only_a_fact_with_a_twin_is_read_so() -> None:
    """The others are dead letters, as ever."""
    read = said({"order_id": "1", "reason": 7}, CancellationRequested)
    assert isinstance(read, Unreadable)
    assert read.unsound is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"gtin": "4006381333932"},
        {"gtin": 4006381333931},
        {"supplier": "", "pack_size": 0},
        {"cost": {"amount": "12.00", "currency": "EUR"}},
        {"supplier_lead_days": -1, "gtin": ""},
    ],
)
def test_a_product_is_known_without_what_is_wrong_and_can_be_done_without(wrong: dict[str, JsonValue]) -> None:
    """A wrong digit in a GTIN must not cost the product its stock, and that the orders for it."""
    data: dict[str, Any] = sample(ProductChanged)["data"]  # type: ignore[assignment]
    read = said({**data, **wrong}, ProductChanged)
    assert isinstance(read, Heard)
    assert isinstance(read.fact, ProductChanged)
    assert {str(fault.field).partition(".")[0] for fault in read.spared} == set(wrong)
    sound = said({name: value for name, value in data.items() if name not in wrong}, ProductChanged)
    assert isinstance(sound, Heard)
    assert read.fact == sound.fact


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"fragile": "yes"}, {"weight": -1, "gtin": "1"}, {"sku": ""}])
def test_what_decides_how_it_is_handled_is_not_done_without(wrong: dict[str, JsonValue]) -> None:
    """A product that must not be packed with others isn't known as one that may."""
    data: dict[str, Any] = sample(ProductChanged)["data"]  # type: ignore[assignment]
    assert isinstance(said({**data, **wrong}, ProductChanged), Unreadable)


def test_a_location_is_known_without_its_coordinates() -> None:
    """They only say how far it is."""
    data: dict[str, Any] = sample(LocationChanged)["data"]  # type: ignore[assignment]
    read = said({**data, "latitude": 91, "longitude": None}, LocationChanged)
    assert isinstance(read, Heard)
    assert [fault.field for fault in read.spared] == ["latitude"]


def test_a_null_is_as_absent() -> None:
    """Many writers say it so; of an order it is no fault."""
    read = said({**ORDER, "promotions": None, "bill_to": None})
    assert isinstance(read, Heard)
    assert not read.spared


def test_reading_what_is_wrong_ends_early() -> None:
    """A record that is made of faults costs no more than a sound one."""
    lines: JsonValue = [{"line_id": "", "sku": ""}] * 2_000
    order = unsound({**ORDER, "lines": lines})
    assert len(order.faults) == lenient.MAX_FAULTS + 1
    assert order.faults[-1].code == "more_faults"
    assert order.part is None
