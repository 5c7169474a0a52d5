"""How an order that shall not be sent is called back, one fulfilment order at a time. Pure.

Every request gets one answer from every fulfilment order: it will not ship, or it does all the same. A request that
comes while the warehouse is still thinking about the one before shares its answer.
"""

from dataclasses import replace
from typing import assert_never

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.base import moment
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled
from packhorse_contracts.warehouse import WithdrawalAccepted, WithdrawalRejected

from packhorse_shipping import saying
from packhorse_shipping.keeping import ShippingTurn, keep
from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import OrderShipments
from packhorse_shipping.timers import IssuePickList

NOT_REQUESTED = ("not_requested", "nothing is to be withdrawn, or it was settled otherwise", "pick_list_id")
"""A warehouse answers what nobody has asked."""


def answer_request(turn: ShippingTurn, order: OrderShipments, fact: OrderCancellationRequested) -> OrderShipments:
    """The order service asks whether the order can still be stopped: answers for what is decided already, and asks the
    warehouses about the rest."""
    if fact.at in order.asked:
        return order
    order = replace(order, asked=(*order.asked, fact.at))
    for shipment in order.shipments:
        order = _answer(turn, order, shipment, fact.reason.message)
    return order


def _answer(turn: ShippingTurn, order: OrderShipments, shipment: Shipment, reason: str) -> OrderShipments:
    match shipment.status:
        case "planned" | "issued" | "in_progress" | "packed":
            return _call_back(turn, order, shipment, reason)
        case "called_back":
            return order  # the warehouse is still thinking, and answers both
        case "declined":
            why = "the warehouse has declined"
            turn.say(saying.refused(order, shipment, turn.now, "withdrawal_rejected", why))
        case "called_off" | "withdrawn" | "nothing_there":
            turn.say(saying.withdrawn(order, shipment, turn.now))
        case "dispatched" | "delivered" | "ended":
            turn.say(saying.refused(order, shipment, turn.now, "dispatched", "it is on its way already"))
        case never:
            assert_never(never)
    return order


def note_cancelled(_turn: ShippingTurn, order: OrderShipments, fact: OrderCancelled) -> OrderShipments:
    """It is cancelled as a whole before it was confirmed: nothing will be planned."""
    return replace(order, cancelled=True) if fact.whole else order


def call_back_cancelled(turn: ShippingTurn, order: OrderShipments, fact: OrderCancelled) -> OrderShipments:
    """A cancellation of the whole order stops what is still here. One of single lines tells us nothing new: they were
    short, or were withdrawn."""
    if not fact.whole:
        return order
    for shipment in order.shipments:
        if shipment.status in ("planned", "issued", "in_progress", "packed"):
            order = _call_back(turn, order, shipment, fact.reason.message)
    return replace(order, cancelled=True)


def _call_back(turn: ShippingTurn, order: OrderShipments, shipment: Shipment, reason: str) -> OrderShipments:
    if shipment.status == "planned":
        turn.forget(IssuePickList, key=shipment.pick_list_id)
        shipment = replace(shipment.unmarked, state="withdrawn")
        turn.say(saying.withdrawn(order, shipment, turn.now))
    else:
        shipment = replace(shipment, request="withdrawal_requested")
        turn.say(saying.recalled(order, shipment, reason))
    return keep(turn, order, shipment)


def withdraw(turn: ShippingTurn, order: OrderShipments, fact: WithdrawalAccepted) -> OrderShipments:
    """The warehouse stopped in time."""
    shipment = replace(order.of_list(fact.pick_list_id), state="withdrawn", request="withdrawn")
    turn.say(saying.withdrawn(order, shipment, moment(fact.at, turn.now)))
    return keep(turn, order, shipment)


def insist(turn: ShippingTurn, order: OrderShipments, fact: WithdrawalRejected) -> OrderShipments:
    """Too late: it goes out."""
    shipment = replace(order.of_list(fact.pick_list_id), request="withdrawal_rejected")
    why = fact.reason or "the warehouse has declined"
    turn.say(saying.refused(order, shipment, moment(fact.at, turn.now), "withdrawal_rejected", why))
    return keep(turn, order, shipment)


def compare_answer(
    _turn: ShippingTurn, order: OrderShipments, fact: WithdrawalAccepted | WithdrawalRejected
) -> OrderShipments:
    """Of what has left only the answer that was given before is no news."""
    answered = "withdrawn" if isinstance(fact, WithdrawalAccepted) else "withdrawal_rejected"
    if order.of_list(fact.pick_list_id).request != answered:
        raise RefusedError(*NOT_REQUESTED)
    return order
