"""The rules that a business tunes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from packhorse_contracts import ids
from packhorse_contracts.blocks import Allocation, ConfirmedLine, ServiceLevel

from packhorse_shipping.state import FulfilmentOrder, Line


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business tunes."""

    silence: timedelta = timedelta(hours=2)
    """A pick list that the warehouse hasn't answered by then is overdue; looked at again as often."""

    priorities: tuple[tuple[ServiceLevel, int], ...] = (("economy", 1), ("standard", 5), ("express", 9))
    """Of pick lists, 0 to 9, 9 first."""

    def priority(self, service: ServiceLevel) -> int:
        """The pick list's priority for a service level."""
        return dict(self.priorities)[service]


def split(
    order_id: str,
    confirmed_at: datetime,
    lines: Iterable[ConfirmedLine],
    allocations: Iterable[Allocation],
    service: ServiceLevel,
) -> list[FulfilmentOrder]:
    """One fulfilment order per location; ids follow from the order, so that doing it again gives the same."""
    titles = {line.line_id: line.title for line in lines}
    places: dict[str, dict[str, Line]] = {}
    for part in allocations:
        here = places.setdefault(part.location, {})
        before = here[part.line_id].wanted if part.line_id in here else 0
        here[part.line_id] = Line(
            line_id=part.line_id, sku=part.sku, title=titles.get(part.line_id), wanted=before + part.quantity
        )
    return [
        FulfilmentOrder(
            shipment_id=ids.derive(confirmed_at, "shipment", order_id, location),
            pick_list_id=ids.derive(confirmed_at, "pick-list", order_id, location, 1),
            location=location,
            service=service,
            lines=tuple(here.values()),
        )
        for location, here in sorted(places.items())
    ]
