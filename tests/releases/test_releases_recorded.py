"""This release reads all that the releases beside it have written, and they know what they can't read of this one's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from packhorse_chassis.core.documents import Damaged, Documents
from packhorse_chassis.core.kinds import Internal, NewerError
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts import envelope as ce
from packhorse_contracts.export.samples import NOON
from packhorse_contracts.registry import facts
from packhorse_simulation.services import routes

from .record import Release, current, recorded, schema, shape

RELEASES = recorded()
PARTS = [(release, service) for release in RELEASES for service in release.documents]
each_part = pytest.mark.parametrize(
    ("release", "service"), PARTS, ids=[f"{release.name} {service}" for release, service in PARTS]
)
UNMET = {"Overtook", "Unexplained"}
"""Timers that the recorded runs of the simulation may not set: for the one, facts of our own services would have to
contradict each other; the other needs a count that the warehouse's own news don't explain in time."""

each_release = pytest.mark.parametrize("release", RELEASES, ids=[release.name for release in RELEASES])


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What was there and isn't any more."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{path}.{name}"
            else:
                yield from lost(value, after[name], f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from lost(*pair, f"{path}[{number}]")
    elif before != after:
        yield f"{path}: {before!r} is {after!r}"


@each_part
def test_every_state_of_a_recorded_release_is_read_whole(release: Release, service: str) -> None:
    """Upcast where it is older; and where it isn't, nothing of it is lost when it is written back."""
    for name, texts in release.documents[service]["states"].items():
        kind = routes()[service].kinds[name]
        documents, before = Documents(kind), release.kinds[service][name]["version"]
        for text in texts:
            state = documents.read("key", text)
            assert isinstance(state, kind.state), f"{name}: {state}"
            if before == kind.version:
                assert list(lost(json.loads(text), json.loads(documents.write("key", state)))) == [], name


def grown(value: Any) -> Iterator[Any]:
    """The same with one more member, wherever one could be."""
    if isinstance(value, dict):
        yield {**value, "added_later": {"by": "a newer release"}}
        for name, inner in value.items():
            yield from ({**value, name: more} for more in grown(inner))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from ([*value[:number], more, *value[number + 1 :]] for more in grown(inner))


@each_part
def test_wherever_a_newer_release_adds_a_field_its_state_is_not_written_back_smaller(
    release: Release, service: str
) -> None:
    """It is left alone, or kept whole; what is no state at all is told as damaged."""
    for name, texts in release.documents[service]["states"].items():
        documents = Documents(routes()[service].kinds[name])
        for newer in grown(json.loads(texts[-1])):
            try:
                state = documents.read("key", json.dumps(newer))
            except NewerError:
                continue
            if not isinstance(state, Damaged):
                assert list(lost(newer, json.loads(documents.write("key", state)))) == [], name


@each_part
def test_a_state_that_has_changed_has_a_new_version(release: Release, service: str) -> None:
    """A release that doesn't know of the change then leaves such states alone, and says why."""
    for name, before in release.kinds[service].items():
        kind = routes()[service].kinds[name]
        assert kind.version >= before["version"]
        was, is_now = shape(before["schema"]), schema(kind)
        if kind.version == before["version"] and is_now != was:
            changed = "\n".join(lost(was, is_now)) or "something is new"
            pytest.fail(
                f"{service}'s {name} isn't what release {release.name} kept: {changed}\n"
                f"Give its Kind version={kind.version + 1}, and an upcast unless fields with defaults are all that is "
                "new. Where that release isn't out yet: make release-record."
            )


@each_part
def test_every_timer_request_and_answer_of_a_recorded_release_is_read(release: Release, service: str) -> None:
    """What it has set or asked for is still to come when this one takes over."""
    reader = Reader(routes()[service])
    known = {internal.__name__: internal for internal in _internals(Internal, f"packhorse_{service}.")}
    for part in ("timers", "answers"):
        for name, texts in release.documents[service][part].items():
            for text in texts:
                arrival = reader.stored("timer", name, text, "id", NOON, (None, None))
                assert arrival.fault is None, (name, arrival.fault)
    for name, texts in release.documents[service]["requests"].items():
        for text in texts:
            known[name].model_validate_json(text, extra="forbid")


def _internals(base: type[Internal], module: str) -> Iterator[type[Internal]]:
    for internal in base.__subclasses__():
        if internal.__module__.startswith(module):
            yield internal
        yield from _internals(internal, module)


@each_release
def test_every_fact_of_a_recorded_release_is_read(release: Release) -> None:
    """For as long as topics keep them, and longer."""
    for wire, texts in release.facts.items():
        for text in texts:
            headers = ce.headers(ce.Envelope("id", "/packhorse/test", wire, "subject", NOON), "key")
            read = ce.decode(text.encode(), headers)
            assert isinstance(read, ce.Heard), (wire, read)


def test_a_record_leaves_nothing_out() -> None:
    """Every kind of state, every timer and answer, and every fact that this release knows, in many shapes."""
    [release] = [release for release in RELEASES if release.name == current()]
    assert set(release.facts) == set(facts)
    for service, table in routes().items():
        documents = release.documents[service]
        kept = {name for name, kind in table.kinds.items() if kind.tally is None}
        assert kept <= set(documents["states"]) <= set(table.kinds), service
        internals = {heard.__name__ for heard in table.by_input if issubclass(heard, Internal)}
        assert internals - UNMET <= set(documents["timers"]) | set(documents["answers"]) <= internals, service
