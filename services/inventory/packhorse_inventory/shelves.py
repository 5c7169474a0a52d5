"""A reaction's working copy of some stock: changes become levels, movements and facts together. Pure."""

from collections.abc import Callable
from datetime import datetime

from packhorse_chassis.reaction import Ref, RefusedError
from packhorse_contracts.base import MAX_COUNT, Fact
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryLowStock, InventoryStockAdjusted

from packhorse_inventory.policies import Policy
from packhorse_inventory.state import STOCK, Level, Movement, Stock


class Shelves:
    """Stock that one input changes. Nothing is shared with the states that it was read from."""

    def __init__(self, policy: Policy, read: Callable[[str], Stock], now: datetime) -> None:
        self._policy, self._read, self._now = policy, read, now
        self._levels: dict[str, dict[str, Level]] = {}
        self._touched: dict[tuple[str, str], None] = {}
        self.movements: list[Movement] = []
        self._said: list[Fact] = []

    def level(self, sku: str, location: str) -> Level:
        """The level as it is after the changes so far."""
        return self._of(sku).get(location) or Level(safety_stock=self._policy.safety_stock)

    def available(self, sku: str) -> dict[str, int]:
        """Available to promise by location."""
        return {location: level.available_to_promise for location, level in self._of(sku).items()}

    def move(
        self,
        sku: str,
        location: str,
        *,
        on_hand: int = 0,
        reserved: int = 0,
        cause: str,
        reference: str,
        field: str = "quantity",
    ) -> None:
        """One movement; a change of nothing is none. Raises RefusedError for more pieces than a fact can name, with the
        `field` that they come from."""
        if not on_hand and not reserved:
            return
        before = self.level(sku, location)
        after = before.model_copy(
            update={
                "on_hand": before.on_hand + on_hand,
                "reserved": before.reserved + reserved,
                "version": before.version + 1,
            }
        )
        if on_hand > 0 and after.on_hand > MAX_COUNT:
            raise RefusedError(
                "beyond_counting",
                f"{after.on_hand} pieces of {sku} would be at {location}; at most {MAX_COUNT} are counted",
                field,
                retryable=True,
            )
        if not 0 <= after.reserved <= after.on_hand:
            raise ValueError(f"{sku} at {location}: {after.reserved} reserved of {after.on_hand} on hand")
        self._of(sku)[location] = after
        self._touched[sku, location] = None
        self.movements.append(
            Movement(
                sku=sku,
                location=location,
                number=after.version,
                on_hand_change=on_hand,
                reserved_change=reserved,
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
        for sku, location in self._touched:
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
                )
            )
        return [*self._said, *levels, *alerts]

    def states(self) -> dict[Ref, object]:
        """The changed stock, for the decisions. Call after `facts`, which notes the alerts."""
        return {
            STOCK.ref(sku): Stock(levels=self._levels[sku]) for sku in dict.fromkeys(sku for sku, _ in self._touched)
        }

    def _of(self, sku: str) -> dict[str, Level]:
        if sku not in self._levels:
            self._levels[sku] = dict(self._read(sku).levels)
        return self._levels[sku]
