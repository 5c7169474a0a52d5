"""What follows from a warehouse's facts about a pick list of ours. Pure.

A warehouse may skip steps, repeat itself under new ids, and be late. The same content again changes nothing. Until it
hands over it may pack anew, and after that give parcels other labels: what it said last counts. What else contradicts
what it said before is refused. After a withdrawal facts are noted without a word, for goods may leave all the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted, PickListRejected

from packhorse_shipping import checks, saying, tracking
from packhorse_shipping.checks import Pick, contradiction
from packhorse_shipping.parcels import claim, release
from packhorse_shipping.state import Line, RequestState, Shipment, ShippedParcel
from packhorse_shipping.turn import Turn


def note_acceptance(turn: Turn, shipment: Shipment, _fact: PickListAccepted) -> None:
    """The warehouse will pick it."""
    if shipment.state == "open":
        turn.keep(replace(shipment, state="in_progress", request=_after_a_word(shipment)))


def take_rejection(turn: Turn, shipment: Shipment, fact: PickListRejected) -> None:
    """The warehouse won't pick these lines: none of their pieces is there. The rest of the list goes on."""
    rejected = checks.rejections(shipment, fact)
    if all(rejected.get(line.line_id, line.rejected) == line.rejected for line in shipment.lines):
        return
    if shipment.state == "withdrawn" and shipment.picked:
        return
    again = any(line.rejected and rejected.get(line.line_id, line.rejected) != line.rejected for line in shipment.lines)
    if shipment.picked or (fact.lines and again):
        raise contradiction("the warehouse has said otherwise about these lines", "lines")
    lines = tuple(
        replace(line, rejected=rejected[line.line_id], reason=fact.reason) if line.line_id in rejected else line
        for line in shipment.lines
    )
    if shipment.state == "withdrawn":
        # Else a pick that leaves these lines out would be refused, and what is sent be taken for all of it.
        turn.keep(replace(shipment, lines=lines))
    elif any(line.wanted for line in lines):
        shipment = replace(shipment, lines=lines, state="in_progress", request=_after_a_word(shipment))
        turn.say(saying.short_picked(turn.order, turn.keep(shipment), turn.moment))
    else:
        nothing = tuple(replace(line, picked=0) for line in lines)
        _end_picking(turn, replace(shipment, lines=nothing), if_nothing="rejected")


def complete_pick(turn: Turn, shipment: Shipment, fact: PickCompleted) -> None:
    """Picking has ended; what is short is said, and where nothing is left the fulfilment order closes."""
    picks = checks.picks(shipment, fact)
    if not shipment.picked:
        _pick(turn, shipment, picks)
    elif any(picks[line.line_id].pieces != line.picked for line in shipment.lines):
        raise contradiction("other numbers were picked, as the warehouse said before", "lines")


def pack(turn: Turn, shipment: Shipment, fact: Packed) -> None:
    """The goods are in packages. What was picked and is in none of them is short; where picking was skipped, what is
    inside was picked. Packed anew, the last counts; what was short stays so."""
    if fact.packages and shipment.packages == fact.packages:
        return
    if checks.packages_digest(fact.packages) in shipment.superseded:
        return
    inside = checks.contents(shipment, fact)
    if shipment.left:
        if shipment.packages:
            raise contradiction("it has left already, in other packages", "packages")
        return
    if shipment.state == "closed":
        raise contradiction("nothing was picked", "pick_list_id")
    if not shipment.picked:
        shipment = _pick(turn, shipment, inside or _in_full(shipment))
    picked = shipment.lines
    if shipment.packages:
        shipment = _superseding(shipment, checks.packages_digest(shipment.packages))
    shipment = replace(shipment, packages=fact.packages, lines=_less_lost(picked, inside))
    if shipment.state == "withdrawn":
        turn.keep(shipment)
        return
    if shipment.lines != picked:
        turn.say(saying.short_picked(turn.order, shipment, turn.moment))
    turn.say(saying.packed(turn.order, turn.keep(replace(shipment, state="packed")), turn.moment))


def dispatch(turn: Turn, shipment: Shipment, fact: HandedOver) -> None:
    """The carrier has it, whatever was agreed before. Skipped steps are taken as done in full."""
    parcels = checks.parcels(shipment, fact)
    if shipment.left:
        _correct(turn, shipment, fact, parcels)
        return
    if not shipment.picked:
        shipment = _pick(turn, shipment, _in_full(shipment))
    if not any(line.picked for line in shipment.lines):
        raise contradiction("nothing was picked", "pick_list_id")
    called_back = shipment.request == "withdrawal_requested"
    shipment = replace(shipment, state="dispatched", carrier=fact.carrier, parcels=parcels)
    shipment = turn.keep(replace(shipment, request=_after_handover(shipment)))
    turn.say(saying.dispatched(turn.order, shipment, turn.moment, fact.carrier))
    if called_back:
        turn.say(saying.refused(turn.order, shipment, turn.moment, "dispatched", "it is on its way already"))
    claim(turn, shipment, (parcel.tracking_number for parcel in parcels))


def _correct(turn: Turn, shipment: Shipment, fact: HandedOver, parcels: tuple[ShippedParcel, ...]) -> None:
    """It has left under other labels than the warehouse said first: these count from now on, and readers are told."""
    again = shipment.carrier == fact.carrier and checks.same_parcels(shipment, parcels)
    if again or checks.parcels_digest(fact.carrier, parcels) in shipment.superseded:
        return
    before = shipment
    shipment = _superseding(before, checks.parcels_digest(before.carrier, before.parcels))
    shipment = turn.keep(tracking.relabelled(replace(shipment, carrier=fact.carrier), parcels))
    turn.say(saying.dispatched(turn.order, shipment, turn.moment, fact.carrier))
    tracking.tell_ends_anew(turn, before, shipment)
    numbers = [one.tracking_number for one in parcels]
    release(turn, shipment, {one.tracking_number for one in before.parcels}.difference(numbers))
    claim(turn, shipment, numbers)


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


def _pick(turn: Turn, shipment: Shipment, picks: Mapping[str, Pick]) -> Shipment:
    lines = tuple(
        replace(line, picked=picks[line.line_id].pieces, reason=picks[line.line_id].reason or line.reason)
        for line in shipment.lines
    )
    shipment = replace(shipment, lines=lines)
    if any(line.picked for line in lines):
        turn.say(saying.picked(turn.order, shipment, turn.moment))
    return turn.keep(shipment) if shipment.state == "withdrawn" else _end_picking(turn, shipment, if_nothing="closed")


def _end_picking(turn: Turn, shipment: Shipment, if_nothing: Literal["closed", "rejected"]) -> Shipment:
    """Says what is short, unless it was when it was rejected. Where nothing is left the fulfilment order ends, and a
    withdrawal is answered."""
    if if_nothing == "rejected" or any(line.remaining != line.wanted for line in shipment.lines):
        turn.say(saying.short_picked(turn.order, shipment, turn.moment))
    if any(line.picked for line in shipment.lines):
        return turn.keep(replace(shipment, state="in_progress", request=_after_a_word(shipment)))
    if shipment.request == "withdrawal_requested":
        turn.say(saying.withdrawn(turn.order, shipment, turn.moment))
    return turn.keep(replace(shipment, state="closed", request=if_nothing))
