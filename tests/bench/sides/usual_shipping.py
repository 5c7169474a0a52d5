"""The usual way: pick lists and dispatch. An order of the good road has one location."""

from typing import Final

from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts import ids
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.policies import ShippingPolicy
from packhorse_contracts.shipping import PickLine, ShippingDispatched, ShippingPacked, ShippingPickListIssued
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted
from packhorse_shipping.policies import priority

from .usual_work import Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS shipment (
    pick_list_id text PRIMARY KEY, shipment_id text NOT NULL UNIQUE, order_id text NOT NULL, status text NOT NULL,
    issued jsonb NOT NULL, picked jsonb, packed jsonb, handed_over jsonb);
CREATE INDEX IF NOT EXISTS shipment_order ON shipment (order_id);
"""
_NEW: Final = """
INSERT INTO shipment (pick_list_id, shipment_id, order_id, status, issued) VALUES ($1, $2, $3, 'submitted', $4)"""
_STATE: Final = "SELECT order_id, shipment_id, issued, packed FROM shipment WHERE pick_list_id = $1 FOR UPDATE"
_ACCEPTED: Final = "UPDATE shipment SET status = 'accepted' WHERE pick_list_id = $1"
_PICKED: Final = "UPDATE shipment SET status = 'picked', picked = $2 WHERE pick_list_id = $1"
_PACKED: Final = "UPDATE shipment SET status = 'packed', packed = $2 WHERE pick_list_id = $1"
_HANDED_OVER: Final = "UPDATE shipment SET status = 'dispatched', handed_over = $2 WHERE pick_list_id = $1"
_POLICY: Final = ShippingPolicy()


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderConfirmed)
    async def issue_pick_list(order: OrderConfirmed, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            (location,) = {part.location for part in order.allocations}
            issued = ShippingPickListIssued(
                pick_list_id=ids.derive(order.at, "pick_list", order.order_id, location),
                order_id=order.order_id,
                shipment_id=ids.derive(order.at, "shipment", order.order_id, location),
                location=location,
                priority=priority(_POLICY, order.delivery.service),
                ship_by=order.promise.ship_by,
                service=order.delivery.service,
                ship_to=order.ship_to,
                lines=tuple(PickLine(**dict(part)) for part in order.allocations),
            )
            names = (issued.pick_list_id, issued.shipment_id, issued.order_id)
            await turn.db.execute(_NEW, *names, issued.model_dump_json())
            turn.say(issued)

    @work.on(PickListAccepted)
    async def note_acceptance(fact: PickListAccepted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            await turn.row(_STATE, fact.pick_list_id)
            await turn.db.execute(_ACCEPTED, fact.pick_list_id)

    @work.on(PickCompleted)
    async def complete_pick(fact: PickCompleted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            await turn.row(_STATE, fact.pick_list_id)
            await turn.db.execute(_PICKED, fact.pick_list_id, fact.model_dump_json())

    @work.on(Packed)
    async def pack(fact: Packed, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            state = await turn.row(_STATE, fact.pick_list_id)
            await turn.db.execute(_PACKED, fact.pick_list_id, fact.model_dump_json())
            order_id, shipment_id = state["order_id"], state["shipment_id"]
            turn.say(ShippingPacked(order_id=order_id, shipment_id=shipment_id, at=turn.now, packages=fact.packages))

    @work.on(HandedOver)
    async def dispatch(fact: HandedOver, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            state = await turn.row(_STATE, fact.pick_list_id)
            await turn.db.execute(_HANDED_OVER, fact.pick_list_id, fact.model_dump_json())
            issued = ShippingPickListIssued.model_validate_json(state["issued"])
            said = {
                "at": turn.now,
                "carrier": fact.carrier,
                "tracking_numbers": [parcel.tracking_number for parcel in fact.parcels],
                "lines": [dict(line) for line in issued.lines],
                "packages": Packed.model_validate_json(state["packed"]).packages,
            }
            turn.say(ShippingDispatched.model_validate(dict(issued) | said))
