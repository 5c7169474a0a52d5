"""What this service does about what it hears: its table, a row for each input, a column for each status. Pure.

Each reaction takes in what is new and then lets `settlement.proceed` find out what is to be done about it.
"""

from dataclasses import replace
from typing import Final

from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Routes, ignored, on
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.policies import PaymentPolicy
from packhorse_contracts.shipping import ShippingDispatched

from packhorse_payment.asking import ask_again
from packhorse_payment.cashier import Cashier
from packhorse_payment.claims import capture_shipment, give_up_claim, keep_for_its_order, take_by_itself
from packhorse_payment.operations import AskAgain, AuthorisationLapses, GatewayAnswered, Overtook, TryAgain
from packhorse_payment.policies import PaymentTurn
from packhorse_payment.settlement import proceed
from packhorse_payment.state import PAYMENTS, Payment, Status

_ASKED: Final[tuple[Status, ...]] = ("authorising", "capturing", "voiding", "refunding")
_WAITING: Final[tuple[Status, ...]] = ("unknown", "review")
_NOTHING_HELD: Final[tuple[Status, ...]] = ("declined", "uncovered", "unpaid", "settled")
_AT_REST: Final[tuple[Status, ...]] = (*_NOTHING_HELD, "authorised", "refund_failed", "void_failed")
_KNOWN: Final[tuple[Status, ...]] = (*_ASKED, *_WAITING, *_AT_REST)
_PERHAPS_HELD: Final = tuple(status for status in _KNOWN if status not in ("authorising", *_NOTHING_HELD))
_PERHAPS_REFUSED: Final = tuple(status for status in _KNOWN if status != "declined")


def let_lapse(turn: PaymentTurn, payment: Payment, timer: AuthorisationLapses) -> Payment:
    """The authorisation's time is over: it is released, and renewed when goods leave that it was for."""
    held = payment.held
    if held is None or held.reference != timer.authorisation:
        return payment  # the timer of an earlier one
    return proceed(turn, replace(payment, authorisation=replace(held, lapsed=True)))


def try_again(turn: PaymentTurn, payment: Payment, _timer: TryAgain) -> Payment:
    """What the gateway refused may be asked anew."""
    return proceed(turn, replace(payment, refused=()))


def routes(gateway: str = "gateway", usual: PaymentPolicy | None = None) -> Routes:
    """The table. `gateway` is its name in the facts; `usual` is the policy while nobody has set one."""
    cashier = Cashier(gateway)
    repeat = ignored("the order is known already: a repeat")
    unasked = ignored("the gateway is asked nothing now: this answer was taken before")
    asked = ignored("the gateway is being asked already")
    answered = ignored("nothing waits to be asked again: the outcome is known")
    released = ignored("nothing is held that could lapse")
    never_taken = ignored("no money was ever held or taken, so none is to be given back")
    return Routes(
        "payment",
        on(OrderAccepted, PAYMENTS, "order_id", {"expected": cashier.authorise_payment, _KNOWN: repeat}),
        on(ShippingDispatched, PAYMENTS, "order_id", {"expected": keep_for_its_order, _KNOWN: capture_shipment}),
        on(OrderCancelled, PAYMENTS, "order_id", {"expected": keep_for_its_order, _KNOWN: give_up_claim}),
        on(Overtook, PAYMENTS, "order_id", {"expected": keep_for_its_order, _KNOWN: take_by_itself}),
        on(
            GatewayAnswered,
            PAYMENTS,
            "order_id",
            {(*_ASKED, *_WAITING): cashier.learn_outcome, ("expected", *_AT_REST): unasked},
        ),
        on(
            AskAgain,
            PAYMENTS,
            "order_id",
            {_WAITING: ask_again, _ASKED: asked, ("expected", *_AT_REST): answered},
        ),
        on(
            AuthorisationLapses,
            PAYMENTS,
            "order_id",
            {_PERHAPS_HELD: let_lapse, ("expected", "authorising", *_NOTHING_HELD): released},
        ),
        on(TryAgain, PAYMENTS, "order_id", {_PERHAPS_REFUSED: try_again, ("expected", "declined"): never_taken}),
        policies=Policies("payment", usual or PaymentPolicy()),
    )
