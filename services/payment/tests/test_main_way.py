"""Stories of the main way: authorise, capture what leaves, release the rest."""

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.payment import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from packhorse_payment.operations import (
    AskGateway,
    AuthorisationLapses,
    Authorise,
    Capture,
    Done,
    GatewayAnswered,
    Overtook,
)

from .story import IN_A_WEEK, NOON, ORDER, Shop, accepted, cancelled, dispatched, refused

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}
TEA = {"line_id": "tea", "quantity": 2, "unit_price": 500, "discount": 100, "tax": 55}


def test_an_accepted_order_has_its_grand_total_authorised_with_the_customers_token() -> None:
    """One request for all of it, whose key names the payment; nothing is said before the answer."""
    shop = Shop().then(accepted(MUG, TEA, promotions=300, delivery=(490, 10)))
    operation = shop.asked.operation
    assert operation == Authorise(amount=3000 + 900 - 300 + 55 + 500, currency="EUR", method="card", token="tok_ok")
    assert shop.asked.key.startswith(shop.payment.payment_id)
    assert shop.events == []


def test_the_intent_is_stored_with_the_state_before_the_gateway_is_asked() -> None:
    """The state that asks knows its question: whatever dies in between, the key is there."""
    shop = Shop().then(accepted(MUG))
    assert shop.payment.pending is not None
    assert list(shop.effects) == [shop.payment.pending.key]


def test_an_authorisation_is_said_with_its_tender_and_its_end() -> None:
    """The order learns what is held, by whom, and for how long."""
    shop = Shop().then(accepted(MUG)).answer(Done(reference="auth-1", expires_at=IN_A_WEEK))
    (said,) = shop.said(PaymentAuthorised)
    assert (said.amount, said.currency, said.expires_at) == (3000, "EUR", IN_A_WEEK)
    (tender,) = said.tenders
    assert (tender.method, tender.amount, tender.gateway, tender.reference) == ("card", 3000, "test", "auth-1")
    assert said.payment_id == shop.payment.payment_id
    assert shop.timers["AuthorisationLapses", ORDER, ""].due == IN_A_WEEK


def test_one_shipment_of_everything_captures_everything() -> None:
    """Nothing is left to release, and no timer to wait for."""
    shop = Shop().then(accepted(MUG, delivery=(400, 0))).answer().then(dispatched("s1", mug=3)).answer_all()
    (said,) = shop.said(PaymentCaptured)
    assert (said.shipment_id, said.amount) == ("s1", 3400)
    assert shop.said(PaymentVoided) == []
    assert shop.timers == {}


def test_each_shipment_captures_its_value_and_the_first_the_delivery() -> None:
    """1,000 cents over three mugs that cost 999.33 each by discount: cents are never lost, nor doubled."""
    odd = {"line_id": "mug", "quantity": 3, "unit_price": 1000, "discount": 2}
    shop = Shop().then(accepted(odd, delivery=(400, 0))).answer()
    for n in range(3):
        shop.then(dispatched(f"s{n}", mug=1)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [999 + 400, 999, 1000]
    assert shop.payment.captured == 3398


def test_shipments_that_leave_together_are_captured_one_after_the_other() -> None:
    """Only one operation is under way at a time, so none can race another."""
    shop = Shop().then(accepted(MUG, TEA)).answer().then(dispatched("s1", mug=3), dispatched("s2", tea=2))
    assert isinstance(shop.asked.operation, Capture)
    assert shop.asked.operation.shipment_id == "s1"
    shop.answer()
    assert shop.asked.operation.shipment_id == "s2"
    shop.answer_all()
    assert [said.shipment_id for said in shop.said(PaymentCaptured)] == ["s1", "s2"]


def test_what_left_before_the_authorisation_is_known_is_captured_after_it() -> None:
    """A dispatch that overtakes the gateway's answer is kept."""
    shop = Shop().then(accepted(MUG), dispatched("s1", mug=3)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [3000]


def test_facts_that_overtake_the_order_itself_are_kept() -> None:
    """Nothing is known yet of the order's lines; the dispatch and the cancellation wait for them."""
    early = cancelled(mug=1)
    waiting = Shop().then(dispatched("s1", mug=2), early, early)
    assert len(waiting.payment.early) == 2
    shop = waiting.then(accepted(MUG)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [2000]
    assert not shop.payment.early


def test_a_wrong_fact_that_overtakes_the_order_does_not_cost_it_its_payment() -> None:
    """It names a line that the order hasn't: it becomes a dead letter of its own. What was right counts."""
    shop = Shop().then(dispatched("s1", mug=2), dispatched("s2", cup=1), cancelled(cup=1), accepted(MUG)).answer_all()
    assert [said.amount for said in shop.said(PaymentCaptured)] == [2000]
    wrong = [timer for timer in shop.timers.values() if isinstance(timer.payload, Overtook)]
    assert len(wrong) == 2
    for timer in wrong:
        with pytest.raises(RefusedError, match="no line cup"):
            shop.fire(Overtook, ORDER, timer.name)
    assert "s2" not in shop.payment.shipments


def test_an_order_cancelled_before_it_is_known_is_never_authorised() -> None:
    """Nothing can be owed, so nobody is asked for it."""
    shop = Shop().then(cancelled(whole=True), accepted(MUG))
    assert shop.effects == {}
    assert shop.events == []


@pytest.mark.parametrize("repeated", [accepted(MUG), dispatched("s1", mug=1), cancelled(mug=1)])
def test_a_repeat_of_the_same_content_changes_nothing(repeated: object) -> None:
    """Under whatever event id it comes again."""
    shop = Shop().then(accepted(MUG)).answer().then(dispatched("s1", mug=1), cancelled(mug=1)).answer_all()
    before, effects, events = shop.payment, dict(shop.effects), list(shop.events)
    shop.then(repeated)  # type: ignore[arg-type]
    assert (shop.payment, shop.effects, shop.events) == (before, effects, events)


def test_a_repeated_or_outdated_answer_changes_nothing() -> None:
    """Only the answer to the pending question counts."""
    shop = Shop().then(accepted(MUG))
    answered = GatewayAnswered(order_id=ORDER, key=shop.asked.key, outcome=Done(reference="auth-1"))
    shop.hear(answered, NOON)
    before = shop.payment
    shop.hear(answered, NOON)
    assert shop.payment is before
    before = shop.then(dispatched("s1", mug=3)).payment
    shop.hear(answered, NOON)
    assert shop.payment is before
    assert len(shop.said(PaymentAuthorised)) == 1


def test_a_declined_card_is_said_with_the_reason_and_whether_another_try_may_help() -> None:
    """And nothing is held, so nothing has to be released."""
    shop = Shop().then(accepted(MUG)).answer(refused("insufficient_funds", may_retry=True))
    (said,) = shop.said(PaymentDeclined)
    assert (said.reason.code, said.may_retry) == ("insufficient_funds", True)
    shop.then(cancelled(whole=True, mug=3))
    assert shop.payment.pending is None
    assert shop.journal == []


def test_an_order_with_several_means_of_payment_is_declined() -> None:
    """One means takes it all, or none: half of it must never be charged to the wrong one."""
    shop = Shop().then(accepted(MUG, payments=2))
    assert [said.reason.code for said in shop.said(PaymentDeclined)] == ["split_tender"]
    assert shop.effects == {}


def test_an_order_that_costs_nothing_is_authorised_without_the_gateway() -> None:
    """And its shipments are captured with nothing to take: every reader still hears its facts."""
    shop = Shop().then(accepted(MUG, promotions=3000), dispatched("s1", mug=3))
    assert [said.amount for said in shop.said(PaymentAuthorised)] == [0]
    assert [(said.shipment_id, said.amount) for said in shop.said(PaymentCaptured)] == [("s1", 0)]
    assert shop.effects == {}
    assert shop.journal == []


def test_a_shipment_of_free_goods_is_said_without_asking() -> None:
    """A gift in a parcel of its own."""
    gift = {"line_id": "gift", "quantity": 1, "unit_price": 0}
    shop = Shop().then(accepted(MUG, gift)).answer().then(dispatched("s1", gift=1))
    assert [(said.shipment_id, said.amount) for said in shop.said(PaymentCaptured)] == [("s1", 0)]
    assert shop.payment.pending is None


def test_an_order_whose_sums_are_wrong_is_refused() -> None:
    """The order service checks them; an amount that can't be explained is never charged."""
    order = accepted(MUG)
    wrong = order.model_copy(update={"totals": order.totals.model_copy(update={"grand_total": 2999})})
    with pytest.raises(RefusedError, match="grand total"):
        Shop().then(wrong)


@pytest.mark.parametrize("fact", [dispatched("s1", sofa=1), cancelled(sofa=1)])
def test_a_fact_about_a_line_that_the_order_hasnt_is_refused(fact: object) -> None:
    """It becomes a dead letter; the payment goes on."""
    with pytest.raises(RefusedError, match="no line sofa"):
        Shop().then(accepted(MUG), fact)  # type: ignore[arg-type]


def test_more_than_was_ordered_is_not_charged() -> None:
    """The warehouse sent four mugs for three: the customer owes three."""
    shop = Shop().then(accepted(MUG)).answer().then(dispatched("s1", mug=4)).answer_all()
    assert shop.payment.captured == 3000


def test_all_lines_of_one_shipment_count_also_where_a_line_comes_in_two_parts() -> None:
    """The same line twice in one dispatch is the sum of both."""
    fact = dispatched("s1", mug=1)
    doubled = fact.model_copy(update={"lines": fact.lines * 2})
    shop = Shop().then(accepted(MUG)).answer().then(doubled).answer_all()
    assert shop.payment.captured == 2000


def test_nothing_is_refunded_on_the_main_way() -> None:
    """And the last effect has been answered."""
    shop = Shop().then(accepted(MUG)).answer().then(dispatched("s1", mug=3)).answer_all()
    assert shop.said(PaymentRefunded) == []
    assert all(isinstance(effect.request, AskGateway) for effect in shop.effects.values())
    assert AuthorisationLapses.type_name() not in {name for name, _, _ in shop.timers}
