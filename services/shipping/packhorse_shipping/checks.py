"""What a warehouse's facts must hold to. Each check gives what the fact means, or refuses it and names the field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.blocks import Package
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListRejected

from packhorse_shipping.shipment import Shipment, ShippedParcel


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
    known = {package.package_id for package in shipment.packages}
    named = {parcel.package_id for parcel in fact.parcels}
    if not shipment.left and named <= known and (behind := known - named):
        # What left is what was packed: a part of it can't be told from all of it, nor captured by itself. Where a
        # package is named that nobody packed, it was packed anew, and what is inside isn't known.
        raise RefusedError(
            "missing_package", f"not handed over: {', '.join(sorted(behind))}", "parcels", retryable=True
        )
    return tuple(dict.fromkeys(ShippedParcel(one.tracking_number, one.package_id) for one in fact.parcels))


def same_parcels(shipment: Shipment, named: Iterable[ShippedParcel]) -> bool:
    """Whether all of these are known to have left, under the same numbers and, where it says so, in these packages."""
    known = {(one.tracking_number, one.package_id) for one in shipment.parcels}
    numbers = {number for number, _ in known}
    return all(
        (one.tracking_number, one.package_id) in known or (one.package_id is None and one.tracking_number in numbers)
        for one in named
    )


def packages_digest(packages: Iterable[Package]) -> str:
    """What tells these packages from any others."""
    return _digest(package.model_dump_json(exclude_defaults=True) for package in packages)


def parcels_digest(carrier: str | None, parcels: Iterable[ShippedParcel]) -> str:
    """What tells these parcels from any others, however their ways ended."""
    return _digest([carrier or "", *(f"{one.tracking_number} {one.package_id or ''}" for one in parcels)])


def _digest(parts: Iterable[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


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
