"""A dry run says exactly what would follow, and nothing follows."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
import toy
from arrivals import arrived
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import MOST_WAITING, Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.outcome import Outcome, Queue
from packhorse_contracts.base import Fact
from packhorse_contracts.operations import OperationsPreviewed, PreviewedFact, PreviewedState, PreviewedTimer
from packhorse_contracts.personal import masked

ORDERS, SHELVES = ("a", "b", "c"), ("x", "y", "y+")
NOTES = st.sampled_from(("one", "remind", "forget", "ask", "ask briefly", "refuse", "bug", *SHELVES))
REQUESTS: st.SearchStrategy[Fact] = st.sampled_from(ORDERS).flatmap(
    lambda order: st.one_of(
        NOTES.map(lambda note: toy.request(order, note)),
        st.sampled_from(("aloud", "quietly")).map(lambda reason: toy.cancellation(order, reason)),
    )
)
"""What the toy is asked: with timers, effects, a journal, snapshots, refusals and a mistake of ours."""

KNOWN = st.dictionaries(st.sampled_from((*ORDERS, *SHELVES)), st.lists(NOTES, max_size=3), max_size=6)
FULL = st.sets(st.sampled_from(SHELVES))
PARKED = st.dictionaries(
    st.sampled_from(ORDERS).map(toy.TALLIES.ref),
    st.builds(Queue, st.sampled_from((0, MOST_WAITING - 1, MOST_WAITING))),
    max_size=1,
)


class States(dict[Ref, object]):
    """The toy's, each empty where nothing is kept."""

    def __missing__(self, ref: Ref) -> object:
        return toy.ROUTES.kinds[ref.kind].empty(ref.key)


def states(known: Mapping[str, Sequence[str]], full: set[str]) -> States:
    """These notes of these keys, and these shelves full."""
    tallies = {toy.TALLIES.ref(key): toy.Tally(notes=tuple(notes)) for key, notes in known.items()}
    orders = tuple(str(number) for number in range(toy.ROOM))
    return States(tallies | {toy.SHELVES.ref(shelf): toy.Shelf(orders=orders) for shelf in full})


@pytest.fixture(autouse=True, scope="module")
def bug() -> Iterator[None]:
    """The toy has one."""
    toy.poisoned.add("bug")
    yield
    toy.poisoned.discard("bug")


def stored(outcome: Outcome) -> tuple[object, ...]:
    """All that would be written down or said, in order."""
    return (
        outcome.changed,
        {key: timer and timer[0] for key, timer in outcome.timers.items()},
        [(effect, cause.id) for effect, cause, _ in outcome.effects],
        outcome.journal,
        [(dead.id, dead.ref, dead.code, dead.reason, dead.parked) for dead in outcome.dead],
        [(ref, arrival.id) for ref, arrival in outcome.waiting],
        outcome.parked,
        [(item.fact, item.body, item.cause.id, item.index) for item in outcome.said],
    )


def answers(outcome: Outcome) -> list[OperationsPreviewed]:
    """What dry runs were told."""
    facts = [item.fact for item in outcome.previews]
    assert all(isinstance(fact, OperationsPreviewed) for fact in facts)
    return [fact for fact in facts if isinstance(fact, OperationsPreviewed)]


def followed(outcome: Outcome) -> tuple[object, ...]:
    """What came of one input, as a preview would name it."""
    return (
        [
            PreviewedFact(
                type=item.fact.TYPE,
                subject=item.fact.subject,
                data=masked(item.fact.model_dump(mode="json", exclude_none=True)),
            )
            for item in outcome.said
        ],
        [
            PreviewedTimer(type=key[0], key=key[1], name=key[2], due=timer and timer[0].due, cancelled=timer is None)
            for key, timer in outcome.timers.items()
        ],
        [(effect.request.type_name(), effect.idempotency_key) for effect, *_ in outcome.effects],
        {PreviewedState(kind=ref.kind, key=ref.key) for ref in outcome.changed},
        [dead.code for dead in outcome.dead] + ["parked" for _ in outcome.waiting],
    )


def named(told: OperationsPreviewed) -> tuple[object, ...]:
    """What a preview names."""
    return (
        list(told.facts),
        list(told.timers),
        [(effect.type, effect.idempotency_key) for effect in told.effects],
        set(told.states),
        [told.refusal.code] if told.refusal else [],
    )


@given(
    batch=st.lists(st.tuples(REQUESTS, st.booleans()), min_size=1, max_size=12),
    known=KNOWN,
    full=FULL,
    parked=PARKED,
)
def test_a_dry_run_names_what_the_real_run_yields_and_nothing_of_it_is_kept(
    batch: list[tuple[Fact, bool]], known: dict[str, list[str]], full: set[str], parked: dict[Ref, Queue]
) -> None:
    """For any states, and wherever in a batch of other requests it comes: it sees what came before it, and nobody
    behind it sees anything of it."""

    def run(*arrivals: Arrival) -> Outcome:
        return take(toy.ROUTES, arrivals, states(known, full), parked, toy.NOON)

    inputs = [(fact, dry, str(number)) for number, (fact, dry) in enumerate(batch)]
    whole = run(*(arrived(fact, name, dry_run=dry) for fact, dry, name in inputs))
    assert stored(whole) == stored(run(*(arrived(fact, name) for fact, dry, name in inputs if not dry)))
    asked = [(position, fact, name) for position, (fact, dry, name) in enumerate(inputs) if dry]
    told = answers(whole)
    assert [preview.request_id for preview in told] == [name for _, _, name in asked]
    for preview, (position, fact, name) in zip(told, asked, strict=True):
        before = run(*(arrived(each, other) for each, dry, other in inputs[:position] if not dry))
        then = after(known, full, before)
        real = take(toy.ROUTES, [arrived(fact, name)], then, before.parked, toy.NOON)
        assert named(preview) == followed(real)
        assert (preview.service, preview.left_out) == ("order", 0)
        assert preview.about == PreviewedState(kind="tally", key=fact.key)


def after(known: Mapping[str, Sequence[str]], full: set[str], outcome: Outcome) -> States:
    """The states as they are then."""
    return States({**states(known, full), **outcome.changed})


@given(known=KNOWN, full=FULL, request=REQUESTS, other=REQUESTS)
def test_the_fingerprint_tells_whether_what_it_rests_on_is_still_so(
    known: dict[str, list[str]], full: set[str], request: Fact, other: Fact
) -> None:
    """The same as long as nothing that the reaction looks at has changed, and another one then."""

    def mark(outcome: Outcome) -> str | None:
        kept = after(known, full, outcome)
        return answers(take(toy.ROUTES, [arrived(request, dry_run=True)], kept, {}, toy.NOON))[0].fingerprint

    then = take(toy.ROUTES, [arrived(other)], states(known, full), {}, toy.NOON)
    assert mark(Outcome()) == mark(Outcome())
    if toy.TALLIES.ref(request.key) in then.changed:
        assert mark(then) != mark(Outcome())
    elif not then.changed:
        assert mark(then) == mark(Outcome())


def test_a_mistake_of_ours_and_a_parked_subject_are_told_without_what_they_hold() -> None:
    """A person reads why; what the exception says stays with the operators."""
    bug = arrived(toy.request("a", "bug"), dry_run=True)
    (told,) = answers(take(toy.ROUTES, [bug], States(), {}, toy.NOON))
    assert told.refusal is not None
    assert (told.refusal.code, "bug" in told.refusal.message) == ("reaction", False)
    waits = take(toy.ROUTES, [arrived(toy.request("a", "bug")), bug], States(), {}, toy.NOON)
    (told,) = answers(waits)
    assert told.refusal is not None
    assert told.refusal.code == "parked"
    assert not waits.waiting
