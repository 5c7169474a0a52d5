"""A reaction's working copy of some stock: changes become levels, movements and facts together. Pure.

What is booked is a function of what was heard, not of its order: the latest count, what moved after it, what is picked,
what is reserved. See "Counts" in the service's README.
"""

from dataclasses import replace
from datetime import datetime

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts import ids
from packhorse_contracts.base import MAX_COUNT, Fact
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryLowStock, InventoryStockAdjusted

from packhorse_inventory.parts import Part
from packhorse_inventory.state import MOVED, STOCK, Count, InventoryTurn, Level, Movement, Unexplained, since


class Shelves:
    """Stock that one input changes. Nothing is shared with the states that it was read from.

    What is changed is in the turn once `settle` has put it there.
    """

    def __init__(self, turn: InventoryTurn) -> None:
        self._turn = turn
        self._levels: dict[str, dict[str, Level]] = {}
        self._before: dict[tuple[str, str], Level] = {}
        self._movements: list[Movement] = []
        self._said: list[Fact] = []

    def level(self, sku: str, location: str) -> Level:
        """The level as it is after the changes so far."""
        return self._of(sku).get(location) or Level(safety_stock=self._turn.policy.safety_stock)

    def available(self, sku: str) -> dict[str, int]:
        """Available to promise by location."""
        if not self._turn.get(STOCK, sku).offered:
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
        before, moment = self.level(sku, location), moment or self._turn.now
        if reserved > 0 and not picked and before.reserved + reserved > before.on_hand:
            raise ValueError(
                f"{sku} at {location}: {reserved} more would be reserved than {before.reserved} of {before.on_hand}"
            )
        after = replace(
            before,
            shelf=before.shelf + (0 if before.saw(moment) else shelf),
            picked=before.picked + picked,
            reserved=before.reserved + reserved,
        )
        self._book(sku, location, after, shelf, moment, cause, reference, field)

    def count(self, sku: str, location: str, counted: int, moment: datetime, count_id: str) -> None:
        """So many pieces lay there at that moment. One that is older than the latest changes nothing."""
        before, count = self.level(sku, location), Count(at=moment, count_id=count_id)
        if not count.later_than(before.counted):
            return
        moved = self._turn.get(MOVED, since(sku, location, moment))
        after = replace(before, shelf=counted + moved, counted=count)
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
        after = replace(changed, on_hand=on_hand, version=before.version + 1)
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
        self._movements.append(
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
                at=self._turn.now,
            )
        )

    def adjusted(self, sku: str, location: str, before: int, cause: str) -> None:
        """Says that the books were put right, from so many pieces to what they say now."""
        to = self.level(sku, location).on_hand
        fact = {"sku": sku, "location": location, "at": self._turn.now, "from": before, "to": to, "cause": cause}
        self._said.append(InventoryStockAdjusted.model_validate(fact))

    def unreserved(self, part: Part, before: Level, what: str) -> None:
        """Says that goods went that nobody had set aside for their order: people may want to look into it."""
        missing = self.level(part.sku, part.location).unexplained - before.unexplained
        cause = f"{what} without a reservation, {max(missing, 0)} not on the books"
        self.adjusted(part.sku, part.location, before.on_hand, cause)

    def settle(self, *first: Fact) -> None:
        """Puts into the turn all that was changed and what follows from it; `first` is said before everything else."""
        self._turn.say(*first, *self._said, *self._levels_and_alerts())
        self._watch()
        self._turn.book(*self._movements)
        for sku in dict.fromkeys(sku for sku, _ in self._before):
            self._turn.keep(STOCK, sku, replace(self._turn.get(STOCK, sku), levels=self._levels[sku]))

    def _levels_and_alerts(self) -> list[Fact]:
        if not self._before:
            return []
        threshold = self._turn.policy.low_stock
        levels: list[Fact] = []
        alerts: list[Fact] = []
        for sku, location in self._before:
            level = self.level(sku, location)
            promise = level.available_to_promise
            low = promise <= threshold
            if low and not level.low:
                alerts.append(
                    InventoryLowStock(
                        sku=sku,
                        location=location,
                        at=self._turn.now,
                        available_to_promise=promise,
                        threshold=threshold,
                    )
                )
            if low != level.low:
                level = self._of(sku)[location] = replace(level, low=low)
            levels.append(
                InventoryLevelChanged(
                    sku=sku,
                    location=location,
                    at=self._turn.now,
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
        return [*levels, *alerts]

    def _watch(self) -> None:
        """A look at what came to be unexplained, and none any more at what was explained."""
        for (sku, location), before in self._before.items():
            unexplained, cell = self.level(sku, location).unexplained, ids.joint(sku, location)
            if unexplained and not before.unexplained:
                due = self._turn.now + self._turn.policy.explain_within
                self._turn.remind(Unexplained(sku=sku, location=location), due, key=cell)
            elif before.unexplained and not unexplained:
                self._turn.forget(Unexplained, key=cell)

    def _of(self, sku: str) -> dict[str, Level]:
        if sku not in self._levels:
            self._levels[sku] = dict(self._turn.get(STOCK, sku).levels)
        return self._levels[sku]
