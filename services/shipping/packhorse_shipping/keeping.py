"""How a changed fulfilment order is kept. Pure."""

from dataclasses import replace

from packhorse_chassis.core.turn import Turn
from packhorse_contracts.policies import ShippingPolicy

from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import OrderShipments
from packhorse_shipping.timers import WarehouseSilent

ShippingTurn = Turn[ShippingPolicy]


def keep(turn: ShippingTurn, order: OrderShipments, shipment: Shipment) -> OrderShipments:
    """The order with this fulfilment order changed. Its warehouse is watched exactly while it owes us an answer."""
    before = order.shipment(shipment.shipment_id)
    if shipment.owed and shipment.request != before.request:
        shipment = replace(shipment, overdue=False)
        watch(turn, shipment)
    elif before.owed and not shipment.owed:
        shipment = replace(shipment, overdue=False)
        turn.forget(WarehouseSilent, key=shipment.pick_list_id)
    return order.keeping(shipment)


def watch(turn: ShippingTurn, shipment: Shipment) -> None:
    """From now on its warehouse may take so long to answer."""
    number = shipment.pick_list_id
    turn.remind(WarehouseSilent(pick_list_id=number), turn.now + turn.policy.answer_within, key=number)
