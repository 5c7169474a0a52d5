"""The usual way: orders."""

from typing import Final

from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts.blocks import Allocation, ConfirmedLine
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderConfirmed, OrderRejected
from packhorse_contracts.payment import PaymentAuthorised
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_order import policies
from pydantic import TypeAdapter

from .usual_work import Turn, Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY, fingerprint text NOT NULL, status text NOT NULL, accepted jsonb,
    authorised boolean NOT NULL DEFAULT false, allocations jsonb, confirmed_at timestamptz);
"""
_STATE: Final = "SELECT status, accepted, authorised, allocations FROM orders WHERE id = $1 FOR UPDATE"
_ACCEPTED: Final = tuple(name for name in OrderPlaced.model_fields if name in OrderAccepted.model_fields)
_ALLOCATIONS: Final = TypeAdapter(tuple[Allocation, ...])
_POLICY: Final = policies.Policy()


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderPlaced)
    async def place(placed: OrderPlaced, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if not turn.fresh or await turn.db.fetchrow(_STATE, placed.order_id):
                return
            mark = policies.fingerprint(placed)
            if faults := policies.faults(placed, turn.now):
                status, kept = "rejected", None
                turn.say(OrderRejected(order_id=placed.order_id, at=turn.now, reasons=tuple(faults)))
            else:
                accepted = OrderAccepted(at=turn.now, **{name: getattr(placed, name) for name in _ACCEPTED})
                status, kept = "accepted", accepted.model_dump_json()
                turn.say(accepted)
            await turn.db.execute(
                "INSERT INTO orders (id, fingerprint, status, accepted) VALUES ($1, $2, $3, $4)",
                placed.order_id,
                mark,
                status,
                kept,
            )

    @work.on(PaymentAuthorised)
    async def note_authorisation(fact: PaymentAuthorised, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                state = await turn.db.fetchrow(_STATE, fact.order_id)
                await turn.db.execute("UPDATE orders SET authorised = true WHERE id = $1", fact.order_id)
                if state["allocations"] is not None:
                    await confirm(turn, state["accepted"], _ALLOCATIONS.validate_json(state["allocations"]))

    @work.on(InventoryReserved)
    async def note_reservation(fact: InventoryReserved, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                state = await turn.db.fetchrow(_STATE, fact.order_id)
                kept = _ALLOCATIONS.dump_json(fact.allocations).decode()
                await turn.db.execute("UPDATE orders SET allocations = $2 WHERE id = $1", fact.order_id, kept)
                if state["authorised"]:
                    await confirm(turn, state["accepted"], fact.allocations)

    @work.on(ShippingDispatched)
    async def note_dispatch(fact: ShippingDispatched, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if turn.fresh:
                await turn.db.fetchrow(_STATE, fact.order_id)
                await turn.db.execute("UPDATE orders SET status = 'dispatched' WHERE id = $1", fact.order_id)


async def confirm(turn: Turn, kept: str, allocations: tuple[Allocation, ...]) -> None:
    """Paid for and reserved."""
    order = OrderAccepted.model_validate_json(kept)
    await turn.db.execute(
        "UPDATE orders SET status = 'confirmed', confirmed_at = $2 WHERE id = $1", order.order_id, turn.now
    )
    turn.say(
        OrderConfirmed(
            order_id=order.order_id,
            at=turn.now,
            customer=order.customer,
            ship_to=order.ship_to,
            delivery=order.delivery,
            lines=tuple(ConfirmedLine.model_validate(line.model_dump()) for line in order.lines),
            allocations=allocations,
            promise=policies.promise(_POLICY, order.delivery.service, turn.now, order.delivery.not_before),
        )
    )
