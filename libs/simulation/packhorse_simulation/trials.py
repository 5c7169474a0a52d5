"""Dry runs: each is answered once, and the answer is what then follows where nothing came between."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from packhorse_audit.verdict import Violation
from packhorse_chassis.core.decide import subjects
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.outcome import Outcome, Reacted
from packhorse_contracts.operations import OperationsPreviewed

from packhorse_simulation.log import Record
from packhorse_simulation.node import Node
from packhorse_simulation.transaction import Work

_UNTOLD: Final = {"at", "customer", "ship_to", "bill_to"}
"""What tells the moment, and what a preview masks."""

_BY_CHANCE: Final = {"reaction", "database"}
"""Refusals that the simulation brings about for one input, and not for the next."""


class Trials:
    """Watches every commit: what was told about a subject last, until anything else happens to it."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, Ref], tuple[Arrival, OperationsPreviewed]] = {}
        self.compared = 0
        self.violations: list[Violation] = []

    def see(self, node: Node, work: Work) -> None:
        """Looks at one commit, input by input."""
        if not self._told and not work.outcome.previews:
            return
        answers = {item.cause.identity: item.fact for item in work.outcome.previews}
        reacted = {id(each.arrival): each for each in work.outcome.reacted}
        for arrival in work.claimed:
            about = subjects(node.routes, [arrival], work.states)
            if not about:
                continue
            place = node.name, about.pop()
            if arrival.dry_run is not None:
                answer = answers[arrival.identity]
                assert isinstance(answer, OperationsPreviewed)  # noqa: S101 -- that is what answers it
                self._told[place] = arrival, answer
            elif (told := self._told.pop(place, None)) is not None and told[0].heard == arrival.heard:
                self._compare(told[1], arrival, reacted.get(id(arrival)), work.outcome)

    def _compare(self, told: OperationsPreviewed, arrival: Arrival, done: Reacted | None, outcome: Outcome) -> None:
        refused = {letter.code for letter in outcome.dead if letter.cause is arrival}
        if told.refusal is not None:
            refused.add(told.refusal.code)
        if _BY_CHANCE & refused:
            return
        if done is None or told.refusal is not None:
            if (told.refusal is None) != (done is not None):
                self._complain(told, f"told {told.refusal}, and then {refused or 'taken'}")
            return
        self.compared += 1
        followed = [_said(item.fact.TYPE, item.fact.model_dump(mode="json", exclude_none=True)) for item in done.said]
        if (named := [_said(fact.type, fact.data) for fact in told.facts]) != followed:
            self._complain(told, f"facts: told {named}, and then {followed}")
        effects = [effect.idempotency_key for effect, cause, _ in outcome.effects if cause is done.arrival]
        if (named_effects := [effect.idempotency_key for effect in told.effects]) != effects:
            self._complain(told, f"effects: told {named_effects}, and then {effects}")
        # Of those that a later input of the batch has decided about anew, nothing is known any more.
        timers = {key for key, timer in outcome.timers.items() if timer is not None and timer[1] is done.arrival}
        if unnamed := timers - {(timer.type, timer.key, timer.name) for timer in told.timers if not timer.cancelled}:
            self._complain(told, f"timers that nobody was told of: {unnamed}")

    def _complain(self, told: OperationsPreviewed, found: str) -> None:
        about = told.about.key if told.about else told.request_id
        self.violations.append(Violation("a dry run tells what follows", about, found))


def _said(type_name: str, data: dict[str, Any] | None) -> object:
    return type_name, {name: value for name, value in (data or {}).items() if name not in _UNTOLD}


def answered_once(asked: Iterable[str], records: Iterable[Record]) -> Iterator[Violation]:
    """However often the question was delivered; and nobody is answered who didn't ask."""
    answers: dict[str, set[str]] = {request: set() for request in asked}
    for record in records:
        if isinstance(record.fact, OperationsPreviewed):
            if record.fact.request_id not in answers:
                yield Violation("a dry run is answered once", record.fact.request_id, "nobody asked")
            answers.setdefault(record.fact.request_id, set()).add(record.id)
    for request, ids in answers.items():
        if len(ids) != 1:
            yield Violation("a dry run is answered once", request, f"{len(ids)} answers")
