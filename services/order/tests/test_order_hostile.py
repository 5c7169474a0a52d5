"""Orders that can be read, but that no honest checkout would send."""

from datetime import UTC, datetime, timedelta

import pytest
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.order import OrderAccepted, OrderCancelled, OrderRejected
from packhorse_contracts.shipping import ShippingShortPicked, ShortPickedLine
from packhorse_order.reactions import routes

from .test_order_stories import AUTHORISED, ID, NOON, RESERVED, placed

END_OF_TIME = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("wish", "taken"), [(timedelta(days=366), True), (timedelta(days=367), False)])
def test_a_wish_for_later_lies_within_a_year(wish: timedelta, taken: bool) -> None:
    """Money isn't held, nor goods set aside, for longer."""
    service = Memory(routes())
    service.hear(with_wish(NOON + wish), NOON)
    assert bool(service.said(OrderAccepted)) == taken


def test_a_wish_for_the_end_of_the_calendar_is_rejected() -> None:
    """Nothing can be reckoned from there: the order would fall over when it is confirmed."""
    service = Memory(routes())
    for fact in (with_wish(END_OF_TIME), AUTHORISED, RESERVED):
        service.hear(fact, NOON)
    [rejected] = service.said(OrderRejected)
    assert [(fault.code, fault.field) for fault in rejected.reasons] == [("too_far_ahead", "delivery.not_before")]


def test_more_picked_than_wanted_is_not_short() -> None:
    """Whatever is said of a line, no more comes of the order than was ordered, and nothing is cancelled."""
    service = Memory(routes())
    for fact in (placed(), AUTHORISED, RESERVED):
        service.hear(fact, NOON)
    line = ShortPickedLine(line_id="1", sku="MUG", wanted=2, picked=1_000_000, reason="not_found")
    service.hear(ShippingShortPicked(order_id=ID, shipment_id="s", at=NOON, location="north", lines=(line,)), NOON)
    assert not service.said(OrderCancelled)


def with_wish(at: datetime) -> OrderPlaced:
    """A sound order, not to be delivered before this."""
    return placed(delivery={"mode": "ship", "service": "standard", "price": 400, "not_before": at})
