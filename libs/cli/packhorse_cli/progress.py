"""What has become of the orders so far, read from the topics as any operator could."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from packhorse_contracts import envelope as ce
from packhorse_contracts.checkout import OrderPlaced

from packhorse_cli.stream import Event

FOLLOWED = frozenset({"checkout.orders", "order.events", "shipping.events", "shipping.pick-lists"})
"""The topics that tell how far orders are; beside them those of dead letters."""

STAGES = ("placed", "confirmed", "picking", "dispatched", "delivered", "cancelled", "rejected")


@dataclass
class Progress:
    """Counts and times. `take` every event once, in any order between topics."""

    placed: dict[str, datetime] = field(default_factory=dict)
    stages: dict[str, dict[str, datetime]] = field(default_factory=lambda: {stage: {} for stage in STAGES})
    ended: set[str] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    dead: Counter[str] = field(default_factory=Counter)
    declined_cancellations: Counter[str] = field(default_factory=Counter)
    events: int = 0

    def take(self, event: Event) -> None:
        """Adds one event."""
        self.events += 1
        if event.topic not in FOLLOWED and not event.topic.endswith(".dead"):
            return
        if event.topic.endswith(".dead"):
            code = event.headers.get("dead-letter-code", "?")
            self.dead[f"{event.topic.removesuffix('.dead')}: {code}"] += 1
            return
        handler = getattr(self, "_" + event.short.replace(".", "_"), None)
        if handler is not None:
            handler(event, str(event.data.get("order_id")))

    @property
    def open(self) -> set[str]:
        """Orders that were placed, could be read, and have no end yet."""
        return set(self.placed) - self.ended

    def seconds(self, stage: str) -> list[float]:
        """From placed to the stage, for every order that reached it, sorted."""
        return sorted(
            (at - self.placed[order]).total_seconds()
            for order, at in self.stages[stage].items()
            if order in self.placed
        )

    def _reach(self, stage: str, event: Event, order: str) -> None:
        self.stages[stage].setdefault(order, event.at)

    def _end(self, order: str, outcome: str) -> None:
        self.ended.add(order)
        self.outcomes.setdefault(order, outcome)

    def _checkout_order_placed(self, event: Event, order: str) -> None:
        read = ce.decode(event.value, event.raw_headers)
        if isinstance(read, ce.Heard) and isinstance(read.fact, OrderPlaced) and event.key == read.fact.order_id:
            self.placed.setdefault(order, event.at)
            self._reach("placed", event, order)

    def _order_confirmed(self, event: Event, order: str) -> None:
        self._reach("confirmed", event, order)

    def _shipping_pick_list_issued(self, event: Event, order: str) -> None:
        self._reach("picking", event, order)

    def _shipping_dispatched(self, event: Event, order: str) -> None:
        self._reach("dispatched", event, order)

    def _shipping_delivered(self, event: Event, order: str) -> None:
        self._reach("delivered", event, order)

    def _order_completed(self, event: Event, order: str) -> None:
        self._end(order, f"completed: {event.data.get('outcome')}")

    def _order_rejected(self, event: Event, order: str) -> None:
        reasons = event.data.get("reasons")
        codes = sorted({str(r.get("code")) for r in reasons}) if isinstance(reasons, list) else []
        self._reach("rejected", event, order)
        self._end(order, f"rejected: {', '.join(codes)}")

    def _order_cancelled(self, event: Event, order: str) -> None:
        if event.data.get("whole"):
            reason = event.data.get("reason")
            code = reason.get("code") if isinstance(reason, dict) else "?"
            self._reach("cancelled", event, order)
            self._end(order, f"cancelled by {event.data.get('by')}: {code}")

    def _order_cancellation_declined(self, event: Event, _order: str) -> None:
        reasons = event.data.get("reasons")
        first = reasons[0] if isinstance(reasons, list) and reasons else {}
        self.declined_cancellations[str(first.get("code", "?"))] += 1


def percentile(values: list[float], share: float) -> float | None:
    """The value below which a share of the sorted values lies (nearest rank); None where there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None
