"""What this service keeps about an order's payment. Amounts are integers in the currency's minor unit."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, get_args

from packhorse_chassis.core.kinds import Kind
from packhorse_contracts.blocks import PaymentMethod, Tender

from packhorse_payment.allocation import value_of
from packhorse_payment.operations import Operation, Refused

Ended = Literal["captured", "voided", "expired"]
Status = Literal[
    "expected",
    "authorising",
    "capturing",
    "voiding",
    "refunding",
    "unknown",
    "review",
    "authorised",
    "uncovered",
    "declined",
    "refund_failed",
    "void_failed",
    "unpaid",
    "settled",
]
"""Where a payment stands; the README tells what each means."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line's `value`, and what became of its units: so many were `shipped`, so many `cancelled`.

    The same unit may be both: taken back after it left, or sent though it was cancelled.
    """

    ordered: int
    value: int
    shipped: int = 0
    cancelled: int = 0

    @property
    def open(self) -> int:
        """Units that may still leave."""
        return max(0, self.ordered - self.shipped - self.cancelled)

    @property
    def owed(self) -> int:
        """Units that left and that the customer wants. An agreed cancellation stands, whatever leaves all the same."""
        return min(self.shipped, self.ordered - self.cancelled)

    def ship(self, units: int) -> "Line":
        """Units left."""
        return replace(self, shipped=min(self.shipped + units, self.ordered))

    def cancel(self, units: int) -> "Line":
        """Units won't leave, or aren't wanted any more."""
        return replace(self, cancelled=min(self.cancelled + units, self.ordered))


@dataclass(frozen=True, slots=True)
class Means:
    """How the customer pays."""

    method: PaymentMethod
    token: str | None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A hold on the customer's money; `reference` is the gateway's id of it.

    `remaining`: neither captured nor released. `lapsed`: its time is over, by our clock.
    """

    reference: str
    amount: int
    remaining: int
    expires_at: datetime | None
    lapsed: bool = False
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """What left together: its `value` when it did, how much of that was `captured`, and whether that is all that
    will be (`closed`)."""

    value: int
    captured: int = 0
    closed: bool = False

    @property
    def outstanding(self) -> int:
        """What hasn't been captured."""
        return self.value - self.captured


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture at the gateway, by its `reference` there."""

    reference: str
    authorisation: str
    amount: int
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """What the gateway is asked right now. `asked` counts; `unknown` and `review` wait for a timer to ask again."""

    key: str
    operation: Operation
    status: Literal["asked", "unknown", "review"] = "asked"
    asked: int = 1
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Early:
    """A dispatch or a cancellation that came before the order itself. `lines`: units by line id."""

    kind: Literal["dispatched", "cancelled"]
    reference: str
    lines: dict[str, int]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """The payment of one order; there is exactly one.

    `authorised`, `captured`, `voided` and `refunded` are sums over all its life, also derivable from the ledger.
    `operations` and `entries` count what was asked of the gateway and booked. At most one operation is `pending`,
    so that no two can race. `renewed`: authorisations anew since the last capture. `refused` are the kinds of operation
    that the gateway wouldn't do and that wait for another try; `refusals` counts them. `cancellations`: those heard,
    so that a repeat is recognised.
    """

    order_id: str
    payment_id: str = ""
    currency: str = ""
    total: int = 0
    delivery: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    means: tuple[Means, ...] = ()
    decided: Literal["authorised", "declined"] | None = None
    declined: Refused | None = None
    authorisation: Authorisation | None = None
    renewed: int = 0
    shipments: dict[str, Shipment] = field(default_factory=dict)
    captures: tuple[Captured, ...] = ()
    authorised: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    operations: int = 0
    entries: int = 0
    pending: Pending | None = None
    refused: tuple[Literal["void", "refund"], ...] = ()
    refusals: int = 0
    cancellations: tuple[str, ...] = ()
    early: tuple[Early, ...] = ()

    @staticmethod
    def empty(order_id: str) -> "Payment":
        """An order that nothing is known of yet."""
        return Payment(order_id)

    @property
    def accepted(self) -> bool:
        """The order is known."""
        return self.payment_id != ""

    @property
    def owed(self) -> int:
        """What the customer owes for all that left and wasn't taken back; the delivery with the first of it."""
        if not any(line.owed for line in self.lines.values()):
            return 0
        return self.delivery + sum(value_of(line.value, line.owed, line.ordered) for line in self.lines.values())

    @property
    def claimable(self) -> int:
        """The most that the customer can come to owe: everything that isn't cancelled."""
        kept = [(line, line.ordered - line.cancelled) for line in self.lines.values()]
        if not any(units for _, units in kept):
            return 0
        return self.delivery + sum(value_of(line.value, units, line.ordered) for line, units in kept)

    @property
    def kept(self) -> int:
        """What was taken and not given back."""
        return self.captured - self.refunded

    @property
    def more_may_leave(self) -> bool:
        """Some unit is neither dispatched nor cancelled."""
        return any(line.open for line in self.lines.values())

    @property
    def held(self) -> Authorisation | None:
        """The authorisation that money can be taken from."""
        return self.authorisation if self.authorisation and self.authorisation.ended is None else None

    def tenders(self, amount: int, gateway: str, reference: str | None) -> tuple[Tender, ...]:
        """What the customer paid with, for this amount; none where nothing is paid."""
        if amount == 0 or not self.means:
            return ()
        return (Tender(method=self.means[0].method, amount=amount, gateway=gateway, reference=reference),)


_ASKED: Final[dict[str, Status]] = {
    "authorise": "authorising",
    "capture": "capturing",
    "void": "voiding",
    "refund": "refunding",
}


def status(payment: Payment) -> Status:
    """Where a payment stands. Once nothing is pending, all that could be done has been done: so what is still held
    without need, or kept without being owed, is what the gateway wouldn't give back."""
    if not payment.accepted:
        return "expected"
    if (pending := payment.pending) is not None:
        return _ASKED[pending.operation.kind] if pending.status == "asked" else pending.status
    if payment.decided == "declined":
        return "declined"
    if payment.kept > payment.owed:
        return "refund_failed"
    if held := payment.held:
        return "authorised" if payment.more_may_leave and not held.lapsed else "void_failed"
    if payment.more_may_leave and payment.claimable > payment.kept:
        return "uncovered"
    return "unpaid" if payment.owed > payment.kept else "settled"


PAYMENTS = Kind("payments", Payment, Payment.empty, statuses=get_args(Status), status=status)
