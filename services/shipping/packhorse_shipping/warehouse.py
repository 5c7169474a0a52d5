"""What follows from a warehouse's facts about a pick list of ours. Pure.

A warehouse may skip steps, repeat itself under new ids, and be late. The same content again changes nothing. Until it
hands over it may pack anew, and after that give parcels other labels: what it said last counts. What else contradicts
what it said before is refused. After a withdrawal facts are noted without a word, for goods may leave all the same.

Which of these a fact leads to is told by where its fulfilment order stands: the table in `reactions.py`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from packhorse_contracts.base import moment
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted, PickListRejected

from packhorse_shipping import checks, saying, tracking
from packhorse_shipping.checks import Pick, contradiction
from packhorse_shipping.keeping import ShippingTurn, keep, watch
from packhorse_shipping.parcels import claim, release
from packhorse_shipping.shipment import Line, RequestState, Shipment
from packhorse_shipping.state import OrderShipments
from packhorse_shipping.timers import WarehouseSilent


def note_acceptance(turn: ShippingTurn, order: OrderShipments, fact: PickListAccepted) -> OrderShipments:
    """The warehouse will pick it."""
    shipment = order.of_list(fact.pick_list_id)
    if shipment.state != "open":
        return order
    return keep(turn, order, replace(shipment, state="in_progress", request=_after_a_word(shipment)))


def take_rejection(turn: ShippingTurn, order: OrderShipments, fact: PickListRejected) -> OrderShipments:
    """The warehouse won't pick these lines: none of their pieces is there. The rest of the list goes on."""
    shipment, at = order.of_list(fact.pick_list_id), moment(fact.at, turn.now)
    lines = _rejected(shipment, fact)
    if lines == shipment.lines:
        return order
    if any(line.wanted for line in lines):
        shipment = replace(shipment, lines=lines, state="in_progress", request=_after_a_word(shipment))
        turn.say(saying.short_picked(order, shipment, at))
    else:
        nothing = replace(shipment, lines=tuple(replace(line, picked=0) for line in lines))
        shipment = _end_picking(turn, order, nothing, at, if_nothing="rejected")
    return keep(turn, order, shipment)


def note_rejection(turn: ShippingTurn, order: OrderShipments, fact: PickListRejected) -> OrderShipments:
    """After the withdrawal. Else a pick that leaves these lines out would be refused, and what is sent be taken for all
    of it."""
    shipment = order.of_list(fact.pick_list_id)
    if shipment.picked:
        checks.rejections(shipment, fact)
        return order
    return keep(turn, order, replace(shipment, lines=_rejected(shipment, fact)))


def compare_rejection(_turn: ShippingTurn, order: OrderShipments, fact: PickListRejected) -> OrderShipments:
    """What was picked isn't rejected any more; said again, it is a repeat."""
    _rejected(order.of_list(fact.pick_list_id), fact)
    return order


def _rejected(shipment: Shipment, fact: PickListRejected) -> tuple[Line, ...]:
    """The lines as they are then: the same where it says nothing new."""
    rejected = checks.rejections(shipment, fact)
    if all(rejected.get(line.line_id, line.rejected) == line.rejected for line in shipment.lines):
        return shipment.lines
    again = any(line.rejected and rejected.get(line.line_id, line.rejected) != line.rejected for line in shipment.lines)
    if shipment.picked or (fact.lines and again):
        raise contradiction("the warehouse has said otherwise about these lines", "lines")
    return tuple(
        replace(line, rejected=rejected[line.line_id], reason=fact.reason) if line.line_id in rejected else line
        for line in shipment.lines
    )


def complete_pick(turn: ShippingTurn, order: OrderShipments, fact: PickCompleted) -> OrderShipments:
    """Picking has ended; what is short is said, and where nothing is left the fulfilment order closes."""
    shipment = order.of_list(fact.pick_list_id)
    if shipment.picked:
        return compare_pick(turn, order, fact)
    return keep(turn, order, _pick(turn, order, shipment, checks.picks(shipment, fact), moment(fact.at, turn.now)))


def compare_pick(_turn: ShippingTurn, order: OrderShipments, fact: PickCompleted) -> OrderShipments:
    """It was picked before: the same numbers again are a repeat."""
    shipment = order.of_list(fact.pick_list_id)
    picks = checks.picks(shipment, fact)
    if any(picks[line.line_id].pieces != line.picked for line in shipment.lines):
        raise contradiction("other numbers were picked, as the warehouse said before", "lines")
    return order


def pack(turn: ShippingTurn, order: OrderShipments, fact: Packed) -> OrderShipments:
    """The goods are in packages. What was picked and is in none of them is short; where picking was skipped, what is
    inside was picked. Packed anew, the last counts; what was short stays so."""
    shipment, at = order.of_list(fact.pick_list_id), moment(fact.at, turn.now)
    if _known(shipment, fact):
        return order
    picked, shipment = _in_packages(turn, order, shipment, fact, at)
    if shipment.lines != picked:
        turn.say(saying.short_picked(order, shipment, at))
    shipment = replace(shipment, state="packed")
    turn.say(saying.packed(order, shipment, at))
    return keep(turn, order, shipment)


def note_packages(turn: ShippingTurn, order: OrderShipments, fact: Packed) -> OrderShipments:
    """After the withdrawal: should it leave all the same, this is what leaves."""
    shipment = order.of_list(fact.pick_list_id)
    if _known(shipment, fact):
        return order
    return keep(turn, order, _in_packages(turn, order, shipment, fact, moment(fact.at, turn.now))[1])


def compare_packages(_turn: ShippingTurn, order: OrderShipments, fact: Packed) -> OrderShipments:
    """What has left is packed anew by nobody; a late list of its packages adds nothing."""
    shipment = order.of_list(fact.pick_list_id)
    if not _known(shipment, fact):
        checks.contents(shipment, fact)
        if shipment.packages:
            raise contradiction("it has left already, in other packages", "packages")
    return order


def _known(shipment: Shipment, fact: Packed) -> bool:
    """They are the packages that we know, or those of before they were packed anew."""
    if fact.packages and shipment.packages == fact.packages:
        return True
    return checks.packages_digest(fact.packages) in shipment.superseded


def _in_packages(
    turn: ShippingTurn, order: OrderShipments, shipment: Shipment, fact: Packed, at: datetime
) -> tuple[tuple[Line, ...], Shipment]:
    """The lines as they were picked; and all of it as it is then."""
    inside = checks.contents(shipment, fact)
    if not shipment.picked:
        shipment = _pick(turn, order, shipment, inside or _in_full(shipment), at)
    picked = shipment.lines
    if shipment.packages:
        shipment = _superseding(shipment, checks.packages_digest(shipment.packages))
    return picked, replace(shipment, packages=fact.packages, lines=_less_lost(picked, inside))


def dispatch(turn: ShippingTurn, order: OrderShipments, fact: HandedOver) -> OrderShipments:
    """The carrier has it, whatever was agreed before. Skipped steps are taken as done in full."""
    shipment, at = order.of_list(fact.pick_list_id), moment(fact.at, turn.now)
    parcels = checks.parcels(shipment, fact)
    if not shipment.picked:
        shipment = _pick(turn, order, shipment, _in_full(shipment), at)
    if not any(line.picked for line in shipment.lines):
        raise contradiction("nothing was picked", "pick_list_id")
    called_back = shipment.request == "withdrawal_requested"
    shipment = replace(shipment, state="dispatched", carrier=fact.carrier, parcels=parcels)
    shipment = replace(shipment, request=_after_handover(shipment))
    turn.say(saying.dispatched(order, shipment, at, fact.carrier))
    if called_back:
        turn.say(saying.refused(order, shipment, at, "dispatched", "it is on its way already"))
    order, shipment = claim(turn, order, shipment, enumerate(parcel.tracking_number for parcel in parcels))
    return keep(turn, order, shipment)


def correct_labels(turn: ShippingTurn, order: OrderShipments, fact: HandedOver) -> OrderShipments:
    """It has left under other labels than the warehouse said first: these count from now on, and readers are told."""
    before = order.of_list(fact.pick_list_id)
    parcels = checks.parcels(before, fact)
    again = before.carrier == fact.carrier and checks.same_parcels(before, parcels)
    if again or checks.parcels_digest(fact.carrier, parcels) in before.superseded:
        return order
    shipment = _superseding(before, checks.parcels_digest(before.carrier, before.parcels))
    shipment = tracking.relabelled(replace(shipment, carrier=fact.carrier), parcels)
    turn.say(saying.dispatched(order, shipment, moment(fact.at, turn.now), fact.carrier))
    tracking.tell_ends_anew(turn, order, before, shipment)
    numbers = [one.tracking_number for one in parcels]
    known = {one.tracking_number for one in before.parcels}
    order = release(turn, order, shipment, sorted(known.difference(numbers)))
    new = [(place, number) for place, number in enumerate(numbers) if number not in known]
    order, shipment = claim(turn, order, shipment, new)
    return keep(turn, order, shipment)


def show_overdue(turn: ShippingTurn, order: OrderShipments, timer: WarehouseSilent) -> OrderShipments:
    """The warehouse is silent: nothing is made up, people can see it, and it is looked at again."""
    shipment = order.of_list(timer.pick_list_id)
    watch(turn, shipment)
    return keep(turn, order, replace(shipment, overdue=True))


def _superseding(shipment: Shipment, digest: str) -> Shipment:
    return replace(shipment, superseded=(*shipment.superseded, digest))


def _after_a_word(shipment: Shipment) -> RequestState:
    """A warehouse that works on a list has accepted it; whether it still stops is another question."""
    return "accepted" if shipment.request == "submitted" else shipment.request


def _after_handover(shipment: Shipment) -> RequestState:
    """The talk is over. Whether a withdrawal was agreed stays visible, though goods left against it."""
    if shipment.request == "withdrawal_requested":
        return "withdrawal_rejected"
    return "closed" if shipment.request in ("submitted", "accepted") else shipment.request


def _in_full(shipment: Shipment) -> dict[str, Pick]:
    return {line.line_id: Pick(line.wanted) for line in shipment.lines}


def _less_lost(lines: tuple[Line, ...], inside: Mapping[str, Pick] | None) -> tuple[Line, ...]:
    """What was picked and isn't inside won't leave; all of it does where nobody says what is inside."""
    if inside is None:
        return lines
    return tuple(replace(line, lost=(line.picked or 0) - inside[line.line_id].pieces) for line in lines)


def _pick(
    turn: ShippingTurn, order: OrderShipments, shipment: Shipment, picks: Mapping[str, Pick], at: datetime
) -> Shipment:
    lines = tuple(
        replace(line, picked=picks[line.line_id].pieces, reason=picks[line.line_id].reason or line.reason)
        for line in shipment.lines
    )
    shipment = replace(shipment, lines=lines)
    if any(line.picked for line in lines):
        turn.say(saying.picked(order, shipment, at))
    if shipment.state == "withdrawn":
        return shipment
    return _end_picking(turn, order, shipment, at, if_nothing="closed")


def _end_picking(
    turn: ShippingTurn,
    order: OrderShipments,
    shipment: Shipment,
    at: datetime,
    if_nothing: Literal["closed", "rejected"],
) -> Shipment:
    """Says what is short, unless it was when it was rejected. Where nothing is left the fulfilment order ends, and a
    withdrawal is answered."""
    if if_nothing == "rejected" or any(line.remaining != line.wanted for line in shipment.lines):
        turn.say(saying.short_picked(order, shipment, at))
    if any(line.picked for line in shipment.lines):
        return replace(shipment, state="in_progress", request=_after_a_word(shipment))
    if shipment.request == "withdrawal_requested":
        turn.say(saying.withdrawn(order, shipment, at))
    return replace(shipment, state="closed", request=if_nothing)
