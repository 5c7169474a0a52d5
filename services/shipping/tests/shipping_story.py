"""A shop, its two warehouses and a carrier, for stories."""

from datetime import UTC, datetime, timedelta
from typing import Any

from packhorse_chassis.core.kinds import Input
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.turn import Turn
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity, Package, Parcel
from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled, OrderConfirmed
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickedLine
from packhorse_shipping.reactions import routes
from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import ORDER_SHIPMENTS, OrderShipments
from packhorse_shipping.timers import IssuePickList
from pydantic import TypeAdapter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER = "order-1"
LISBON, PORTO = "LIS", "OPO"
KEPT = TypeAdapter(OrderShipments)


def confirmed(*allocations: tuple[str, int, str], title: str | None = "Mug", **more: object) -> OrderConfirmed:
    """An order of these (line, pieces, location); three mugs and a pot from Lisbon, unless said otherwise."""
    parts = allocations or (("mug", 3, LISBON), ("pot", 1, LISBON))
    lines = sorted({line for line, _, _ in parts})
    content: dict[str, object] = {
        "order_id": ORDER,
        "at": NOON,
        "customer": {"customer_id": "c-1", "name": "Ana Lima"},
        "ship_to": {"name": "Ana Lima", "lines": ["Rua Direita 1"], "city": "Braga", "country": "PT"},
        "delivery": {"mode": "ship", "service": "express", "price": 500},
        "lines": [
            {
                "line_id": line,
                "sku": f"SKU-{line}",
                "title": title,
                "quantity": sum(pieces for other, pieces, _ in parts if other == line),
                "unit_price": 100,
            }
            for line in lines
        ],
        "allocations": [
            {"line_id": line, "sku": f"SKU-{line}", "quantity": pieces, "location": place}
            for line, pieces, place in parts
        ],
        "promise": {"ship_by": NOON + timedelta(days=1), "deliver_by": NOON + timedelta(days=3)},
    }
    return OrderConfirmed.model_validate(content | more)


def put_off(fact: OrderConfirmed) -> OrderConfirmed:
    """The same, with the pick lists to be issued an hour later."""
    part = {"ship_by": NOON + timedelta(days=1), "pick_from": NOON + timedelta(hours=1), "ship_on": "2026-11-24"}
    places = sorted({allocation.location for allocation in fact.allocations})
    parts = [{"location": place, "timezone": "UTC", **part} for place in places]
    return OrderConfirmed.model_validate(fact.model_dump() | {"promise": fact.promise.model_dump() | {"parts": parts}})


TWO_PLACES = confirmed(("mug", 2, LISBON), ("mug", 1, PORTO), ("pot", 1, PORTO))


def stop(minute: int = 1) -> OrderCancellationRequested:
    """The order service asks to withdraw."""
    return OrderCancellationRequested.model_validate(
        {
            "order_id": ORDER,
            "at": NOON + timedelta(minutes=minute),
            "reason": {"code": "customer_request", "message": "changed my mind"},
            "by": "customer",
        }
    )


def cancelled(*, whole: bool = True) -> OrderCancelled:
    """The order is cancelled."""
    return OrderCancelled.model_validate(
        {
            "order_id": ORDER,
            "at": NOON,
            "lines": [{"line_id": "mug", "quantity": 3}],
            "whole": whole,
            "reason": {"code": "risk", "message": "looks like fraud"},
            "by": "risk",
        }
    )


def picked(pick_list_id: str, reason: str | None = None, **pieces: int) -> PickCompleted:
    """Picking ended with these pieces by line."""
    lines = tuple(PickedLine(line_id=line, picked=count, short_reason=reason) for line, count in pieces.items())
    return PickCompleted(pick_list_id=pick_list_id, lines=lines)


def package(package_id: str = "P1", **pieces: int) -> Package:
    """A box with these pieces in it; it isn't said what is in it where there are none."""
    return Package(
        package_id=package_id,
        carton="M",
        weight=900,
        length=400,
        width=300,
        height=200,
        lines=tuple(LineQuantity(line_id=line, quantity=count) for line, count in pieces.items()),
    )


def packed(pick_list_id: str, *packages: Package) -> Packed:
    """These boxes are closed; one of which nothing more is known, unless said otherwise."""
    return Packed(pick_list_id=pick_list_id, packages=packages or (package(),))


def handed_over(pick_list_id: str, *numbers: str, carrier: str = "POST", package_id: str | None = None) -> HandedOver:
    """The carrier has these parcels; T1, unless said otherwise."""
    parcels = tuple(Parcel(tracking_number=number, package_id=package_id) for number in numbers or ("T1",))
    return HandedOver(pick_list_id=pick_list_id, carrier=carrier, parcels=parcels)


def tracked(status: TrackingStatus, minute: int, number: str = "T1", **more: Any) -> TrackingUpdated:
    """The carrier saw this, so many minutes past noon."""
    at = NOON + timedelta(minutes=minute)
    return TrackingUpdated(tracking_number=number, status=status, at=at, **more)


class Shop(Memory):
    """The shipping service, with a clock that stands."""

    def __init__(self, *facts: Fact) -> None:
        super().__init__(routes())
        self.then(*facts)

    def hear(self, heard: Input, at: datetime) -> Turn[Any]:
        """Reacts as the chassis does: with no other rows than those that the route locks or may read."""
        turn = super().hear(heard, at)
        names = {alias.name for alias in self.routes.aliases}
        assert {ref.kind for ref in turn.kept} <= names, "nothing but names is kept beside the order"
        return turn

    def then(self, *facts: Fact) -> "Shop":
        """Hears these, and reads back what is kept as the database would."""
        for fact in facts:
            self.hear(fact, NOON)
            self._read_back()
        return self

    def issue(self) -> "Shop":
        """The time comes for pick lists that were put off."""
        for (_, key, _), timer in sorted(self.timers.items()):
            if isinstance(timer.payload, IssuePickList):
                self.fire(IssuePickList, key)
                self._read_back()
        return self

    def _read_back(self) -> None:
        ref = ORDER_SHIPMENTS.ref(ORDER)
        if ref in self.states:
            self.states[ref] = KEPT.validate_json(KEPT.dump_json(self.order))

    @property
    def order(self) -> OrderShipments:
        """The order's fulfilment orders."""
        return self.state(ORDER_SHIPMENTS, ORDER)

    def other(self, order_id: str) -> OrderShipments:
        """Another order's fulfilment orders."""
        return self.state(ORDER_SHIPMENTS, order_id)

    def at(self, location: str = LISBON) -> Shipment:
        """The fulfilment order of a location."""
        return next(shipment for shipment in self.order.shipments if shipment.location == location)

    def pick_list(self, location: str = LISBON) -> str:
        """The pick list of a location."""
        return self.at(location).pick_list_id

    def heard(self, *facts: Fact) -> list[str]:
        """The names of what is said because of these."""
        before = len(self.events)
        self.then(*facts)
        return [type(event).__name__ for event in self.events[before:]]
