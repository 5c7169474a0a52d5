"""A reaction's working copy of some stock: changes become levels, movements and facts together. Pure.

What is booked is a function of what was heard, not of its order: the latest count, what moved after it, what is picked,
what is reserved. See "Counts" in the service's README.
"""

from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.reaction import Decisions, Others
from packhorse_chassis.core.turn import CancelTimer, SetTimer
from packhorse_contracts import ids
from packhorse_contracts.base import MAX_COUNT, Fact
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryLowStock, InventoryStockAdjusted

from packhorse_inventory.policies import Policy
from packhorse_inventory.state import MOVED, STOCK, Count, Level, Movement, Stock, Unexplained, since

S = TypeVar("S")


class Shelves:
    """Stock that one input changes. Nothing is shared with the states that it was read from."""

    def __init__(self, policy: Policy, others: Others, now: datetime) -> None:
        self._policy, self._others, self._now = policy, others, now
        self._levels: dict[str, dict[str, Level]] = {}
        self._before: dict[tuple[str, str], Level] = {}
        self.movements: list[Movement] = []
        self._said: list[Fact] = []

    def level(self, sku: str, location: str) -> Level:
        """The level as it is after the changes so far."""
        return self._of(sku).get(location) or Level(safety_stock=self._policy.safety_stock)

    def available(self, sku: str) -> dict[str, int]:
        """Available to promise by location."""
        if not self._others.get(STOCK, sku).offered:
            return {}
        return {location: level.available_to_promise for location, level in self._of(sku).items()}

    def move(
        self,
        sku: str,
        location: str,
        *,
        shelf: int = 0,
        picked: int = 0,
        reserved: int = 0,
        moment: datetime | None = None,
        cause: str,
        reference: str,
        field: str = "quantity",
    ) -> None:
        """One movement; a change of nothing is none. What moved on the shelf before its latest count changes what lies
        there no more: the count has seen it. Raises RefusedError for more pieces than a fact can name, with the
        `field` that they come from."""
        if not (shelf or picked or reserved):
            return
        before, moment = self.level(sku, location), moment or self._now
        if reserved > 0 and not picked and before.reserved + reserved > before.on_hand:
            raise ValueError(
                f"{sku} at {location}: {reserved} more would be reserved than {before.reserved} of {before.on_hand}"
            )
        after = before.model_copy(
            update={
                "shelf": before.shelf + (0 if before.saw(moment) else shelf),
                "picked": before.picked + picked,
                "reserved": before.reserved + reserved,
            }
        )
        self._book(sku, location, after, shelf, moment, cause, reference, field)

    def count(self, sku: str, location: str, counted: int, moment: datetime, count_id: str) -> None:
        """So many pieces lay there at that moment. One that is older than the latest changes nothing."""
        before, count = self.level(sku, location), Count(at=moment, count_id=count_id)
        if not count.later_than(before.counted):
            return
        moved = self._others.get(MOVED, since(sku, location, moment))
        after = before.model_copy(update={"shelf": counted + moved, "counted": count})
        self._book(sku, location, after, 0, moment, "counted", count_id, "counted")
        if self.level(sku, location).on_hand != before.on_hand:
            self.adjusted(sku, location, before.on_hand, "count")

    def _book(
        self,
        sku: str,
        location: str,
        changed: Level,
        moved: int,
        moment: datetime,
        cause: str,
        reference: str,
        field: str,
    ) -> None:
        before = self.level(sku, location)
        on_hand = max(changed.shelf + changed.picked, changed.reserved)
        after = changed.model_copy(update={"on_hand": on_hand, "version": before.version + 1})
        if after.on_hand > max(before.on_hand, MAX_COUNT):
            raise RefusedError(
                "beyond_counting",
                f"{after.on_hand} pieces of {sku} would be at {location}; at most {MAX_COUNT} are counted",
                field,
                retryable=True,
            )
        if not 0 <= after.picked <= after.reserved <= after.on_hand:
            told = f"{after.picked} picked, {after.reserved} reserved of {after.on_hand} on hand"
            raise ValueError(f"{sku} at {location}: {told}")
        self._of(sku)[location] = after
        self._before.setdefault((sku, location), before)
        self.movements.append(
            Movement(
                sku=sku,
                location=location,
                number=after.version,
                moved=moved,
                moment=moment,
                on_hand_change=after.on_hand - before.on_hand,
                reserved_change=after.reserved - before.reserved,
                picked_change=after.picked - before.picked,
                on_hand=after.on_hand,
                reserved=after.reserved,
                cause=cause,
                reference=reference,
                at=self._now,
            )
        )

    def adjusted(self, sku: str, location: str, before: int, cause: str) -> None:
        """Says that the books were put right, from so many pieces to what they say now."""
        to = self.level(sku, location).on_hand
        fact = {"sku": sku, "location": location, "at": self._now, "from": before, "to": to, "cause": cause}
        self._said.append(InventoryStockAdjusted.model_validate(fact))

    def facts(self) -> list[Fact]:
        """What follows from the changes: new levels, alerts, corrections."""
        levels: list[Fact] = []
        alerts: list[Fact] = []
        for sku, location in self._before:
            level = self.level(sku, location)
            promise = level.available_to_promise
            low = promise <= self._policy.low_stock
            if low and not level.low:
                alerts.append(
                    InventoryLowStock(
                        sku=sku,
                        location=location,
                        at=self._now,
                        available_to_promise=promise,
                        threshold=self._policy.low_stock,
                    )
                )
            if low != level.low:
                level = self._of(sku)[location] = level.model_copy(update={"low": low})
            levels.append(
                InventoryLevelChanged(
                    sku=sku,
                    location=location,
                    at=self._now,
                    on_hand=level.on_hand,
                    reserved=level.reserved,
                    safety_stock=level.safety_stock,
                    damaged=level.damaged,
                    incoming=level.incoming,
                    available_to_promise=promise,
                    version=level.version,
                    picked=level.picked,
                    unexplained=min(level.unexplained, MAX_COUNT),
                )
            )
        return [*self._said, *levels, *alerts]

    def _timers(self) -> list[SetTimer | CancelTimer]:
        """A look at what came to be unexplained, and none any more at what was explained."""
        found: list[SetTimer | CancelTimer] = []
        for (sku, location), before in self._before.items():
            unexplained = self.level(sku, location).unexplained
            if unexplained and not before.unexplained:
                look = Unexplained(sku=sku, location=location)
                found.append(SetTimer(look, ids.joint(sku, location), self._now + self._policy.explain_within))
            elif before.unexplained and not unexplained:
                found.append(CancelTimer(Unexplained, ids.joint(sku, location)))
        return found

    def decisions(self, state: S, *first: Fact) -> Decisions[S]:
        """All that was changed, with the subject's own state and what is said before everything else."""
        facts = [*first, *self.facts()]
        changed = dict.fromkeys(sku for sku, _ in self._before)
        return Decisions(
            state,
            events=facts,
            timers=self._timers(),
            journal=self.movements,
            others={STOCK.ref(sku): self._stock(sku) for sku in changed},
        )

    def _stock(self, sku: str) -> Stock:
        return self._others.get(STOCK, sku).model_copy(update={"levels": self._levels[sku]})

    def _of(self, sku: str) -> dict[str, Level]:
        if sku not in self._levels:
            self._levels[sku] = dict(self._others.get(STOCK, sku).levels)
        return self._levels[sku]
