"""How an order that shall not be sent is called back, one fulfilment order at a time. Pure.

Every request gets one answer from every fulfilment order: it will not ship, or it does all the same. A request that
comes while the warehouse is still thinking about the one before shares its answer.
"""

from dataclasses import replace

from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.turn import CancelTimer
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled
from packhorse_contracts.warehouse import WithdrawalAccepted, WithdrawalRejected

from packhorse_shipping import saying
from packhorse_shipping.state import Shipment
from packhorse_shipping.timers import IssuePickList
from packhorse_shipping.turn import Turn


def answer_request(turn: Turn, fact: OrderCancellationRequested) -> None:
    """Answers for what is decided already, and asks the warehouses about the rest."""
    if fact.at in turn.order.asked:
        return
    turn.order = replace(turn.order, asked=(*turn.order.asked, fact.at))
    for shipment in turn.order.shipments:
        if shipment.left:
            turn.say(saying.refused(turn.order, shipment, turn.moment, "dispatched", "it is on its way already"))
        elif shipment.state in ("closed", "withdrawn"):
            turn.say(saying.withdrawn(turn.order, shipment, turn.moment))
        elif shipment.request == "withdrawal_rejected":
            turn.say(
                saying.refused(turn.order, shipment, turn.moment, "withdrawal_rejected", "the warehouse has declined")
            )
        else:
            _call_back(turn, shipment, fact.reason.message)


def call_back_cancelled(turn: Turn, fact: OrderCancelled) -> None:
    """The whole order is cancelled: calls back what was neither called back before nor has ended."""
    for shipment in turn.order.shipments:
        if shipment.state in ("open", "in_progress", "packed") and shipment.request != "withdrawal_rejected":
            _call_back(turn, shipment, fact.reason.message)


def withdraw(turn: Turn, shipment: Shipment, _fact: WithdrawalAccepted) -> None:
    """The warehouse stopped in time."""
    if shipment.request == "withdrawn" or shipment.state == "closed":
        return
    if shipment.request != "withdrawal_requested":
        raise RefusedError("not_requested", "nothing is to be withdrawn, or it was settled otherwise", "pick_list_id")
    _end(turn, replace(shipment, state="withdrawn", request="withdrawn"))


def insist(turn: Turn, shipment: Shipment, fact: WithdrawalRejected) -> None:
    """Too late: it goes out."""
    if shipment.request == "withdrawal_rejected" or shipment.state == "closed":
        return
    if shipment.request != "withdrawal_requested":
        raise RefusedError("not_requested", "nothing is to be withdrawn, or it was settled otherwise", "pick_list_id")
    shipment = turn.keep(replace(shipment, request="withdrawal_rejected"))
    why = fact.reason or "the warehouse has declined"
    turn.say(saying.refused(turn.order, shipment, turn.moment, "withdrawal_rejected", why))


def _call_back(turn: Turn, shipment: Shipment, reason: str) -> None:
    if shipment.request == "unsubmitted":
        turn.timers.append(CancelTimer(IssuePickList, shipment.pick_list_id))
        _end(turn, replace(shipment.unmarked, state="withdrawn"))
    elif shipment.request != "withdrawal_requested":
        shipment = turn.keep(replace(shipment, request="withdrawal_requested"))
        turn.say(saying.recalled(turn.order, shipment, reason))


def _end(turn: Turn, shipment: Shipment) -> None:
    turn.say(saying.withdrawn(turn.order, turn.keep(shipment), turn.moment))
