"""Reactions to the warehouse: accepted, rejected, withdrawn, picked, packed, handed over. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from packhorse_chassis.reaction import Decisions, Others, RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import SkuLine
from packhorse_contracts.shipping import ShippingDispatched, ShippingPacked, ShippingShortPicked, ShortPickedLine
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_shipping.ordering import no_more_silence, refused, withdrawn
from packhorse_shipping.state import PARCELS, SHIPMENTS, FulfilmentOrder, ParcelRef, PickListRef

Decided = Decisions[PickListRef]
WarehouseFact = (
    PickListAccepted | PickListRejected | WithdrawalAccepted | WithdrawalRejected | PickCompleted | Packed | HandedOver
)


def accept(kept: PickListRef, fact: PickListAccepted, _now: datetime, others: Others) -> Decided:
    """The warehouse will pick it."""
    order_id, part = _find(kept, fact, others)
    if part.request != "submitted":
        return Decisions(kept)
    status = "in_progress" if part.status == "open" else part.status
    return _changed(kept, order_id, part, others, {"request": "accepted", "status": status, "overdue": False})


def reject(kept: PickListRef, fact: PickListRejected, now: datetime, others: Others) -> Decided:
    """The warehouse will not pick these lines, or any: they count as picked short."""
    order_id, part = _find(kept, fact, others)
    if part.request == "rejected" or not part.live:
        return Decisions(kept)
    named = {line.line_id: line.quantity for line in fact.lines or ()}
    _check_lines(part, named)
    picked = {ln.line_id: max(0, ln.wanted - named.get(ln.line_id, 0)) if named else 0 for ln in part.lines}
    return _pick(kept, order_id, part, picked, dict.fromkeys(picked, fact.reason), now, others, request="rejected")


def complete_pick(kept: PickListRef, fact: PickCompleted, now: datetime, others: Others) -> Decided:
    """Picking ended; what is short is said."""
    order_id, part = _find(kept, fact, others)
    picked = {line.line_id: line.picked for line in fact.lines}
    _check_lines(part, picked)
    if len(picked) != len(fact.lines):
        raise RefusedError("duplicate_line", "a line comes twice", "lines")
    if any(line.picked is not None for line in part.lines):
        if all(line.picked == picked.get(line.line_id, line.wanted) for line in part.lines):
            return Decisions(kept)
        raise RefusedError("contradicts", "this pick list was completed with other numbers", "lines")
    if part.left:
        raise RefusedError("contradicts", "this pick list was handed over already", "pick_list_id")
    reasons = {line.line_id: line.short_reason or "not_found" for line in fact.lines}
    return _pick(kept, order_id, part, picked, reasons, now, others)


def _pick(
    kept: PickListRef,
    order_id: str,
    part: FulfilmentOrder,
    picked: Mapping[str, int],
    reasons: Mapping[str, str],
    now: datetime,
    others: Others,
    **changes: str,
) -> Decided:
    lines = tuple(line.model_copy(update={"picked": picked.get(line.line_id, line.wanted)}) for line in part.lines)
    short = tuple(
        ShortPickedLine(
            line_id=line.line_id,
            sku=line.sku,
            wanted=line.wanted,
            picked=line.shipping,
            reason=reasons.get(line.line_id, "not_found"),
        )
        for line in lines
        if line.shipping < line.wanted
    )
    nothing = not any(line.shipping for line in lines)
    status = "withdrawn" if part.status == "withdrawn" else "closed" if nothing else "picked"
    after = part.model_copy(update={"lines": lines, "status": status, "overdue": False, **changes})
    said: list[Fact] = []
    if short and part.status != "withdrawn":
        said.append(
            ShippingShortPicked(
                order_id=order_id, shipment_id=part.shipment_id, at=now, location=part.location, lines=short
            )
        )
    if nothing and part.request == "withdrawal_requested":
        said.append(withdrawn(after, order_id, now))
    return _save(kept, order_id, after, others, said)


def pack(kept: PickListRef, fact: Packed, now: datetime, others: Others) -> Decided:
    """The goods are in closed packages."""
    order_id, part = _find(kept, fact, others)
    if part.packages:
        if part.packages == fact.packages:
            return Decisions(kept)
        raise RefusedError("contradicts", "this pick list was packed otherwise", "packages")
    if part.left or part.status == "closed":
        raise RefusedError("contradicts", f"this pick list is {part.status}", "pick_list_id")
    status = part.status if part.status == "withdrawn" else "packed"
    packed = ShippingPacked(order_id=order_id, shipment_id=part.shipment_id, at=now, packages=fact.packages)
    after = part.model_copy(update={"packages": fact.packages, "status": status})
    return _save(kept, order_id, after, others, [packed])


def hand_over(kept: PickListRef, fact: HandedOver, now: datetime, others: Others) -> Decided:
    """The carrier has it. Also after a withdrawal: what has left has left, and is said."""
    order_id, part = _find(kept, fact, others)
    numbers = tuple(parcel.tracking_number for parcel in fact.parcels)
    if part.left:
        if set(numbers) == set(part.parcels):
            return Decisions(kept)
        raise RefusedError("contradicts", "this pick list was handed over with other parcels", "parcels")
    if part.status == "closed":
        raise RefusedError("contradicts", "nothing of this pick list could be picked", "pick_list_id")
    if not numbers:
        raise RefusedError("no_parcels", "a hand-over needs at least one tracking number", "parcels")
    after = part.model_copy(
        update={
            "status": "dispatched",
            "carrier": fact.carrier,
            "parcels": dict.fromkeys(numbers, "dispatched"),
            "overdue": False,
        }
    )
    said: list[Fact] = [
        ShippingDispatched(
            order_id=order_id,
            shipment_id=part.shipment_id,
            pick_list_id=part.pick_list_id,
            location=part.location,
            at=now,
            carrier=fact.carrier,
            service=part.service,
            tracking_numbers=numbers,
            lines=tuple(
                SkuLine(line_id=ln.line_id, sku=ln.sku, quantity=ln.shipping) for ln in part.lines if ln.shipping
            ),
            packages=part.packages,
        )
    ]
    if part.request == "withdrawal_requested":
        said.append(refused(part, order_id, "dispatched", "it was handed over meanwhile", now))
    index = {
        PARCELS.ref(number): ParcelRef(order_id=order_id, shipment_id=part.shipment_id)
        for number in numbers
        if others.get(PARCELS, number).order_id is None
    }
    if len(index) < len(numbers):
        raise RefusedError("tracking_number_reused", "a tracking number belongs to another shipment", "parcels")
    decided = _save(kept, order_id, after, others, said)
    return Decisions(kept, events=decided.events, timers=decided.timers, others={**decided.others, **index})


def accept_withdrawal(kept: PickListRef, fact: WithdrawalAccepted, now: datetime, others: Others) -> Decided:
    """The warehouse stopped in time."""
    order_id, part = _find(kept, fact, others)
    if part.status in {"withdrawn", "closed"}:
        return Decisions(kept)
    if part.left:
        raise RefusedError("contradicts", "this pick list was handed over already", "pick_list_id")
    if part.request != "withdrawal_requested":
        raise RefusedError("not_asked", "nobody asked to withdraw this pick list", "pick_list_id")
    after = part.model_copy(update={"status": "withdrawn", "request": "withdrawn"})
    return _save(kept, order_id, after, others, [withdrawn(part, order_id, now)])


def reject_withdrawal(kept: PickListRef, fact: WithdrawalRejected, now: datetime, others: Others) -> Decided:
    """Too late: it goes out."""
    order_id, part = _find(kept, fact, others)
    if part.request != "withdrawal_requested" or not part.live:
        return Decisions(kept)
    after = part.model_copy(update={"request": "withdrawal_rejected"})
    said = refused(part, order_id, "packed", fact.reason or "the warehouse has packed it already", now)
    return _save(kept, order_id, after, others, [said])


def _find(kept: PickListRef, fact: WarehouseFact, others: Others) -> tuple[str, FulfilmentOrder]:
    if kept.order_id is None:
        raise RefusedError("unknown_pick_list", "we issued no such pick list", "pick_list_id", retryable=True)
    return kept.order_id, others.get(SHIPMENTS, kept.order_id).by_pick_list(fact.pick_list_id)


def _check_lines(part: FulfilmentOrder, pieces: Mapping[str, int]) -> None:
    wanted = {line.line_id: line.wanted for line in part.lines}
    for line_id, count in pieces.items():
        if line_id not in wanted:
            raise RefusedError("unknown_line", f"the pick list has no line {line_id}", "lines.line_id")
        if count > wanted[line_id]:
            raise RefusedError("too_many", f"{count} of line {line_id}, {wanted[line_id]} were wanted", "lines")


def _changed(
    kept: PickListRef, order_id: str, part: FulfilmentOrder, others: Others, changes: Mapping[str, object]
) -> Decided:
    return _save(kept, order_id, part.model_copy(update=dict(changes)), others, [])


def _save(kept: PickListRef, order_id: str, part: FulfilmentOrder, others: Others, said: Sequence[Fact]) -> Decided:
    shipments = others.get(SHIPMENTS, order_id).with_(part)
    timers = [no_more_silence(part)] if part.request != "withdrawal_requested" or not part.live else []
    return Decisions(kept, events=said, timers=timers, others={SHIPMENTS.ref(order_id): shipments})
