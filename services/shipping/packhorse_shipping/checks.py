"""What a warehouse's facts must hold to. Each check gives what the fact means, or refuses it and names the field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packhorse_chassis.reaction import RefusedError
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListRejected

from packhorse_shipping.state import Shipment, ShippedParcel


@dataclass(frozen=True, slots=True)
class Pick:
    """Pieces of a line that were picked, and why not more."""

    pieces: int
    reason: str | None = None


def contradiction(message: str, field: str) -> RefusedError:
    """The warehouse says now what can't be true together with what it said before."""
    return RefusedError("contradiction", message, field)


def rejections(shipment: Shipment, fact: PickListRejected) -> dict[str, int]:
    """Rejected pieces by line id; all that the list has where the fact names no lines."""
    if not fact.lines:
        return {line.line_id: line.quantity for line in shipment.lines}
    rejected = _sums(shipment, ((line.line_id, line.quantity) for line in fact.lines), "lines.{}.line_id")
    for line in shipment.lines:
        if rejected.get(line.line_id, 0) > line.quantity:
            raise RefusedError("too_many", f"line {line.line_id} has only {line.quantity} pieces", "lines")
    if not any(rejected.values()):
        raise RefusedError("nothing_rejected", "of none of the lines a piece is rejected", "lines")
    return rejected


def picks(shipment: Shipment, fact: PickCompleted) -> dict[str, Pick]:
    """What was picked, by line id. Every line that is still wanted must be named: silence is no short pick."""
    pieces = _sums(shipment, ((line.line_id, line.picked) for line in fact.lines), "lines.{}.line_id")
    for line in shipment.lines:
        if line.line_id not in pieces and line.wanted:
            raise RefusedError("missing_line", f"nothing is said of line {line.line_id}", "lines")
    if not shipment.picked:
        _within(shipment, pieces, "lines")
    reasons = {line.line_id: line.short_reason for line in fact.lines if line.short_reason}
    return {line.line_id: Pick(pieces.get(line.line_id, 0), reasons.get(line.line_id)) for line in shipment.lines}


def contents(shipment: Shipment, fact: Packed) -> dict[str, Pick] | None:
    """What is in the packages, by line id; None where the warehouse doesn't say for each of them."""
    if not fact.packages:
        raise RefusedError("no_packages", "at least one package is needed", "packages")
    _once((package.package_id for package in fact.packages), "packages.{}.package_id")
    inside = [(number, line) for number, package in enumerate(fact.packages) for line in package.lines]
    places = [f"packages.{number}.lines" for number, _ in inside]
    pieces = _sums(shipment, ((line.line_id, line.quantity) for _, line in inside), places)
    _within(shipment, pieces, "packages")
    if not all(package.lines for package in fact.packages):
        return None
    return {line.line_id: Pick(pieces.get(line.line_id, 0)) for line in shipment.lines}


def parcels(shipment: Shipment, fact: HandedOver) -> tuple[ShippedParcel, ...]:
    """What the carrier took."""
    if not fact.parcels:
        raise RefusedError("no_parcels", "at least one parcel is needed", "parcels")
    _once((parcel.tracking_number for parcel in fact.parcels), "parcels.{}.tracking_number")
    known = {package.package_id for package in shipment.packages}
    for number, parcel in enumerate(fact.parcels):
        if known and parcel.package_id is not None and parcel.package_id not in known:
            raise RefusedError(
                "unknown_package", f"no package {parcel.package_id} was packed", f"parcels.{number}.package_id"
            )
    named = {parcel.package_id for parcel in fact.parcels}
    if not shipment.left and None not in named and (behind := known - named):
        # What left is what was packed: a part of it can't be told from all of it, nor captured by itself.
        raise RefusedError(
            "missing_package", f"not handed over: {', '.join(sorted(behind))}", "parcels", retryable=True
        )
    return tuple(ShippedParcel(parcel.tracking_number, parcel.package_id) for parcel in fact.parcels)


def _sums(shipment: Shipment, said: Iterable[tuple[str, int]], place: str | Sequence[str]) -> dict[str, int]:
    known = {line.line_id for line in shipment.lines}
    sums: dict[str, int] = {}
    for number, (line_id, pieces) in enumerate(said):
        if line_id not in known:
            field = place.format(number) if isinstance(place, str) else place[number]
            raise RefusedError("unknown_line", f"the pick list has no line {line_id}", field)
        sums[line_id] = sums.get(line_id, 0) + pieces
    return sums


def _within(shipment: Shipment, pieces: Mapping[str, int], field: str) -> None:
    for line in shipment.lines:
        if pieces.get(line.line_id, 0) > line.remaining:
            raise RefusedError("too_many", f"line {line.line_id} has only {line.remaining} pieces", field)


def _once(names: Iterable[str], place: str) -> None:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            raise RefusedError("twice", f"{name} is named twice", place.format(number))
        seen.add(name)
