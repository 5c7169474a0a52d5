"""The warehouse floor: which pick lists are worked on, and which withdrawal still comes in time. Pure, in memory."""

from collections import defaultdict
from datetime import datetime

from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.shipping import ShippingPickListIssued, ShippingPickListWithdrawn
from packhorse_contracts.warehouse import Packed, WithdrawalAccepted, WithdrawalRejected

from packhorse_devstack.counterparties.agenda import Agenda
from packhorse_devstack.counterparties.voice import Heard, Saying
from packhorse_devstack.counterparties.warehouse.picking import Habits, steps

ANSWERS = {WithdrawalAccepted.TYPE, WithdrawalRejected.TYPE}


class Floor:
    """Each pick list goes its way once, however often it is issued; a withdrawal is answered once."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._agenda = Agenda()
        self._said: dict[str, set[str]] = defaultdict(set)
        self._caused_by: dict[str, str] = {}
        self._answers: list[Saying] = []

    def recall(self, fact: Fact) -> None:
        """It said this before it was killed."""
        self._said[fact.subject].add(fact.TYPE)

    def hear(self, heard: Heard, at: datetime) -> None:
        """A pick list, or that one is wanted back."""
        match heard.fact:
            case ShippingPickListIssued() as issued:
                self._issue(issued, heard.envelope.id, at)
            case ShippingPickListWithdrawn() as withdrawn:
                self._withdraw(withdrawn, heard.envelope.id, at)

    def due(self, at: datetime) -> list[Saying]:
        """Answers to withdrawals, and the steps whose time has come."""
        sayings, self._answers = self._answers, []
        taken = self._agenda.due(at)
        sayings += [self._say(fact, self._caused_by[identifier], at) for identifier, fact in taken]
        for identifier, _ in taken:
            if identifier not in self._agenda:
                self._caused_by.pop(identifier, None)
        return sayings

    def _issue(self, issued: ShippingPickListIssued, cause: str, at: datetime) -> None:
        said = self._said[issued.pick_list_id]
        if issued.pick_list_id in self._agenda or WithdrawalAccepted.TYPE in said:
            return
        left = [step for step in steps(issued, self._habits) if step.fact.TYPE not in said]
        if left:
            self._caused_by[issued.pick_list_id] = cause
            self._agenda.plan(issued.pick_list_id, left, at)

    def _withdraw(self, withdrawn: ShippingPickListWithdrawn, cause: str, at: datetime) -> None:
        identifier = withdrawn.pick_list_id
        if self._said[identifier] & ANSWERS:
            return
        if Packed.TYPE in self._said[identifier]:
            answer: Fact = WithdrawalRejected(pick_list_id=identifier, reason="it is packed")
        else:
            self._agenda.drop(identifier)
            self._caused_by.pop(identifier, None)
            answer = WithdrawalAccepted(pick_list_id=identifier)
        self._answers.append(self._say(answer, cause, at))

    def _say(self, fact: Fact, cause: str, at: datetime) -> Saying:
        self._said[fact.subject].add(fact.TYPE)
        return Saying(fact, ids.derive(ids.time_of(fact.subject) or at, fact.subject, fact.TYPE), at, cause)
