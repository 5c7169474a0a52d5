"""Where a payment stands, and what its table says of that."""

from collections.abc import Callable
from typing import Final

import pytest
from packhorse_chassis.core.reaction import Ignored
from packhorse_contracts.order import OrderAccepted
from packhorse_payment.operations import AskAgain, AuthorisationLapses, GatewayAnswered, TryAgain
from packhorse_payment.reactions import routes
from packhorse_payment.state import PAYMENTS, Status, status

from .story import IN_REVIEW, ORDER, UNKNOWN, Shop, accepted, cancelled, dispatched, refused

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}
TABLE: Final = routes()


def placed() -> Shop:
    """Three mugs were ordered."""
    return Shop().then(accepted(MUG))


def held() -> Shop:
    """And are paid for."""
    return placed().answer()


def lapsed() -> Shop:
    """The authorisation's time is over, and none has left."""
    shop = held()
    shop.fire(AuthorisationLapses, ORDER)
    return shop.answer()


def sent() -> Shop:
    """Captured and gone."""
    return held().then(dispatched("s1", mug=3)).answer()


STORIES: Final[dict[str, tuple[Callable[[], Shop], Status]]] = {
    "nothing was heard of it": (Shop, "expected"),
    "its dispatch overtook it": (lambda: Shop().then(dispatched("s1", mug=1)), "expected"),
    "accepted": (placed, "authorising"),
    "no answer": (lambda: placed().answer(UNKNOWN), "unknown"),
    "somebody looks at it": (lambda: placed().answer(IN_REVIEW), "review"),
    "the card is no good": (lambda: placed().answer(refused("card_declined")), "declined"),
    "goods left without payment": (
        lambda: placed().answer(refused("card_declined")).then(dispatched("s1", mug=1)),
        "declined",
    ),
    "held": (held, "authorised"),
    "a part left": (lambda: held().then(dispatched("s1", mug=1)).answer(), "authorised"),
    "all left": (lambda: held().then(dispatched("s1", mug=3)), "capturing"),
    "captured": (sent, "settled"),
    "nobody knows whether it was captured": (lambda: held().then(dispatched("s1", mug=3)).answer(UNKNOWN), "unknown"),
    "the capture is refused": (
        lambda: held().then(dispatched("s1", mug=3)).answer(refused("not_capturable")),
        "unpaid",
    ),
    "cancelled": (lambda: held().then(cancelled(whole=True)), "voiding"),
    "voided": (lambda: held().then(cancelled(whole=True)).answer(), "settled"),
    "the void is refused": (lambda: held().then(cancelled(whole=True)).answer(refused("not_now")), "void_failed"),
    "its time is over": (lapsed, "uncovered"),
    "renewed as goods leave": (lambda: lapsed().then(dispatched("s1", mug=1)), "authorising"),
    "taken back": (lambda: sent().then(cancelled(mug=1)), "refunding"),
    "refunded": (lambda: sent().then(cancelled(mug=1)).answer(), "settled"),
    "the refund is refused": (lambda: sent().then(cancelled(mug=1)).answer(refused("account_closed")), "refund_failed"),
    "cancelled before it was known": (lambda: Shop().then(cancelled(whole=True), accepted(MUG)), "settled"),
    "it costs nothing": (lambda: Shop().then(accepted(MUG, promotions=3000)), "settled"),
}


@pytest.mark.parametrize(("shop", "expected"), STORIES.values(), ids=STORIES)
def test_a_payment_says_where_it_stands(shop: Callable[[], Shop], expected: Status) -> None:
    """By what is known of it alone."""
    assert status(shop().payment) == expected


def test_every_status_has_its_story() -> None:
    """None is only in the code."""
    assert {expected for _, expected in STORIES.values()} == set(PAYMENTS.statuses)


def why(heard: type, where: Status) -> str:
    """What the table says of an input that changes nothing; nothing where it may change something."""
    cell = TABLE.by_input[heard].cells[where]
    return cell.why if isinstance(cell, Ignored) else ""


@pytest.mark.parametrize("where", PAYMENTS.statuses)
def test_the_table_says_why_an_input_changes_nothing(where: Status) -> None:
    """An order is taken on once, only an open question is answered or asked again, only a hold lapses, and nobody gives
    back what was never taken."""
    asked = where in {"authorising", "capturing", "voiding", "refunding"}
    waits = where in {"unknown", "review"}
    assert bool(why(OrderAccepted, where)) is (where != "expected")
    assert bool(why(GatewayAnswered, where)) is not (asked or waits)
    assert bool(why(AskAgain, where)) is not waits
    assert ("already" in why(AskAgain, where)) is asked
    assert bool(why(TryAgain, where)) is (where in {"expected", "declined"})
    nothing_held = {"expected", "authorising", "declined", "uncovered", "unpaid", "settled"}
    assert bool(why(AuthorisationLapses, where)) is (where in nothing_held)
