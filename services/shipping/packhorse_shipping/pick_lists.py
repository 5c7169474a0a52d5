"""Warehouses speak of pick lists: this leads from a list to the fulfilment order that it is of. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, get_args

from packhorse_chassis.core.kinds import Internal, Ref
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
)
from packhorse_contracts.base import Fact

from packhorse_shipping.keeping import ShippingTurn
from packhorse_shipping.shipment import ShipmentStatus
from packhorse_shipping.state import ORDER_SHIPMENTS, PICK_LIST, OrderShipments, PickListRef

I = TypeVar("I", bound=Fact | Internal)  # noqa: E741

NOT_ISSUED: Final = refused("unknown_pick_list", "no pick list of this id was issued", "pick_list_id", retryable=True)


@dataclass(frozen=True, slots=True)
class ToShipment(Generic[I]):
    """What follows for the fulfilment order of an issued list, by where that stands. A fulfilment order is a part of
    its order's state, so this table stands within a reaction."""

    cells: Mapping[str, Reaction[OrderShipments, I] | Ignored | Refused]

    @property
    def __name__(self) -> str:
        return reaction_name(self.cells.values())

    def __call__(self, turn: ShippingTurn, ref: PickListRef, heard: I) -> PickListRef:
        order = turn.get(ORDER_SHIPMENTS, str(ref.order_id))
        react = self.cells[order.of_list(ref.pick_list_id).status]
        turn.keep(ORDER_SHIPMENTS, order.order_id, react(turn, order, heard))
        return ref


def order_of(ref: PickListRef, _heard: object) -> list[Ref]:
    """The row of the order that the list is of."""
    return [] if ref.order_id is None else [ORDER_SHIPMENTS.ref(ref.order_id)]


def on_list(
    heard: type[I],
    cells: Cells[OrderShipments, I],
    also: Callable[[PickListRef, I], Iterable[Ref]] = order_of,
) -> Route:
    """A row about a pick list, with a cell for each status of its fulfilment order.

    Raises ValueError where a status has no cell, or two.
    """
    to_shipment = ToShipment(by_status(f"{heard.__name__}, shipment", get_args(ShipmentStatus), cells))
    return on(heard, PICK_LIST, "pick_list_id", {"unissued": NOT_ISSUED, "issued": to_shipment}, also)
