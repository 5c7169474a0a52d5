"""The usual way: pick lists and dispatch. An order of the good road has one location."""

from typing import Final

import asyncpg
from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts import ids
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.shipping import PickLine, ShippingDispatched, ShippingPacked, ShippingPickListIssued
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted
from packhorse_shipping.policies import Policy
from pydantic import TypeAdapter

from .usual_work import Turn, Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS shipment (
    pick_list_id text PRIMARY KEY, shipment_id text NOT NULL UNIQUE, order_id text NOT NULL, location text NOT NULL,
    service text NOT NULL, status text NOT NULL, lines jsonb NOT NULL, picked jsonb, packages jsonb,
    carrier text, parcels jsonb);
CREATE INDEX IF NOT EXISTS shipment_order ON shipment (order_id);
"""
_STATE: Final = "SELECT * FROM shipment WHERE pick_list_id = $1 FOR UPDATE"
_LINES: Final = TypeAdapter(tuple[PickLine, ...])
_POLICY: Final = Policy()


async def _state(turn: Turn, pick_list_id: str) -> asyncpg.Record:
    found = await turn.db.fetchrow(_STATE, pick_list_id)
    if found is None:
        raise LookupError(f"no pick list {pick_list_id}")
    return found


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderConfirmed)
    async def issue_pick_list(order: OrderConfirmed, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            titles = {line.line_id: line.title for line in order.lines}
            lines = tuple(
                PickLine(line_id=part.line_id, sku=part.sku, title=titles[part.line_id], quantity=part.quantity)
                for part in order.allocations
            )
            (location,) = {part.location for part in order.allocations}
            issued = ShippingPickListIssued(
                pick_list_id=ids.derive(order.at, "pick_list", order.order_id, location),
                order_id=order.order_id,
                shipment_id=ids.derive(order.at, "shipment", order.order_id, location),
                location=location,
                priority=_POLICY.priority(order.delivery.service),
                ship_by=order.promise.ship_by,
                service=order.delivery.service,
                ship_to=order.ship_to,
                lines=lines,
            )
            await turn.db.execute(
                "INSERT INTO shipment (pick_list_id, shipment_id, order_id, location, service, status, lines) "
                "VALUES ($1, $2, $3, $4, $5, 'submitted', $6)",
                issued.pick_list_id,
                issued.shipment_id,
                issued.order_id,
                location,
                issued.service,
                _LINES.dump_json(lines).decode(),
            )
            turn.say(issued)

    @work.on(PickListAccepted)
    async def note_acceptance(fact: PickListAccepted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                await _state(turn, fact.pick_list_id)
                await turn.db.execute(
                    "UPDATE shipment SET status = 'accepted' WHERE pick_list_id = $1", fact.pick_list_id
                )

    @work.on(PickCompleted)
    async def complete_pick(fact: PickCompleted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                await _state(turn, fact.pick_list_id)
                await turn.db.execute(
                    "UPDATE shipment SET status = 'picked', picked = $2 WHERE pick_list_id = $1",
                    fact.pick_list_id,
                    fact.model_dump_json(include={"lines"}),
                )

    @work.on(Packed)
    async def pack(fact: Packed, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                state = await _state(turn, fact.pick_list_id)
                said = ShippingPacked(
                    order_id=state["order_id"],
                    shipment_id=state["shipment_id"],
                    at=turn.now,
                    packages=fact.packages,
                )
                await turn.db.execute(
                    "UPDATE shipment SET status = 'packed', packages = $2 WHERE pick_list_id = $1",
                    fact.pick_list_id,
                    said.model_dump_json(),
                )
                turn.say(said)

    @work.on(HandedOver)
    async def dispatch(fact: HandedOver, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                state = await _state(turn, fact.pick_list_id)
                await turn.db.execute(
                    "UPDATE shipment SET status = 'dispatched', carrier = $2, parcels = $3 WHERE pick_list_id = $1",
                    fact.pick_list_id,
                    fact.carrier,
                    fact.model_dump_json(include={"parcels"}),
                )
                turn.say(
                    ShippingDispatched.model_validate(
                        {
                            "order_id": state["order_id"],
                            "shipment_id": state["shipment_id"],
                            "pick_list_id": fact.pick_list_id,
                            "location": state["location"],
                            "at": turn.now,
                            "carrier": fact.carrier,
                            "service": state["service"],
                            "tracking_numbers": [parcel.tracking_number for parcel in fact.parcels],
                            "lines": [line.model_dump() for line in _LINES.validate_json(state["lines"])],
                            "packages": ShippingPacked.model_validate_json(state["packages"]).packages,
                        }
                    )
                )
