"""The policy: what a business sets, while the service runs."""

from datetime import UTC, datetime, timedelta

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.policies import OrderPolicy
from packhorse_order.reactions import routes
from packhorse_order.timers import Overdue, PaymentDeadline
from pydantic import JsonValue

from .test_order_stories import AUTHORISED, CANCEL, ID, NOON, RESERVED, ROUTES, placed


def policy(version: int = 1, **changes: JsonValue) -> OperationsPolicySet:
    """From now on the order service goes by this."""
    return OperationsPolicySet(service="order", policy_version=version, at=NOON, policy=changes, by="ops")


def test_a_new_deadline_holds_for_the_next_order() -> None:
    """The one that was placed before keeps its own."""
    service = Memory(ROUTES)
    before = service.hear(placed(), NOON)
    service.hear(policy(payment_deadline="PT45M"), NOON)
    after = service.hear(placed(order_id="order-2"), NOON)
    due = [service.timers[PaymentDeadline.__name__, order, ""].due - NOON for order in (ID, "order-2")]
    assert due == [timedelta(minutes=30), timedelta(minutes=45)]
    assert (before.under, after.under) == (0, 1)


def test_a_new_cut_off_new_transit_days_and_a_new_grace_hold_for_the_next_promise() -> None:
    """Before the old cut-off and after the new one; a service that isn't named takes as long as before."""
    service = Memory(ROUTES)
    for fact in (placed(), AUTHORISED, RESERVED):
        service.hear(fact, NOON)
    service.hear(policy(cut_off="11:30", transit_days={"standard": 1}, grace="P2D"), NOON)
    for fact in (placed(), AUTHORISED, RESERVED):
        service.hear(fact.model_copy(update={"order_id": "order-2"}), NOON)
    first, second = (said.promise for said in service.said(OrderConfirmed))
    assert (first.ship_on, first.deliver_on) == ("2026-11-23", "2026-11-26")
    assert (second.ship_on, second.deliver_on) == ("2026-11-24", "2026-11-25")
    for order, promise, days in ((ID, first, 1), ("order-2", second, 2)):
        assert service.timers[Overdue.__name__, order, ""].due == promise.deliver_by + timedelta(days=days)


def test_only_what_was_decided_by_the_policy_says_so() -> None:
    """A cancellation isn't, a confirmation is."""
    service = Memory(ROUTES)
    service.hear(policy(), NOON)
    service.hear(placed(), NOON)
    service.hear(placed(order_id="order-2"), NOON)
    assert service.hear(CANCEL, NOON).under is None
    service.hear(AUTHORISED.model_copy(update={"order_id": "order-2"}), NOON)
    assert service.hear(RESERVED.model_copy(update={"order_id": "order-2"}), NOON).under == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cut_off": "15:00Z"}, "policy.cut_off"),
        ({"cut_off": "15:00+02:00"}, "policy.cut_off"),
        ({"payment_deadline": -60}, "policy.payment_deadline"),
        ({"grace": "-PT1M"}, "policy.grace"),
        ({"transit_days": {"overnight": 1}}, "policy.transit_days.overnight.[key]"),
        ({"transit_days": {"standard": -1}}, "policy.transit_days.standard"),
        ({"cutoff": "15:00"}, "policy.cutoff"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_and_the_old_one_stands(
    wrong: dict[str, JsonValue], field: str
) -> None:
    """A cut-off is on each location's own clock; without a deadline every order would be cancelled when it is placed,
    and without a grace be looked at without an end."""
    service = Memory(ROUTES)
    service.hear(policy(payment_deadline="PT45M"), NOON)
    with pytest.raises(RefusedError) as refusal:
        service.hear(policy(2, **wrong), NOON)
    assert (refusal.value.code, refusal.value.field) == ("bad_policy", field)
    service.hear(placed(), NOON)
    assert service.timers[PaymentDeadline.__name__, ID, ""].due == NOON + timedelta(minutes=45)


def test_another_default_holds_until_something_is_set() -> None:
    """For tests and simulations; what a policy doesn't name is as this has it."""
    service = Memory(routes(OrderPolicy(payment_deadline=timedelta(minutes=5), cut_off="11:00")))
    at = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    service.hear(policy(payment_deadline="PT6M"), at)
    for fact in (placed(), AUTHORISED):
        service.hear(fact, at)
    assert service.timers[PaymentDeadline.__name__, ID, ""].due == at + timedelta(minutes=6)
    service.hear(RESERVED, at)
    assert service.said(OrderConfirmed)[0].promise.ship_on == "2026-11-24"
