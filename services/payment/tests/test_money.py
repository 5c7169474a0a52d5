"""Whatever comes in whatever order, the money is right. Properties over random lives of an order."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.turn import Turn
from packhorse_contracts.base import Fact
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentRefunded, PaymentVoided
from packhorse_payment.ledger import LedgerEntry
from packhorse_payment.operations import AskAgain, AuthorisationLapses, Capture, Outcome
from packhorse_payment.state import PAYMENTS, Payment, status
from pydantic import TypeAdapter

from .story import ORDER, UNKNOWN, Shop, accepted, cancelled, dispatched, refused

ADAPTER = TypeAdapter(Payment)
Life = list[Fact]


def balances(shop: Shop) -> Counter[str]:
    """Debits less credits of every account."""
    sums: Counter[str] = Counter()
    for entry in shop.journal:
        assert isinstance(entry, LedgerEntry)
        sums[entry.debit] += entry.amount
        sums[entry.credit] -= entry.amount
    return sums


def check(shop: Shop) -> None:
    """What holds at every moment."""
    payment = shop.payment
    assert 0 <= payment.captured + payment.voided <= payment.authorised
    assert 0 <= payment.refunded <= payment.captured
    assert payment.owed <= payment.claimable <= payment.total
    assert all(0 <= line.owed + line.cancelled <= line.ordered for line in payment.lines.values())
    assert all(captured.refunded <= captured.amount for captured in payment.captures)
    sums = balances(shop)
    held = payment.held.remaining if payment.held else 0
    assert sums["authorised_funds"] == -sums["authorisations"] == held
    assert sums["gateway"] == payment.kept
    assert -sums["revenue"] == payment.owed
    assert sums["customer"] == payment.owed - payment.kept
    numbers = [entry.entry for entry in shop.journal if isinstance(entry, LedgerEntry)]
    assert numbers == list(range(1, payment.entries + 1))
    assert ADAPTER.validate_json(ADAPTER.dump_json(payment)) == payment
    waits = payment.pending is not None and payment.pending.status != "asked"
    assert waits == (("AskAgain", ORDER, "") in shop.timers)
    check_status(shop)


def check_status(shop: Shop) -> None:
    """What is held without need, or kept without being owed, is only ever what the gateway wouldn't give back; and
    nothing is held where the table says that nothing can lapse: it would stay on the customer's card."""
    payment, stands = shop.payment, status(shop.payment)
    assert stands != "refund_failed" or "refund" in payment.refused
    assert stands != "void_failed" or "void" in payment.refused
    if stands in {"expected", "authorising", "declined", "uncovered", "unpaid", "settled"}:
        assert payment.held is None
    if stands in {"expected", "declined"}:
        assert (payment.authorised, payment.refused) == (0, ())
    if stands == "settled":
        assert payment.kept == payment.owed


def check_end(shop: Shop) -> None:
    """What holds when everything has been heard and answered, and nothing more can leave."""
    payment = shop.payment
    assert payment.pending is None
    assert payment.held is None
    assert payment.authorised == payment.captured + payment.voided
    assert all(shipment.closed for shipment in payment.shipments.values())
    assert sum(said.amount for said in shop.said(PaymentAuthorised)) == payment.authorised
    assert sum(said.amount for said in shop.said(PaymentCaptured)) == payment.captured
    assert sum(said.amount for said in shop.said(PaymentVoided)) == payment.voided
    assert sum(said.amount for said in shop.said(PaymentRefunded)) == payment.refunded


@st.composite
def lives(draw: st.DrawFn) -> tuple[Fact, Life, int]:
    """An order, an order of dispatches and cancellations that together take every unit once, and the cancelled
    units' share of what it costs."""
    lines = []
    life: Life = []
    for n in range(draw(st.integers(1, 3))):
        quantity, price = draw(st.integers(1, 5)), draw(st.integers(0, 1000))
        discount = draw(st.integers(0, quantity * price))
        lines.append(
            {
                "line_id": f"l{n}",
                "quantity": quantity,
                "unit_price": price,
                "discount": discount,
                "tax": draw(st.integers(0, 99)),
            }
        )
        left = quantity
        while left:
            units = draw(st.integers(1, left))
            part = len(life)
            if draw(st.booleans()):
                life.append(dispatched(f"s{part}", **{f"l{n}": units}))
            else:
                life.append(cancelled(minute=part, **{f"l{n}": units}))  # type: ignore[arg-type]
            left -= units
    net = sum(line["quantity"] * line["unit_price"] - line["discount"] for line in lines)  # type: ignore[operator]
    price, delivery_tax = draw(st.integers(0, 500)), draw(st.sampled_from([0, 7]))
    full = net + sum(line["tax"] for line in lines) + price + delivery_tax  # type: ignore[misc]
    promotions = draw(st.one_of(st.integers(0, net), st.integers(net, full), st.just(full)))
    payments = draw(st.sampled_from([0, 1])) if promotions == full else 1
    order = accepted(*lines, promotions=promotions, delivery=(price, delivery_tax), payments=payments)
    return order, draw(st.permutations(life)), order.totals.grand_total


def live(shop: Shop, order: Fact, life: Life, data: st.DataObject, outcomes: list[Outcome | None]) -> None:
    """Hears all of it, the answers at any moment in between, each either what `outcomes` offers or done."""
    waiting = [order, *life]
    overtaken = data.draw(st.booleans(), label="a fact overtakes the order")
    if overtaken and life:
        waiting[0], waiting[1] = waiting[1], waiting[0]
    for fact in waiting:
        shop.then(fact)
        check(shop)
        while data.draw(st.booleans(), label="something else happens") and step(shop, data, outcomes):
            check(shop)
    while step(shop, None, outcomes):
        check(shop)


def step(shop: Shop, data: st.DataObject | None, outcomes: list[Outcome | None]) -> Turn[Any] | bool:
    """The gateway answers, or a timer's time comes. False where neither can happen."""
    pending = shop.payment.pending
    if pending is not None and pending.status == "asked":
        outcome = data.draw(st.sampled_from(outcomes), label="outcome") if data else None
        if outcome is not None and outcome.outcome == "refused" and outcome.code == "authorisation_expired":
            outcome = outcome if isinstance(pending.operation, Capture) else None
        shop.answer(outcome)
        return True
    if pending is not None:
        return shop.fire(AskAgain, ORDER)
    if data and ("AuthorisationLapses", ORDER, "") in shop.timers and data.draw(st.booleans(), label="it lapses"):
        return shop.fire(AuthorisationLapses, ORDER)
    return False


@given(lives(), st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_captured_is_what_left_whatever_the_order_of_facts(
    story: tuple[Fact, Life, int], data: st.DataObject
) -> None:
    """Dispatches, cancellations, lost answers in any order: the customer pays for the units that left, once, to the
    cent; captures and what was released add up to what was authorised. Promotions may cover delivery and tax, up to an
    order that is free; of that the gateway hears nothing."""
    order, life, total = story
    shop = Shop()
    live(shop, order, life, data, [None, UNKNOWN])
    check_end(shop)
    payment = shop.payment
    assert payment.kept == payment.owed
    assert total or not shop.effects
    cancelled_value = payment.total - payment.owed
    assert cancelled_value >= 0
    assert payment.captured + cancelled_value == total
    in_order = Shop().then(order, *sorted(life, key=repr)).answer_all()
    assert in_order.payment.owed == payment.owed


@given(lives(), st.data())
@settings(max_examples=100, deadline=None)
def test_refusals_and_expiry_leave_nothing_held_and_nothing_unexplained(
    story: tuple[Fact, Life, int], data: st.DataObject
) -> None:
    """Whatever fails is owed in the ledger, and never taken twice."""
    order, life, _ = story
    shop = Shop()
    live(shop, order, life, data, [None, UNKNOWN, refused("authorisation_expired"), refused("card_declined")])
    while (("TryAgain", ORDER, "") in shop.timers) or shop.payment.pending:
        if shop.payment.pending:
            shop.answer_all()
        else:
            shop.hear(shop.timers.pop(("TryAgain", ORDER, "")).payload, shop.now)
        check(shop)
    if shop.payment.refusals < 3:
        check_end(shop)
    assert shop.payment.kept <= max(shop.payment.owed, shop.payment.captured)


@given(lives(), st.data())
@settings(max_examples=100, deadline=None)
def test_taking_back_whatever_left_ends_with_nothing_owed_and_nothing_kept(
    story: tuple[Fact, Life, int], data: st.DataObject
) -> None:
    """A cancellation of everything that left, at any moment: all of it goes back to the customer."""
    order, life, _ = story
    shop = Shop()
    live(shop, order, life, data, [None, UNKNOWN])
    everything = {line_id: line.ordered for line_id, line in shop.state(PAYMENTS, ORDER).lines.items()}
    shop.then(cancelled(whole=True, minute=999, **everything)).answer_all()
    check(shop)
    check_end(shop)
    assert shop.payment.owed == shop.payment.kept == 0
