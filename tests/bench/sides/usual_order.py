"""The usual way: orders."""

from typing import Final

from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts.blocks import ConfirmedLine
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderConfirmed, OrderRejected
from packhorse_contracts.payment import PaymentAuthorised
from packhorse_contracts.policies import OrderPolicy
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_order import checks
from packhorse_order.promise import promise
from packhorse_order.state import Location

from .usual_work import Turn, Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY, fingerprint text NOT NULL, status text NOT NULL, accepted jsonb,
    authorised boolean NOT NULL DEFAULT false, reserved jsonb);
"""
_STATE: Final = "SELECT accepted, authorised, reserved FROM orders WHERE id = $1 FOR UPDATE"
_NEW: Final = "INSERT INTO orders (id, fingerprint, status, accepted) VALUES ($1, $2, $3, $4)"
_AUTHORISED: Final = "UPDATE orders SET authorised = true WHERE id = $1"
_RESERVED: Final = "UPDATE orders SET reserved = $2 WHERE id = $1"
_STATUS: Final = "UPDATE orders SET status = $2 WHERE id = $1"
_POLICY: Final = OrderPolicy()


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderPlaced)
    async def place(placed: OrderPlaced, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            mark = checks.fingerprint(placed)
            if faults := checks.faults(placed, turn.now):
                await turn.db.execute(_NEW, placed.order_id, mark, "rejected", None)
                turn.say(OrderRejected(order_id=placed.order_id, at=turn.now, reasons=tuple(faults)))
            else:
                accepted = OrderAccepted(at=turn.now, **dict(placed))
                await turn.db.execute(_NEW, placed.order_id, mark, "accepted", accepted.model_dump_json())
                turn.say(accepted)

    @work.on(PaymentAuthorised)
    async def note_authorisation(fact: PaymentAuthorised, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            state = await turn.row(_STATE, fact.order_id)
            await turn.db.execute(_AUTHORISED, fact.order_id)
            if state["reserved"]:
                await confirm(turn, state["accepted"], InventoryReserved.model_validate_json(state["reserved"]))

    @work.on(InventoryReserved)
    async def note_reservation(fact: InventoryReserved, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            state = await turn.row(_STATE, fact.order_id)
            await turn.db.execute(_RESERVED, fact.order_id, fact.model_dump_json())
            if state["authorised"]:
                await confirm(turn, state["accepted"], fact)

    @work.on(ShippingDispatched)
    async def note_dispatch(fact: ShippingDispatched, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            await turn.row(_STATE, fact.order_id)
            await turn.db.execute(_STATUS, fact.order_id, "dispatched")


async def confirm(turn: Turn, accepted: str, reserved: InventoryReserved) -> None:
    """Paid for and reserved."""
    order = OrderAccepted.model_validate_json(accepted)
    await turn.db.execute(_STATUS, order.order_id, "confirmed")
    turn.say(
        OrderConfirmed(
            order_id=order.order_id,
            at=turn.now,
            customer=order.customer,
            ship_to=order.ship_to,
            delivery=order.delivery,
            lines=tuple(ConfirmedLine(**dict(line)) for line in order.lines),
            allocations=reserved.allocations,
            promise=promise(_POLICY, order, reserved.allocations, lambda _: Location(), turn.now),
        )
    )
