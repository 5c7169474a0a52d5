"""What a business sets holds from the next decision on, and never for one that was taken before."""

from datetime import timedelta

from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentCaptureFailed, PaymentRefundFailed
from packhorse_payment.operations import AskAgain, AuthorisationLapses

from .story import NOON, ORDER, UNKNOWN, Shop, accepted, cancelled, dispatched, refused

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}


def policy(version: int, **fields: object) -> OperationsPolicySet:
    """As people set it."""
    return OperationsPolicySet.model_validate(
        {"service": "payment", "policy_version": version, "at": NOON, "policy": fields, "by": "ana", "why": "a test"}
    )


def test_how_long_the_gateway_is_asked_holds_from_the_next_question_on() -> None:
    """The one that is under way keeps the deadline that it was asked with."""
    shop = Shop().then(accepted(MUG), policy(1, ask_for="PT1M")).answer().then(dispatched("s1", mug=3))
    assert [effect.deadline for effect in shop.effects.values()] == [timedelta(minutes=5), timedelta(minutes=1)]


def test_a_timer_that_was_set_before_stays_and_the_next_goes_by_the_new_policy() -> None:
    """Nobody goes through what waits already."""
    shop = Shop().then(accepted(MUG)).answer(UNKNOWN).then(policy(1, ask_again_after="PT10S"))
    assert shop.timers["AskAgain", ORDER, ""].due == NOON + timedelta(minutes=1)
    shop.fire(AskAgain, ORDER)
    shop.answer(UNKNOWN)
    assert shop.timers["AskAgain", ORDER, ""].due == NOON + 2 * timedelta(seconds=10)


def test_renewals_are_counted_by_the_policy_of_the_moment() -> None:
    """What failed for want of a renewal has failed; the next shipment has one again."""
    shop = Shop().then(policy(1, reauthorisations=0), accepted(MUG)).answer()
    shop.fire(AuthorisationLapses, ORDER)
    shop.answer_all().then(dispatched("s1", mug=1))
    assert [said.reason.code for said in shop.said(PaymentCaptureFailed)] == ["authorisation_expired"]
    shop.then(policy(2), dispatched("s2", mug=1)).answer_all()
    assert len(shop.said(PaymentAuthorised)) == 2
    assert [said.shipment_id for said in shop.said(PaymentCaptured)] == ["s2"]


def test_a_refund_that_was_given_up_stays_so_whatever_is_set_later() -> None:
    """It is a person's business by then."""
    shop = Shop().then(policy(1, attempts=1), accepted(MUG)).answer().then(dispatched("s1", mug=3)).answer()
    shop.then(cancelled(mug=1)).answer(refused("account_closed"))
    assert len(shop.said(PaymentRefundFailed)) == 1
    shop.then(policy(2, attempts=9))
    assert shop.timers == {}


def test_what_a_policy_decided_says_under_which_version() -> None:
    """And what no policy had a say in names none."""
    shop = Shop()
    assert shop.hear(accepted(MUG), NOON).under == 0
    shop.answer()
    shop.then(policy(7, ask_for="PT1M"))
    assert shop.hear(cancelled(mug=1), NOON).under is None
    assert shop.hear(dispatched("s1", mug=1), NOON).under == 7
