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
from packhorse_shipping.state import ORDER_SHIPMENTS, PRODUCT, OrderRef, OrderShipments, PickListRef, Product
from packhorse_shipping.timers import IssuePickList


def plan_shipments(turn: ShippingTurn, ref: OrderRef, fact: OrderConfirmed) -> OrderRef:
    """One fulfilment order a location; their pick lists are issued next, or when it is time for a later delivery."""
    service = fact.delivery.service
    order = OrderShipments(
        order_id=fact.order_id,
        service=service,
        priority=priority(turn.policy, service),
        ship_by=fact.promise.ship_by,
        ship_to=fact.ship_to,
        shipments=_planned(turn, fact),
    )
    turn.keep(ORDER_SHIPMENTS, order.order_id, order)
    return replace(ref, confirmed=True, parts=() if fact.part is None else (fact.part,))


def plan_further_part(turn: ShippingTurn, ref: OrderRef, fact: OrderConfirmed) -> OrderRef:
    """A part that wasn't confirmed before adds its fulfilment orders; what is confirmed again changes nothing."""
    if fact.part in ref.parts or (fact.part is None and not ref.parts):
        return ref
    if fact.part is None or not ref.parts:
        # Planned once more, the same goods would leave twice.
        raise RefusedError("contradiction", "an order ships either as a whole or in parts", "part")
    order = turn.get(ORDER_SHIPMENTS, fact.order_id)
    order = replace(order, ship_to=fact.ship_to or order.ship_to, shipments=(*order.shipments, *_planned(turn, fact)))
    turn.keep(ORDER_SHIPMENTS, order.order_id, order)
    return replace(ref, parts=(*ref.parts, fact.part))


def _planned(turn: ShippingTurn, fact: OrderConfirmed) -> tuple[Shipment, ...]:
    """Said at once: what is told of a fulfilment order later is about one that everybody knows."""
    titles = {sku: turn.get(PRODUCT, sku).title for sku in untitled_skus(fact)}
    shipments = fulfilment_orders(fact, titles)
    turn.say(saying.planned(fact.order_id, shipments, fact.part, turn.now))
    for shipment in shipments:
        number = shipment.pick_list_id
        issue = IssuePickList(pick_list_id=number, order_id=fact.order_id, shipment_id=shipment.shipment_id)
        turn.remind(issue, issue_at(fact, shipment.location, turn.now), key=number)
    return shipments


def issue_pick_list(turn: ShippingTurn, ref: PickListRef, timer: IssuePickList) -> PickListRef:
    """The warehouse gets its pick list, unless it was called back meanwhile."""
    order = turn.get(ORDER_SHIPMENTS, timer.order_id)
    shipment = order.shipment(timer.shipment_id)
    if shipment.status != "planned":
        return ref
    shipment = replace(shipment, request="submitted")
    turn.say(saying.issued(order, shipment, turn.now))
    turn.keep(ORDER_SHIPMENTS, order.order_id, keep(turn, order, shipment.unmarked))
    return replace(ref, order_id=timer.order_id, shipment_id=timer.shipment_id)


def know_product(_turn: ShippingTurn, product: Product, fact: ProductChanged) -> Product:
    """The catalogue's name of a product."""
    title = fact.title if fact.title.strip() else None
    return product if product.title == title else replace(product, title=title)
