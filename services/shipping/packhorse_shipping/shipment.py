"""A fulfilment order: what one location sends for an order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from packhorse_contracts.blocks import LineQuantity, Package

ShipmentState = Literal["open", "in_progress", "packed", "dispatched", "delivered", "closed", "withdrawn"]
"""Where the goods are. `closed`: nothing was picked, or what left has ended without all of it being delivered."""

RequestState = Literal[
    "unsubmitted",
    "submitted",
    "accepted",
    "rejected",
    "withdrawal_requested",
    "withdrawn",
    "withdrawal_rejected",
    "closed",
]
"""Where the talk with the warehouse stands. It owes us an answer while `submitted` or `withdrawal_requested`. What was
called back before it was issued stays `unsubmitted`."""

ShipmentStatus = Literal[
    "planned",
    "called_off",
    "issued",
    "in_progress",
    "packed",
    "called_back",
    "declined",
    "withdrawn",
    "nothing_there",
    "dispatched",
    "delivered",
    "ended",
]
"""Both together, as far as it matters to what comes next: the columns of the table of reactions.

`planned`: its pick list isn't issued yet; `called_off`: it never was. `issued`: the warehouse owes us a word;
`in_progress`: it picks. `called_back`: it is asked to stop, and owes us its answer; `declined`: it goes on, and will
ship. `nothing_there`: nothing was picked. `ended`: it left, and not all of it was delivered.
"""

ParcelEnd = Literal["delivered", "returned", "lost", "cancelled"]
"""How a parcel's way ends; where it was said to have ended twice, the first of these counts. Of two labels on a package
the unused one is cancelled, whatever becomes of the package."""


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces of an order line that leave from one location.

    `rejected` were refused before picking; `picked` is None until it is known; `lost` were picked, and were in no
    package then. What is short (for `reason`) is said when picking or the fulfilment order ends, and again, as a whole,
    where more of it is missing when it is packed. `gift_message` is personal: kept until the pick list is issued.
    """

    line_id: str
    sku: str
    title: str | None
    quantity: int
    rejected: int = 0
    picked: int | None = None
    lost: int = 0
    reason: str | None = None
    gift_message: str | None = None

    @property
    def wanted(self) -> int:
        """Pieces that the warehouse is still asked for."""
        return self.quantity - self.rejected

    @property
    def remaining(self) -> int:
        """Pieces that aren't known to be short."""
        return self.wanted if self.picked is None else self.picked - self.lost


@dataclass(frozen=True, slots=True)
class ShippedParcel:
    """A package that the carrier took under this number, and how its way ended."""

    tracking_number: str
    package_id: str | None
    ended: ParcelEnd | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """A fulfilment order: what one location sends for an order, with its one pick list.

    `ship_by`: the end of the day that it leaves, on its location's calendar. `overdue`: the warehouse owes us an answer
    for too long. It has left exactly if it has `parcels`. `superseded` are digests of what the warehouse said before it
    corrected itself: said again, that is an old repeat.
    """

    shipment_id: str
    pick_list_id: str
    location: str
    lines: tuple[Line, ...]
    ship_by: datetime | None = None
    state: ShipmentState = "open"
    request: RequestState = "unsubmitted"
    packages: tuple[Package, ...] = ()
    carrier: str | None = None
    parcels: tuple[ShippedParcel, ...] = ()
    overdue: bool = False
    superseded: tuple[str, ...] = ()

    @property
    def left(self) -> bool:
        """The carrier has it, or had it."""
        return bool(self.parcels)

    @property
    def picked(self) -> bool:
        """What was picked is known."""
        return any(line.picked is not None for line in self.lines)

    @property
    def owed(self) -> bool:
        """The warehouse owes us an answer."""
        return self.request in ("submitted", "withdrawal_requested")

    @property
    def status(self) -> ShipmentStatus:
        """Where it stands."""
        if self.request == "unsubmitted":
            return "planned" if self.state == "open" else "called_off"
        if self.state == "closed":
            return "ended" if self.left else "nothing_there"
        match self.state, self.request:
            case "withdrawn" | "dispatched" | "delivered" as gone, _:
                return gone
            case _, "withdrawal_requested":
                return "called_back"
            case _, "withdrawal_rejected":
                return "declined"
            case "open", _:
                return "issued"
            case "in_progress" | "packed" as here, _:
                return here

    @property
    def unmarked(self) -> "Shipment":
        """The same without gift messages."""
        if all(line.gift_message is None for line in self.lines):
            return self
        return replace(self, lines=tuple(replace(line, gift_message=None) for line in self.lines))

    def parcel(self, tracking_number: str) -> tuple[ShippedParcel, ...]:
        """All that is one parcel with this number: several packages may have one number, and one package two labels."""
        numbers, packages = {tracking_number}, set[str]()
        found: tuple[ShippedParcel, ...] = ()
        while True:
            more = tuple(one for one in self.parcels if one.tracking_number in numbers or one.package_id in packages)
            if len(more) == len(found):
                return found
            found = more
            numbers |= {one.tracking_number for one in found}
            packages |= {one.package_id for one in found if one.package_id is not None}

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """One for each parcel: of several labels the last."""
        return tuple(dict.fromkeys(self.parcel(one.tracking_number)[-1].tracking_number for one in self.parcels))

    def inside(self, parcel: tuple[ShippedParcel, ...]) -> dict[str, int] | None:
        """Pieces in a parcel, by line id; None where nobody has told. What alone is untold has all the rest."""
        contents = {package.package_id: package.lines for package in self.packages if package.lines}
        everything = {line.line_id: line.remaining for line in self.lines}
        named, others = _packages(parcel), _packages(set(self.parcels) - set(parcel))
        if named <= contents.keys():
            return {line: count for line, count in _sum(contents, named).items() if line in everything}
        if others <= contents.keys():
            gone = _sum(contents, others)
            return {line: max(0, count - gone.get(line, 0)) for line, count in everything.items()}
        return None


def _packages(parcels: Iterable[ShippedParcel]) -> set[str | None]:
    return {one.package_id for one in parcels}


def _sum(contents: Mapping[str, tuple[LineQuantity, ...]], packages: Iterable[str | None]) -> dict[str, int]:
    pieces: dict[str, int] = {}
    for line in (line for package in packages if package is not None for line in contents[package]):
        pieces[line.line_id] = pieces.get(line.line_id, 0) + line.quantity
    return pieces
