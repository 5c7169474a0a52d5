"""Stories of the way back: cancellations, voids, refunds, expiry."""

from datetime import timedelta

import pytest
from packhorse_contracts.base import Fact
from packhorse_contracts.payment import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentVoided,
)
from packhorse_contracts.policies import PaymentPolicy
from packhorse_payment.operations import AuthorisationLapses, Authorise, Capture, Refund, TryAgain, Void

from .story import IN_A_WEEK, NOON, ORDER, Shop, accepted, cancelled, dispatched, refused

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}
TEA = {"line_id": "tea", "quantity": 2, "unit_price": 500}
ALL = {"mug": 3}


def authorised(policy: PaymentPolicy | None = None) -> Shop:
    """A shop with an authorised order of three mugs."""
    return Shop(policy).then(accepted(MUG, delivery=(400, 0))).answer()


def test_a_cancelled_order_has_its_authorisation_voided() -> None:
    """All that was held is the customer's again."""
    shop = authorised().then(cancelled(whole=True, **ALL)).answer_all()
    (said,) = shop.said(PaymentVoided)
    assert (said.amount, said.cause) == (3400, "cancelled")
    assert shop.payment.voided == 3400
    assert shop.timers == {}


def test_an_authorisation_in_flight_when_the_order_is_cancelled_is_voided_once_known() -> None:
    """The gateway's answer comes late, and the money doesn't stay with it."""
    shop = Shop().then(accepted(MUG), cancelled(whole=True, **ALL))
    assert isinstance(shop.asked.operation, Authorise)
    shop.answer()
    assert isinstance(shop.asked.operation, Void)
    shop.answer()
    assert [said.amount for said in shop.said(PaymentVoided)] == [3000]


def test_an_authorisation_in_flight_that_is_declined_after_all_needs_no_void() -> None:
    """There is nothing to give back."""
    shop = Shop().then(accepted(MUG), cancelled(whole=True, **ALL)).answer(refused("card_declined"))
    assert shop.payment.pending is None
    assert shop.said(PaymentVoided) == []


def test_a_short_pick_releases_its_value_when_the_rest_has_left() -> None:
    """Two mugs leave, the third wasn't found: captured plus released is what was authorised."""
    shop = authorised().then(dispatched("s1", mug=2), cancelled(mug=1)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [2400]
    assert [(said.amount, said.cause) for said in shop.said(PaymentVoided)] == [(1000, "remainder")]


def test_a_short_pick_heard_before_the_dispatch_ends_the_same() -> None:
    """Between topics nothing is ordered."""
    shop = authorised().then(cancelled(mug=1))
    assert shop.payment.pending is None
    shop.then(dispatched("s1", mug=2)).answer_all()
    assert (shop.payment.captured, shop.payment.voided) == (2400, 1000)


def test_what_was_captured_is_refunded_when_it_is_cancelled_after_all() -> None:
    """The units are taken back: only the rest is owed."""
    shop = authorised().then(dispatched("s1", mug=3)).answer_all().then(cancelled(mug=2)).answer_all()
    (said,) = shop.said(PaymentRefunded)
    assert (said.amount, said.cause) == (2000, "cancelled")
    assert shop.payment.kept == shop.payment.owed == 1400


def test_all_is_refunded_with_the_delivery_when_all_is_taken_back() -> None:
    """From the newest capture to the oldest, each no more than it took."""
    shop = authorised().then(dispatched("s1", mug=1), dispatched("s2", mug=2)).answer_all()
    shop.then(cancelled(whole=True, **ALL))
    assert isinstance(shop.asked.operation, Refund)
    shop.answer_all()
    assert [said.amount for said in shop.said(PaymentRefunded)] == [2000, 1400]
    assert shop.payment.refunded == shop.payment.captured == 3400


def test_a_capture_under_way_when_its_goods_are_cancelled_is_refunded_after_it() -> None:
    """Nobody races the gateway."""
    shop = authorised().then(dispatched("s1", mug=3), cancelled(whole=True, **ALL)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [3400]
    assert [said.amount for said in shop.said(PaymentRefunded)] == [3400]


def test_goods_cancelled_before_their_capture_was_asked_are_captured_for_nothing() -> None:
    """The dispatch waited for the authorisation; by then nothing was owed for it."""
    shop = Shop().then(accepted(MUG), dispatched("s1", mug=3), cancelled(whole=True, **ALL)).answer_all()
    assert [(said.shipment_id, said.amount) for said in shop.said(PaymentCaptured)] == [("s1", 0)]
    assert shop.payment.voided == shop.payment.authorised == 3000


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("first", ["dispatched", "cancelled"])
def test_goods_that_left_although_cancelled_cost_nothing(first: str, *, held: bool) -> None:
    """An agreed cancellation stands, whatever was heard first, and whatever was answered by then."""
    heard: list[Fact] = [dispatched("s1", mug=3), cancelled(mug=3)]
    shop = Shop().then(accepted(MUG))
    for fact in heard if first == "dispatched" else reversed(heard):
        if held:
            shop.answer_all()
        shop.then(fact)
    shop.answer_all()
    assert (shop.payment.owed, shop.payment.kept, shop.payment.held) == (0, 0, None)
    assert shop.payment.authorised == shop.payment.captured + shop.payment.voided


@pytest.mark.parametrize(("comes", "kept"), [(0, 0), (1, 1400)])
def test_units_still_to_come_are_paid_only_if_they_come(comes: int, kept: int) -> None:
    """Two of three were cancelled and left all the same; the third is sent later, or isn't there."""
    shop = authorised().then(cancelled(mug=2), dispatched("s1", mug=2)).answer_all()
    shop.then(dispatched("s2", mug=1) if comes else cancelled(minute=1, whole=True, mug=1)).answer_all()
    assert (shop.payment.kept, shop.payment.held) == (kept, None)


def test_only_what_was_not_cancelled_is_captured_of_a_shipment() -> None:
    """One of three was cancelled while the authorisation was on its way; all three left."""
    shop = Shop().then(accepted(MUG), dispatched("s1", mug=3), cancelled(mug=1)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [2000]
    assert shop.payment.voided == 1000


def test_goods_that_left_for_a_declined_payment_are_said_to_be_unpaid() -> None:
    """With the reason of the decline."""
    shop = Shop().then(accepted(MUG)).answer(refused("card_declined")).then(dispatched("s1", mug=1))
    assert [said.reason.code for said in shop.said(PaymentCaptureFailed)] == ["card_declined"]


def test_a_capture_that_the_gateway_refuses_is_said_and_the_hold_released() -> None:
    """Every authorisation ends in capture or void."""
    shop = authorised().then(dispatched("s1", mug=3)).answer(refused("capture_failed")).answer_all()
    assert [(said.amount, said.reason.code) for said in shop.said(PaymentCaptureFailed)] == [(3400, "capture_failed")]
    assert shop.payment.voided == 3400


def test_a_capture_of_what_somebody_voided_at_the_gateway_is_said_to_have_failed() -> None:
    """The gateway's book stands otherwise; ours follows it."""
    shop = authorised().then(dispatched("s1", mug=3)).answer(refused("not_capturable"))
    assert [said.reason.code for said in shop.said(PaymentCaptureFailed)] == ["authorisation_voided"]
    assert shop.payment.voided == 3400


def test_an_expired_authorisation_is_renewed_once_and_captured() -> None:
    """With the same token, for what can still be owed."""
    shop = authorised().then(dispatched("s1", mug=2)).answer(refused("authorisation_expired"))
    assert [(said.amount, said.cause) for said in shop.said(PaymentVoided)] == [(3400, "expired")]
    operation = shop.asked.operation
    assert isinstance(operation, Authorise)
    assert (operation.amount, operation.token) == (3400, "tok_ok")
    shop.answer().answer()
    assert len(shop.said(PaymentAuthorised)) == 2
    assert [said.amount for said in shop.said(PaymentCaptured)] == [2400]
    shop.then(cancelled(mug=1)).answer_all()
    assert shop.payment.authorised == shop.payment.captured + shop.payment.voided == 6800


def test_a_renewal_that_is_declined_leaves_the_goods_unpaid_but_declines_no_order() -> None:
    """The goods have left: the order isn't to be cancelled for it."""
    shop = authorised().then(dispatched("s1", mug=3)).answer(refused("authorisation_expired"))
    shop.answer(refused("insufficient_funds", may_retry=True))
    assert [said.reason.code for said in shop.said(PaymentCaptureFailed)] == ["insufficient_funds"]
    assert shop.said(PaymentDeclined) == []


def test_an_authorisation_is_renewed_no_more_often_than_the_policy_says() -> None:
    """The second expiry is said aloud."""
    expired = refused("authorisation_expired")
    shop = authorised().then(dispatched("s1", mug=3)).answer(expired).answer().answer(expired)
    assert [said.reason.code for said in shop.said(PaymentCaptureFailed)] == ["authorisation_expired"]
    never = authorised(PaymentPolicy(reauthorisations=0)).then(dispatched("s1", mug=3)).answer(expired)
    assert [said.reason.code for said in never.said(PaymentCaptureFailed)] == ["authorisation_expired"]


def test_each_shipment_may_renew_an_authorisation_that_expired_since_the_one_before() -> None:
    """A long order outlives several authorisations."""
    shop = authorised()
    for n in range(3):
        shop.fire(AuthorisationLapses, ORDER)
        shop.answer_all().then(dispatched(f"s{n}", mug=1)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [1400, 1000, 1000]
    assert shop.payment.authorised == shop.payment.captured + shop.payment.voided


def test_an_authorisation_whose_time_is_over_is_released_and_renewed_only_when_goods_leave() -> None:
    """A hold that nothing needs yet isn't put on the customer's card again."""
    shop = authorised()
    shop.fire(AuthorisationLapses, ORDER)
    assert isinstance(shop.asked.operation, Void)
    shop.answer()
    assert [said.cause for said in shop.said(PaymentVoided)] == ["expired"]
    assert shop.payment.pending is None
    shop.then(dispatched("s1", mug=3)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [3400]


def test_an_authorisation_that_the_gateway_let_lapse_first_is_released_all_the_same() -> None:
    """There was nothing to void any more, or the gateway says why."""
    for code in ("nothing_to_void", "authorisation_expired"):
        shop = authorised()
        shop.fire(AuthorisationLapses, ORDER)
        shop.answer(refused(code))
        assert [(said.amount, said.cause) for said in shop.said(PaymentVoided)] == [(3400, "expired")]


def test_a_void_that_finds_nothing_to_void_is_a_release() -> None:
    """Somebody did it at the gateway."""
    shop = authorised().then(cancelled(whole=True)).answer(refused("nothing_to_void"))
    assert [(said.amount, said.cause) for said in shop.said(PaymentVoided)] == [(3400, "cancelled")]


def test_a_lapse_that_comes_while_a_capture_is_under_way_waits_for_it() -> None:
    """Then what remains is released, if anything does."""
    shop = authorised().then(dispatched("s1", mug=1))
    shop.fire(AuthorisationLapses, ORDER)
    assert isinstance(shop.asked.operation, Capture)
    shop.answer()
    assert isinstance(shop.asked.operation, Void)
    shop.answer()
    assert (shop.payment.captured, shop.payment.voided) == (1400, 2000)


def test_a_lapse_of_an_authorisation_that_is_no_more_changes_nothing() -> None:
    """The timer of an earlier one."""
    shop = authorised()
    before = shop.payment
    shop.hear(AuthorisationLapses(order_id=ORDER, authorisation="another"), IN_A_WEEK)
    assert shop.payment == before


def test_a_refund_that_the_gateway_refuses_stays_owed_and_is_tried_again_later() -> None:
    """It is said each time; after the last try it takes a person, and the ledger still owes it to the customer."""
    shop = authorised(PaymentPolicy(attempts=2)).then(dispatched("s1", mug=3)).answer_all().then(cancelled(mug=1))
    first = shop.asked.key
    shop.answer(refused("account_closed"))
    assert [said.amount for said in shop.said(PaymentRefundFailed)] == [1000]
    assert shop.payment.pending is None
    assert shop.timers["TryAgain", ORDER, ""].due == NOON + timedelta(days=1)
    shop.fire(TryAgain, ORDER)
    assert shop.asked.key != first
    shop.answer(refused("account_closed"))
    assert shop.timers == {}
    assert shop.payment.kept - shop.payment.owed == 1000


def test_a_void_that_the_gateway_refuses_is_tried_again_later() -> None:
    """Until then the hold stands, and so does ours."""
    shop = authorised().then(cancelled(whole=True)).answer(refused("not_now"))
    assert shop.payment.pending is None
    shop.fire(TryAgain, ORDER)
    shop.answer()
    assert shop.payment.voided == 3400
