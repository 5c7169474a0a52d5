"""Money that others take twice, keep without an order, give back twice, or lose sight of."""

from collections import Counter

import pytest
from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.order import OrderAccepted, OrderConfirmed
from packhorse_contracts.payment import (
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentVoided,
)
from packhorse_order.state import ORDERS
from packhorse_order.timers import PaymentDeadline
from packhorse_payment.ledger import LedgerEntry
from packhorse_payment.operations import AskAgain, AuthorisationLapses, TryAgain
from packhorse_payment.state import PAYMENTS

from .every_order import Rules, World, explore
from .gateway import Gateway, Kind
from .shop import DELIVERY, NORTH, PAYMENT, PRICE, accepted, cancel, cancelled, dispatched, opened, placed
from .warehouse import Warehouse

ALL_OF_IT = PRICE + DELIVERY


def sold(pieces: int, rules: Rules | None = None, gateway: Gateway | None = None) -> World:
    """The payment service alone, after so many mugs were paid and left."""
    world = World.of([PAYMENT], rules, gateway=gateway)
    return world.settle(accepted(("mug", pieces)), dispatched("s1", ("mug", pieces)))


def balances(world: World) -> dict[str, int]:
    """What the ledger makes of each account: debits less credits, those of 0 left out."""
    sums: Counter[str] = Counter()
    for entry in world.services["payment"].journal:
        assert isinstance(entry, LedgerEntry)
        sums[entry.debit] += entry.amount
        sums[entry.credit] -= entry.amount
    return {account: balance for account, balance in sums.items() if balance}


def told(world: World, fact: type[PaymentCaptured] | type[PaymentRefunded]) -> int:
    """What was said to have been captured or refunded in all."""
    return sum(one.amount for one in world.said(fact))


def nothing_is_made_up(world: World) -> None:
    """Nothing is said to be taken or given back before the gateway has done it."""
    assert told(world, PaymentCaptured) <= world.gateway.captured
    assert told(world, PaymentRefunded) <= world.gateway.refunded


def test_a_refund_webhook_that_overtakes_its_answer_refunds_once() -> None:
    """woocommerce-gateway-stripe#2724: the gateway's webhook came before the API's answer had been stored, was taken
    for somebody else's refund, and the money was booked as given back a second time.

    Here a refund's two answers, the first and the one to asking again, may come in either order, or alone: each
    refund is asked for under one key, booked once, and said once.
    """
    world = sold(3, Rules(unsure=frozenset({"refund"}), timers=frozenset({AskAgain})))
    found = explore(world.say(cancelled(1), cancelled(1, minute=1)), nothing_is_made_up)
    assert found.orders > 100
    for end in found.ends:
        assert (end.gateway.count("refund"), end.gateway.refunded) == (2, 2 * PRICE)
        assert [one.amount for one in end.said(PaymentRefunded)] == [PRICE, PRICE]
        assert end.state(PAYMENTS, "o1").refunded == 2 * PRICE
        assert balances(end) == {"gateway": ALL_OF_IT, "revenue": -ALL_OF_IT}


@pytest.mark.parametrize("unsure", ["authorise", "capture"])
def test_an_answer_that_races_its_repeat_takes_the_money_once(unsure: Kind) -> None:
    """medusa#13301: the shop's own confirmation raced the gateway's webhook through the same work. Some payments were
    captured twice, and some orders never appeared.

    Here the checkout says the order twice, the warehouse hands it over twice, and answers get lost or come twice. In
    every order of arrival there is one order, confirmed once, and its money is taken once.
    """
    rules = Rules(unsure=frozenset({unsure}), timers=frozenset({AskAgain}))
    world = opened({"mug": {NORTH: 1}}, rules, warehouse=Warehouse(repeats=True, delivers=False))
    found = explore(world.say(placed(), placed()), nothing_is_made_up)
    for end in found.ends:
        assert len(end.said(OrderAccepted)) == len(end.said(OrderConfirmed)) == 1
        assert end.gateway.authorised == end.gateway.captured == ALL_OF_IT
        assert (end.gateway.count("authorise"), end.gateway.count("capture")) == (1, 1)
        assert [one.amount for one in end.said(PaymentCaptured)] == [ALL_OF_IT]
        assert end.state(ORDERS, "o1").status == "dispatched"
        assert not end.refused


@pytest.mark.parametrize("trouble", ["no stock", "the customer cancels", "the deadline passes"])
def test_every_authorisation_ends_in_a_capture_or_a_void(trouble: str) -> None:
    """saleor#10925: something made the checkout invalid while the customer was paying. The money was taken, there was
    no order, and nobody gave it back.

    Here the order falls through at every moment of the payment, also while nobody knows whether the money is held:
    nothing is held in the end, what was taken was for goods that left, and an order that has ended has none of it.
    """
    timers: set[type[Internal]] = {AskAgain}
    if trouble == "the deadline passes":
        timers.add(PaymentDeadline)
    rules = Rules(unsure=frozenset({"authorise", "void"}), timers=frozenset(timers))
    stock = {"pot" if trouble == "no stock" else "mug": {NORTH: 1}}
    world = opened(stock, rules, warehouse=Warehouse(delivers=False)).say(placed())
    if trouble == "the customer cancels":
        world.say(cancel())
    found = explore(world, nothing_is_made_up)
    outcomes = set()
    for end in found.ends:
        status, book = end.state(ORDERS, "o1").status, end.gateway
        assert book.open == 0
        assert book.authorised == book.captured + book.voided
        assert (status, book.captured) in {("cancelled", 0), ("dispatched", ALL_OF_IT)}
        outcomes.add(status)
    assert outcomes == ({"cancelled"} if trouble == "no stock" else {"cancelled", "dispatched"})


def test_repeated_refunds_leave_the_ledger_balanced() -> None:
    """medusa#13433: after several returns for one payment the order's balance was wrong, for a step of the work had
    returned early, in silence.

    Here three parts are taken back one after the other, in any order with the answers. Every refund is said, none is
    left out, the ledger closes, and what was kept is what is owed.
    """
    world = sold(4)
    found = explore(world.say(*(cancelled(1, minute=minute) for minute in range(3))), nothing_is_made_up)
    for end in found.ends:
        payment = end.state(PAYMENTS, "o1")
        assert payment.kept == payment.owed == ALL_OF_IT
        assert told(end, PaymentRefunded) == end.gateway.refunded == 3 * PRICE
        assert balances(end) == {"gateway": ALL_OF_IT, "revenue": -ALL_OF_IT}


@pytest.mark.parametrize("renews", [True, False])
def test_an_authorisation_that_lapses_is_renewed_or_said_aloud(*, renews: bool) -> None:
    """reaction#4726: an authorisation lapsed after a week, and capturing it failed without a word.

    Here it lapses at any moment, by the gateway's clock or by ours. What left is captured from a new authorisation;
    where there is none, that is said with its amount, and the order shows that it has a problem.
    """
    rules = Rules(timers=frozenset({AuthorisationLapses}), lapses=True)
    world = opened({"mug": {NORTH: 1}}, rules, warehouse=Warehouse(delivers=False), gateway=Gateway(renews=renews))
    found = explore(world.say(placed()), nothing_is_made_up)
    outcomes = set()
    for end in found.ends:
        failed = sum(one.amount for one in end.said(PaymentCaptureFailed))
        assert end.gateway.captured + failed == ALL_OF_IT
        assert end.state(PAYMENTS, "o1").owed == ALL_OF_IT
        assert (end.state(ORDERS, "o1").payment_problem is not None) == (failed > 0)
        assert end.gateway.open == 0
        assert balances(end).get("customer", 0) == failed
        outcomes.add((failed > 0, len(end.said(PaymentVoided))))
    # Captured at once, or after one renewal; said aloud where there is none, or where that lapses as well.
    assert outcomes == ({(False, 0), (False, 1), (True, 2)} if renews else {(False, 0), (True, 1)})


def test_a_refund_that_never_reached_the_gateway_is_settled_by_asking() -> None:
    """hyperswitch#9622: a refund was shown as pending though nobody had ever been asked for it. People waited for
    money that was not on its way.

    Here a refund is known to be asked, unknown, or done. It isn't said before the gateway has done it, and whatever
    got lost, asking again under the same key settles it.
    """

    def honest(world: World) -> None:
        nothing_is_made_up(world)
        payment = world.state(PAYMENTS, "o1")
        waits = payment.pending is not None
        assert waits or payment.refunded == world.gateway.refunded
        if payment.pending is not None and payment.pending.status == "unknown":
            assert any(name == "AskAgain" for name, _, _ in world.services["payment"].timers)

    world = sold(2, Rules(unsure=frozenset({"refund"}), timers=frozenset({AskAgain})))
    found = explore(world.say(cancelled(2, whole=True)), honest)
    for end in found.ends:
        assert (end.gateway.count("refund"), told(end, PaymentRefunded)) == (1, 2 * PRICE + DELIVERY)


@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_a_failed_refund_is_still_owed(refusals: int) -> None:
    """vendure#3152: the gateway refused a refund, and the order looked as if it had been paid back.

    Here it is said each time, the ledger goes on owing it to the customer, and it is asked for anew. What the gateway
    refuses for the last time stays on the books as owed, for a person.
    """

    def owed(world: World) -> None:
        back = world.gateway.captured - world.gateway.refunded
        if world.state(PAYMENTS, "o1").pending is None and not world.lanes:
            assert balances(world).get("customer", 0) == -back

    world = sold(1, Rules(timers=frozenset({TryAgain})), Gateway(refuses={"refund": refusals}))
    found = explore(world.say(cancelled(1, whole=True)), owed)
    for end in found.ends:
        assert [one.amount for one in end.said(PaymentRefundFailed)] == [ALL_OF_IT] * refusals
        assert told(end, PaymentRefunded) == end.gateway.refunded == (ALL_OF_IT if refusals < 3 else 0)
        payment = end.state(PAYMENTS, "o1")
        assert payment.kept - payment.owed == (ALL_OF_IT if refusals == 3 else 0)
