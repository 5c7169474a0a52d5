"""Stories of outcomes that nobody knows: asked again with the same key, never guessed, never forgotten."""

from datetime import timedelta

from packhorse_contracts.payment import PaymentAuthorised, PaymentDeclined, PaymentVoided
from packhorse_contracts.policies import PaymentPolicy
from packhorse_payment.operations import AskAgain, AskGateway, Done, GatewayAnswered, Void
from packhorse_payment.policies import pause

from .story import IN_REVIEW, NOON, ORDER, UNKNOWN, Shop, accepted, cancelled, refused

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}


def last_effect(shop: Shop) -> tuple[str, AskGateway]:
    """The newest effect and its key."""
    key, effect = list(shop.effects.items())[-1]
    assert isinstance(effect.request, AskGateway)
    return key, effect.request


def test_an_unknown_outcome_is_neither_authorised_nor_declined() -> None:
    """It stays a state of its own, and a timer watches over it."""
    shop = Shop().then(accepted(MUG)).answer(UNKNOWN)
    assert shop.events == []
    assert shop.payment.pending is not None
    assert shop.payment.pending.status == "unknown"
    assert shop.timers["AskAgain", ORDER, ""].due == NOON + PaymentPolicy().ask_again_after


def test_it_is_asked_again_by_a_new_effect_with_the_gateways_key_as_it_was() -> None:
    """The first effect has ended; the gateway recognises the key."""
    shop = Shop().then(accepted(MUG))
    first_key, first = last_effect(shop)
    shop.answer(UNKNOWN).fire(AskAgain, ORDER)
    second_key, second = last_effect(shop)
    assert second_key != first_key
    assert (second.key, second.operation) == (first.key, first.operation)
    assert second.again
    assert not first.again
    shop.answer(Done(reference="auth-1"))
    assert len(shop.said(PaymentAuthorised)) == 1


def test_it_is_asked_ever_less_often_but_for_ever() -> None:
    """Each wait is twice as long, up to the cap; there is always a timer or a question under way."""
    policy = PaymentPolicy(ask_again_after=timedelta(minutes=1), ask_again_cap=timedelta(minutes=5))
    shop = Shop(policy).then(accepted(MUG))
    waits = []
    for _ in range(5):
        shop.answer(UNKNOWN)
        waits.append(shop.timers["AskAgain", ORDER, ""].due - NOON)
        shop.fire(AskAgain, ORDER)
    assert [wait.seconds // 60 for wait in waits] == [1, 2, 4, 5, 5]
    assert len(shop.effects) == 6
    assert pause(timedelta(seconds=1), 10**6, timedelta(hours=1)) == timedelta(hours=1)


def test_an_order_cancelled_meanwhile_is_voided_once_the_outcome_is_known() -> None:
    """The money doesn't stay in limbo."""
    shop = Shop().then(accepted(MUG)).answer(UNKNOWN).then(cancelled(whole=True, mug=3))
    assert shop.payment.pending is not None
    shop.fire(AskAgain, ORDER)
    shop.answer()
    assert isinstance(shop.asked.operation, Void)
    shop.answer()
    assert shop.payment.voided == shop.payment.authorised == 3000


def test_an_unknown_void_is_settled_the_same_way() -> None:
    """Every operation is."""
    shop = Shop().then(accepted(MUG)).answer().then(cancelled(whole=True)).answer(UNKNOWN)
    assert shop.said(PaymentVoided) == []
    shop.fire(AskAgain, ORDER)
    shop.answer()
    assert len(shop.said(PaymentVoided)) == 1


def test_a_review_is_looked_at_until_it_is_decided() -> None:
    """With the gateway's own id of the authorisation."""
    shop = Shop().then(accepted(MUG)).answer(IN_REVIEW)
    assert shop.events == []
    assert shop.timers["AskAgain", ORDER, ""].due == NOON + PaymentPolicy().review_poll
    shop.fire(AskAgain, ORDER)
    assert last_effect(shop)[1].reference == "auth-r"
    shop.answer(IN_REVIEW).fire(AskAgain, ORDER)
    shop.answer(Done(reference="auth-r"))
    assert len(shop.said(PaymentAuthorised)) == 1


def test_a_review_that_ends_badly_declines_the_payment() -> None:
    """With the reviewer's reason."""
    shop = Shop().then(accepted(MUG)).answer(IN_REVIEW)
    shop.fire(AskAgain, ORDER)
    shop.answer(refused("card_declined"))
    assert [said.reason.code for said in shop.said(PaymentDeclined)] == ["card_declined"]


def test_a_timer_of_a_question_that_was_answered_meanwhile_asks_nothing() -> None:
    """Late timers are harmless."""
    shop = Shop().then(accepted(MUG))
    key = shop.asked.key
    shop.hear(AskAgain(order_id=ORDER, key=key), NOON)
    assert len(shop.effects) == 1
    shop.hear(GatewayAnswered(order_id=ORDER, key=key, outcome=Done(reference="auth-1")), NOON)
    shop.hear(AskAgain(order_id=ORDER, key=key), NOON)
    assert len(shop.effects) == 1
