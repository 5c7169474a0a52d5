"""A warehouse and its carrier, as a value: what they were asked, how far they are, and what they may do next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Parcel
from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated
from packhorse_contracts.shipping import ShippingPickListIssued, ShippingPickListWithdrawn
from packhorse_contracts.warehouse import HandedOver, PickCompleted, WithdrawalAccepted, WithdrawalRejected

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Stage = Literal["asked", "picked", "gone", "stopped"]
Step = tuple["Warehouse", tuple[Fact, ...]]
"""The warehouse afterwards, and what it has said."""


def tracking_number(pick_list_id: str) -> str:
    """The number under which a pick list's goods leave."""
    return f"T-{pick_list_id}"


def tracked(number: str, status: TrackingStatus, minute: int = 0) -> TrackingUpdated:
    """The carrier saw this, so many minutes past noon."""
    return TrackingUpdated(tracking_number=number, status=status, at=NOON.replace(minute=minute))


def handed_over(pick_list_id: str) -> HandedOver:
    """The carrier has it, in one parcel."""
    parcel = Parcel(tracking_number=tracking_number(pick_list_id))
    return HandedOver(pick_list_id=pick_list_id, carrier="post", parcels=(parcel,))


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Picks, hands over, and stops where it is asked to in time; all of that whenever it likes.

    `missing`: pieces of a SKU that it doesn't pick for a list, for this `reason`. `keeps_its_word`: what it agreed to
    stop doesn't leave. `delivers`: the carrier says that it has delivered. `repeats`: it hands over twice, as it says.
    """

    missing: Mapping[str, int] = field(default_factory=dict)
    reason: str = "not_found"
    keeps_its_word: bool = True
    delivers: bool = True
    repeats: bool = False
    lists: Mapping[str, tuple[ShippingPickListIssued, Stage, bool]] = field(default_factory=dict)
    """By id: the list, how far it is, and whether the warehouse has agreed to stop."""

    @staticmethod
    def listens(fact: Fact) -> bool:
        """Whether it reads this."""
        return isinstance(fact, ShippingPickListIssued | ShippingPickListWithdrawn)

    def hear(self, fact: Fact) -> Step:
        """A new list, or the wish to stop one."""
        if isinstance(fact, ShippingPickListIssued):
            return self._at(fact, "asked", stopped=False), ()
        assert isinstance(fact, ShippingPickListWithdrawn)
        asked, stage, _ = self.lists[fact.pick_list_id]
        if stage == "gone":
            return self, (WithdrawalRejected(pick_list_id=fact.pick_list_id),)
        after: Stage = "stopped" if self.keeps_its_word else stage
        return self._at(asked, after, stopped=True), (WithdrawalAccepted(pick_list_id=fact.pick_list_id),)

    def steps(self) -> Mapping[str, Step]:
        """What it may do next, by name."""
        found: dict[str, Step] = {}
        for pick_list_id, (asked, stage, stopped) in self.lists.items():
            if stage == "asked":
                after: Stage = "picked" if self._finds_any(asked) else "gone"
                said = () if stopped else (self._picked(asked),)
                found[f"the warehouse picks {pick_list_id}"] = self._at(asked, after, stopped=stopped), said
            elif stage == "picked":
                found[f"the warehouse hands {pick_list_id} over"] = (
                    self._at(asked, "gone", stopped=stopped),
                    self._leaves(pick_list_id),
                )
        return found

    def _leaves(self, pick_list_id: str) -> tuple[Fact, ...]:
        handed = (handed_over(pick_list_id),) * (2 if self.repeats else 1)
        return (*handed, tracked(tracking_number(pick_list_id), "delivered")) if self.delivers else handed

    def _finds_any(self, asked: ShippingPickListIssued) -> bool:
        return any(line.quantity > self.missing.get(line.sku, 0) for line in asked.lines)

    def _picked(self, asked: ShippingPickListIssued) -> PickCompleted:
        lines = [
            {
                "line_id": line.line_id,
                "picked": max(0, line.quantity - self.missing.get(line.sku, 0)),
                "short_reason": self.reason if self.missing.get(line.sku) else None,
            }
            for line in asked.lines
        ]
        return PickCompleted.model_validate({"pick_list_id": asked.pick_list_id, "lines": lines})

    def _at(self, asked: ShippingPickListIssued, stage: Stage, *, stopped: bool) -> "Warehouse":
        lists = {**self.lists, asked.pick_list_id: (asked, stage, stopped)}
        return replace(self, lists=dict(sorted(lists.items())))
