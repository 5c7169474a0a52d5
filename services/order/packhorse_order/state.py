"""What the order service keeps: one document an order, from which its status follows.

Facts about an order come in any order between topics, so the state is what is known, not a step in a sequence:
a set of things that have happened. `status` reads it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

from packhorse_chassis.core.kinds import Kind
from packhorse_chassis.core.turn import Turn
from packhorse_contracts.blocks import Allocation, CancelledBy, Reason
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.pieces import total
from packhorse_contracts.policies import OrderPolicy

OrderTurn = Turn[OrderPolicy]
"""What every reaction here gets."""

Status = Literal["unknown", "rejected", "accepted", "confirmed", "cancelling", "dispatched", "completed", "cancelled"]

End = Literal["delivered", "returned", "lost"]
"""How a parcel's way ends. What was delivered stays so; else what was said last counts: what comes back may still be
delivered, and what is lost found."""

ALL: Final = ""
"""In place of a tracking number: all parcels of a shipment."""


@dataclass(frozen=True, slots=True)
class Line:
    """One ordered line and what became of it, in pieces."""

    line_id: str
    sku: str
    ordered: int
    unit_price: int
    title: str | None = None
    cancelled: int = 0

    @property
    def wanted(self) -> int:
        """What is still to be delivered, or has been."""
        return self.ordered - self.cancelled


@dataclass(frozen=True, slots=True)
class Shipment:
    """A fulfilment order as the order service sees it: what it takes along, and how it ended."""

    lines: dict[str, int] = field(default_factory=dict)
    """Dispatched pieces by line id."""

    dispatched: bool = False
    tracking_numbers: tuple[str, ...] = ()
    """Of its parcels, as the last dispatch named them."""

    ends: dict[str, End] = field(default_factory=dict)
    """How the way of each parcel ended, by tracking number; under `ALL` where that was said of the whole shipment."""

    withdrawn: dict[str, int] | None = None
    """Pieces that will not ship, by line id; None while it hasn't said so."""

    given_up: dict[str, int] = field(default_factory=dict)
    """Of these, the ones that a cancellation has taken away already, by line id."""

    refused: bool = False
    """It said that it can't be withdrawn any more."""

    missing: dict[str, int] = field(default_factory=dict)
    """Pieces that its short picks have named so far, by line id."""

    @property
    def answered(self) -> bool:
        """It has said whether it ships, in words or by leaving."""
        return self.withdrawn is not None or self.refused or bool(self.ends) or self.dispatched

    @property
    def outcomes(self) -> frozenset[End]:
        """The ends of its parcels so far."""
        names = (ALL,) if ALL in self.ends else self.tracking_numbers
        return frozenset(self.ends[name] for name in names if name in self.ends)

    @property
    def ended(self) -> bool:
        """Nothing of it is under way any more."""
        return ALL in self.ends or (bool(self.ends) and all(name in self.ends for name in self.tracking_numbers))

    @property
    def left_behind(self) -> dict[str, int]:
        """Pieces that were withdrawn, didn't leave all the same, and aren't given up yet, by line id."""
        accounted = total((self.lines, self.given_up))
        left = {line: count - accounted.get(line, 0) for line, count in (self.withdrawn or {}).items()}
        return {line: count for line, count in left.items() if count > 0}

    @property
    def wanted(self) -> dict[str, int]:
        """Of the dispatched pieces those that weren't given up before they left, by line id."""
        withdrawn = self.withdrawn or {}
        most = {line: withdrawn.get(line, 0) - count for line, count in self.given_up.items()}
        wanted = {line: min(count, most.get(line, count)) for line, count in self.lines.items()}
        return {line: count for line, count in wanted.items() if count > 0}

    @property
    def settled(self) -> "Shipment":
        """The same with nothing left behind: what was, is given up."""
        return replace(self, given_up=total((self.given_up, self.left_behind)))


@dataclass(frozen=True, slots=True)
class Request:
    """A cancellation of the whole order that shipping was asked about and that isn't answered yet."""

    reason: Reason
    by: CancelledBy


@dataclass(frozen=True, slots=True)
class Location:
    """How a location keeps its days, as the catalogue says; what is absent is as the policy has it, in UTC."""

    timezone: str | None = None
    cut_off: str | None = None
    working_weekdays: tuple[str, ...] | None = None
    holidays_of: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """All that is known about one order."""

    order_id: str
    fingerprint: str | None = None
    """Of the placed order's content: the same again is a repeat, another one a reuse of the id."""

    placed_at: datetime | None = None
    placed: OrderAccepted | None = None
    """The accepted order, kept until the confirmation, which repeats parts of it. Holds personal data."""

    rejected: bool = False
    accepted: bool = False
    lines: tuple[Line, ...] = ()
    authorised: bool = False
    allocations: tuple[Allocation, ...] | None = None
    confirmed: bool = False
    planned: tuple[str, ...] | None = None
    """The fulfilment orders that shipping has planned; None while it hasn't said."""

    unnamed: int = 0
    """How many there are, of an order that was confirmed under a release to which shipping named none."""

    early: tuple[CancellationRequested, ...] = ()
    """Cancellations that came before the order, to be answered once it is there."""

    request: Request | None = None
    cancelling: bool = False
    """Shipping was asked to withdraw, and hasn't answered for every fulfilment order."""

    cancelled: bool = False
    cancelled_at: datetime | None = None
    """The moment that the last cancellation, of all or of some lines, was given. Readers tell two apart by it."""

    completed: bool = False
    shipments: dict[str, Shipment] = field(default_factory=dict)
    overdue: bool = False
    payment_problem: str | None = None
    undelivered: str | None = None
    """How parcels ended that didn't arrive (`lost`, `returned`): somebody owes the customer an answer."""

    @classmethod
    def empty(cls, order_id: str) -> "Order":
        """An order of which nothing is known."""
        return cls(order_id=order_id)

    @property
    def ended(self) -> bool:
        """True where nothing more will happen to it."""
        return self.rejected or self.cancelled or self.completed

    @property
    def all_answered(self) -> bool:
        """Every planned fulfilment order has said whether it ships. False while the plan isn't known."""
        if self.planned is None:
            return 0 < self.unnamed <= sum(shipment.answered for shipment in self.shipments.values())
        return all(name in self.shipments and self.shipments[name].answered for name in self.planned)

    def with_shipment(self, shipment_id: str, **changes: Any) -> "Order":
        """The same with this changed of one shipment."""
        shipment = replace(self.shipments.get(shipment_id, Shipment()), **changes)
        return replace(self, shipments=self.shipments | {shipment_id: shipment})

    @property
    def dispatched_pieces(self) -> dict[str, int]:
        """Dispatched pieces by line id, over all shipments. What was given up before stands in for nothing else."""
        return total(shipment.wanted for shipment in self.shipments.values() if shipment.dispatched)

    @property
    def all_dispatched(self) -> bool:
        """True where every piece that is still wanted is on its way, and there is at least one."""
        gone = self.dispatched_pieces
        return bool(gone) and all(gone.get(line.line_id, 0) >= line.wanted for line in self.lines)

    @property
    def status(self) -> Status:
        """Where the order stands: the first of these that holds."""
        ends: tuple[tuple[bool, Status], ...] = (
            (self.fingerprint is None, "unknown"),
            (self.rejected, "rejected"),
            (self.cancelled, "cancelled"),
            (self.completed, "completed"),
            (self.cancelling, "cancelling"),
            (self.all_dispatched, "dispatched"),
            (self.confirmed, "confirmed"),
        )
        return next((status for holds, status in ends if holds), "accepted")


def _with_number_of_shipments(document: dict[str, Any], _version: int) -> dict[str, Any]:
    """Of version 1, of a time when shipping named no fulfilment orders: there was one for each location."""
    if document.get("confirmed"):
        document["unnamed"] = len({part["location"] for part in document.get("allocations") or ()})
    return document


ORDERS: Kind[Order] = Kind(
    "orders",
    Order,
    Order.empty,
    version=2,
    upcast=_with_number_of_shipments,
    statuses=get_args(Status),
    status=lambda order: order.status,
)
LOCATIONS: Kind[Location] = Kind("location", Location, lambda _: Location(), reference=True)
