"""Which version is in force is what the service makes of its topic: the same rules, and no other."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from packhorse_cli.policy_versions import Version, changes, every_value, in_force, stories, told, versions
from packhorse_cli.stream import Event, event
from packhorse_contracts import envelope as ce
from packhorse_contracts.operations import OperationsPolicySet

from .policies import NOON, policy


class Record:
    """As aiokafka gives it."""

    def __init__(self, offset: int, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self.topic, self.partition, self.offset, self.timestamp = "operations.policies", 0, offset, 1_700_000_000_000
        self.key, self.value, self.headers = key, value, headers


def record(
    offset: int, fact: OperationsPolicySet, *, dry_run: bool = False, source: str = "/packhorse/console"
) -> Event:
    """The fact, as it lies on the topic."""
    envelope = ce.Envelope(f"id-{offset}", source, fact.TYPE, fact.subject, NOON, dry_run=dry_run)
    key, value, headers = ce.encode(envelope, fact)
    return event(Record(offset, key, value, headers))


def told_of(found: Iterable[Version]) -> list[tuple[int, str]]:
    """Number and fate of each."""
    return [(each.number, each.fate) for each in found]


def test_nothing_set_is_version_0_with_the_defaults() -> None:
    """And nobody has set it."""
    assert versions("order", []) == []
    version = in_force("order", [])
    assert (version.number, version.at, version.by, version.policy) == (0, None, "", None)
    assert version.values == every_value("order", {})


def test_the_rules_are_those_of_the_service() -> None:
    """Older ones, repeats, and another content under the version in force change nothing."""
    topic = [
        record(0, policy(1, grace="P2D")),
        record(1, policy(1, grace="P2D")),
        record(2, policy(1, grace="P9D")),
        record(3, policy(5, grace="P3D")),
        record(4, policy(4, grace="P9D")),
        record(5, policy(6, grace="soon")),
    ]
    found = versions("order", topic)
    assert told_of(found) == [
        (1, "was in force"),
        (1, "repeated"),
        (1, "refused"),
        (5, "in force"),
        (4, "out of date"),
        (6, "refused"),
    ]
    assert in_force("order", found).values["grace"] == "P3D"
    assert [each.refusal.partition(":")[0] for each in found] == ["", "", "version_taken", "", "", "bad_policy"]


def test_what_is_no_policy_of_this_service_is_passed_over() -> None:
    """Of others, from others, only asked about, unreadable, taken back."""
    sound = record(9, policy(1, grace="P2D"))
    topic = [
        record(0, policy(3, "payment", attempts=9)),
        record(1, policy(4), source="/somebody"),
        record(2, policy(5, grace="P9D"), dry_run=True),
        event(Record(3, b"order", b"rubbish", [])),
        event(Record(4, b"order", None, [])),
        replace(record(5, policy(6)), key="payment"),
        sound,
    ]
    assert told_of(versions("order", topic)) == [(1, "in force")]


def test_a_version_tells_who_has_set_it_when_and_why() -> None:
    """As its fact says."""
    (version,) = versions("order", [record(7, policy(1, grace="P2D", cut_off="16:00"))])
    assert (version.by, version.at, version.why, version.place) == ("emma", NOON, "Christmas", "0@7")
    assert version.policy == {"grace": "P2D", "cut_off": "16:00"}


def test_each_version_is_told_by_what_changed_with_it() -> None:
    """Against the one in force before: what a later one doesn't name is as by default again."""
    later = replace(record(2, policy(3, cut_off="16:00")), at=NOON + timedelta(hours=1))
    found = versions("order", [record(0, policy(1, grace="P2D")), record(1, policy(1, grace="P9D")), later])
    told_changes = [[(one.field, one.before, one.after) for one in changed] for _, changed in stories(found)]
    assert told_changes == [
        [("grace", "P1D", "P2D")],
        [],
        [("cut_off", "15:00", "16:00"), ("grace", "P2D", "P1D")],
    ]


def test_what_a_newer_console_has_set_is_shown_as_it_is() -> None:
    """A field that this release doesn't know, for the services may."""
    values = every_value("order", {"grace": "P2D", "new_field": 3})
    assert (values["grace"], values["new_field"]) == ("P2D", 3)
    (change,) = changes("order", every_value("order", {"grace": "P2D"}), values)
    assert (change.field, change.before, change.after, change.usual) == ("new_field", None, 3, None)


def test_values_are_told_as_they_stand_in_a_file() -> None:
    """Without braces and quotes."""
    assert told({"economy": 5, "express": 1}) == "economy: 5, express: 1"
    assert (told("PT30M"), told(3), told(None)) == ("PT30M", "3", "")
