"""What leaves for an order: planned when it is confirmed, and made known to the warehouses. Pure."""

from dataclasses import replace

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.order import OrderConfirmed

from packhorse_shipping import saying
from packhorse_shipping.fulfilment import fulfilment_orders, issue_at, untitled_skus
from packhorse_shipping.keeping import ShippingTurn, keep
from packhorse_shipping.policies import priority
from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import PICK_LISTS, PRODUCT, ListOf, OrderShipments, Product
from packhorse_shipping.timers import IssuePickList


def plan_shipments(turn: ShippingTurn, order: OrderShipments, fact: OrderConfirmed) -> OrderShipments:
    """One fulfilment order a location; their pick lists are issued at once, or when it is time for a later delivery."""
    service = fact.delivery.service
    order = replace(
        order,
        confirmed=True,
        parts=() if fact.part is None else (fact.part,),
        service=service,
        priority=priority(turn.policy, service),
        ship_by=fact.promise.ship_by,
        ship_to=fact.ship_to,
    )
    return _planned(turn, order, fact)


def plan_further_part(turn: ShippingTurn, order: OrderShipments, fact: OrderConfirmed) -> OrderShipments:
    """A part that wasn't confirmed before adds its fulfilment orders; what is confirmed again changes nothing."""
    if fact.part in order.parts or (fact.part is None and not order.parts):
        return order
    if fact.part is None or not order.parts:
        # Planned once more, the same goods would leave twice.
        raise RefusedError("contradiction", "an order ships either as a whole or in parts", "part")
    order = replace(order, ship_to=fact.ship_to or order.ship_to, parts=(*order.parts, fact.part))
    return _planned(turn, order, fact)


def _planned(turn: ShippingTurn, order: OrderShipments, fact: OrderConfirmed) -> OrderShipments:
    """Said at once: what is told of a fulfilment order later is about one that everybody knows."""
    titles = {sku: turn.get(PRODUCT, sku).title for sku in untitled_skus(fact)}
    shipments = fulfilment_orders(fact, titles)
    turn.say(saying.planned(fact.order_id, shipments, fact.part, turn.now))
    order = replace(order, shipments=(*order.shipments, *shipments))
    for shipment in shipments:
        number = shipment.pick_list_id
        turn.keep(PICK_LISTS, number, ListOf(order.order_id))
        if (later := issue_at(fact, shipment.location, turn.now)) > turn.now:
            turn.remind(IssuePickList(pick_list_id=number, order_id=fact.order_id), later, key=number)
        else:
            order = _issue(turn, order, shipment)
    return order


def issue_pick_list(turn: ShippingTurn, order: OrderShipments, timer: IssuePickList) -> OrderShipments:
    """It is time: the warehouse gets its pick list, unless it was called back meanwhile."""
    shipment = order.of_list(timer.pick_list_id)
    return _issue(turn, order, shipment) if shipment.status == "planned" else order


def _issue(turn: ShippingTurn, order: OrderShipments, shipment: Shipment) -> OrderShipments:
    shipment = replace(shipment, request="submitted")
    turn.say(saying.issued(order, shipment, turn.now))
    return keep(turn, order, shipment.unmarked)


def know_product(_turn: ShippingTurn, product: Product, fact: ProductChanged) -> Product:
    """The catalogue's name of a product."""
    title = fact.title if fact.title.strip() else None
    return product if product.title == title else replace(product, title=title)
