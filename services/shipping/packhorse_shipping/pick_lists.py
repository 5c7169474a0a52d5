"""Warehouses speak of pick lists: this leads from a list to the fulfilment order that it is of. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, get_args

from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.reaction import (
    Cells,
    Ignored,
    Reaction,
    Refused,
    Route,
    by_status,
    on,
    reaction_name,
    refused,
    via,
)
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_shipping.keeping import ShippingTurn
from packhorse_shipping.shipment import ShipmentStatus
from packhorse_shipping.state import ORDER_SHIPMENTS, PICK_LISTS, OrderShipments
from packhorse_shipping.timers import WarehouseSilent

OfList = (
    PickListAccepted
    | PickListRejected
    | PickCompleted
    | Packed
    | HandedOver
    | WithdrawalAccepted
    | WithdrawalRejected
    | WarehouseSilent
)
I = TypeVar("I", bound=OfList)  # noqa: E741

NOT_ISSUED: Final = refused("unknown_pick_list", "no pick list of this id was issued", "pick_list_id", retryable=True)


@dataclass(frozen=True, slots=True)
class ToShipment(Generic[I]):
    """What follows for the fulfilment order of an issued list, by where that stands. A fulfilment order is a part of
    its order's state, so this table stands within a reaction."""

    cells: Mapping[str, Reaction[OrderShipments, I] | Ignored | Refused]

    @property
    def __name__(self) -> str:
        return reaction_name(self.cells.values())

    def __call__(self, turn: ShippingTurn, order: OrderShipments, heard: I) -> OrderShipments:
        react = self.cells[order.of_list(heard.pick_list_id).status]
        return react(turn, order, heard)


def _nothing(_order: OrderShipments, _heard: object) -> Iterable[Ref]:
    return ()


def on_list(
    heard: type[I],
    cells: Cells[OrderShipments, I],
    also: Callable[[OrderShipments, I], Iterable[Ref]] = _nothing,
) -> Route:
    """A row about a pick list, with a cell for each status of its fulfilment order.

    Raises ValueError where a status has no cell, or two.
    """
    to_shipment = ToShipment(by_status(f"{heard.__name__}, shipment", get_args(ShipmentStatus), cells))
    known: Cells[OrderShipments, I] = {"unknown": NOT_ISSUED, ("confirmed", "cancelled"): to_shipment}
    return on(heard, ORDER_SHIPMENTS, via(PICK_LISTS, "pick_list_id"), known, also)
