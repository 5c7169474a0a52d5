"""Where an order stands, from what was said of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from packhorse_contracts import order, payment, shipping
from packhorse_contracts.base import Fact
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.notification import NotificationFailed

from packhorse_cli.sentences.words import (
    calendar_day,
    country,
    day,
    listed,
    many,
    money,
    pieces,
    reasons,
    tenders,
    worded,
)

_TROUBLE = (payment.PaymentCaptureFailed, payment.PaymentRefundFailed, payment.PaymentDisputed)
_ON_THE_WAY = "on its way"


@dataclass
class Standing:
    """What an operator wants to know first. `take` every fact once, in order of time."""

    status: str = "placed, not yet checked"
    ordered: str = ""
    """What was ordered, for how much, how it is paid and where it goes."""

    placed_at: datetime | None = None
    pieces: dict[str, int] = field(default_factory=dict)
    """How many were ordered, cancelled and sent."""

    parcels: dict[str, str] = field(default_factory=dict)
    """Of each tracking number how it fares."""

    money: dict[str, int] = field(default_factory=dict)
    """Authorised, captured, voided and refunded, in minor units."""

    currency: str | None = None
    promised: datetime | None = None
    arrives_on: str | None = None
    """The day of that at the door, ISO 8601."""

    trouble: list[str] = field(default_factory=list)
    """What went wrong and wasn't mended by what was said later."""

    ended: bool = False
    _paid: bool = False
    _reserved: bool = False
    _shipments: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """One more fact."""
        if isinstance(fact, OrderPlaced):
            self._placed(fact)
        elif isinstance(fact, payment.PaymentAuthorised | InventoryReserved):
            self._paid |= isinstance(fact, payment.PaymentAuthorised)
            self._reserved |= isinstance(fact, InventoryReserved)
            self._wait()
        elif type(fact).__module__ == order.__name__:
            self._order(fact)
        elif type(fact).__module__ == shipping.__name__:
            self._shipping(fact)
        elif isinstance(fact, NotificationFailed) and fact.final:
            self.trouble.append(f"the customer couldn't be told: {worded(fact.kind)}, {fact.reason}")
        self._payment(fact)

    def _placed(self, fact: OrderPlaced) -> None:
        count = sum(line.quantity for line in fact.lines)
        self.currency, self.pieces["ordered"] = fact.currency, count
        where = f", to {country(fact.ship_to.country)}" if fact.ship_to else ""
        total = money(fact.totals.grand_total, fact.currency)
        paid = f" by {tenders(fact.payments)}" if fact.payments else ""
        self.ordered = f"{pieces(count)} on {many(len(fact.lines), 'line')} for {total}{paid}{where}"
        self.placed_at = fact.placed_at

    def _order(self, fact: Fact) -> None:
        if isinstance(fact, order.OrderAccepted):
            self.status = "accepted"
            self._wait()
        elif isinstance(fact, order.OrderRejected):
            self._end(f"rejected: {reasons(fact.reasons)}")
        elif isinstance(fact, order.OrderConfirmed):
            self.status, self.promised = "confirmed, shipping is next", fact.promise.deliver_by
            self.arrives_on = fact.promise.deliver_on
        elif isinstance(fact, order.OrderHeld):
            self.status = f"held by {fact.holder}: {worded(fact.hold)}"
        elif isinstance(fact, order.OrderReleased):
            self.status = "released"
        elif isinstance(fact, order.OrderBackordered):
            self.status = "waits for goods"
        elif isinstance(fact, order.OrderCancellationRequested):
            self.status = "being cancelled"
        elif isinstance(fact, order.OrderCancelled):
            cancelled = sum(line.quantity for line in fact.lines)
            self.pieces["cancelled"] = self.pieces.get("cancelled", 0) + cancelled
            if fact.whole:
                self._end(f"cancelled ({fact.by}): {reasons([fact.reason])}")
        elif isinstance(fact, order.OrderCompleted):
            self._end(f"complete: {worded(fact.outcome)}")

    def _shipping(self, fact: Fact) -> None:
        if isinstance(fact, shipping.ShippingPickListIssued):
            self.status = f"{fact.location} picks it"
        elif isinstance(fact, shipping.ShippingPicked) and not self._shipments:
            self.status = "picked"
        elif isinstance(fact, shipping.ShippingPacked) and not self._shipments:
            self.status = "packed"
        elif isinstance(fact, shipping.ShippingDispatched):
            self.pieces["sent"] = self.pieces.get("sent", 0) + sum(line.quantity for line in fact.lines)
            self._shipments[fact.shipment_id] = fact.tracking_numbers
            for number in fact.tracking_numbers:
                self.parcels.setdefault(number, _ON_THE_WAY)
            if not self.ended:
                self.status = _ON_THE_WAY
        elif isinstance(fact, shipping._ParcelNews):
            news = worded(said(fact))
            for number in [fact.tracking_number] if fact.tracking_number else self._shipments.get(fact.shipment_id, ()):
                self.parcels[number] = news

    def _payment(self, fact: Fact) -> None:
        if isinstance(
            fact,
            payment.PaymentAuthorised | payment.PaymentCaptured | payment.PaymentVoided | payment.PaymentRefunded,
        ):
            self.currency, name = fact.currency, said(fact)
            self.money[name] = self.money.get(name, 0) + fact.amount
        elif isinstance(fact, payment.PaymentDeclined):
            self.status = f"payment declined: {reasons([fact.reason])}"
        elif isinstance(fact, _TROUBLE):
            what = worded(said(fact))
            self.trouble.append(f"{what}: {money(fact.amount, fact.currency)}, {reasons([fact.reason])}")

    def _wait(self) -> None:
        if self.status.startswith("accepted"):
            missing = [word for word, there in (("payment", self._paid), ("stock", self._reserved)) if not there]
            self.status = f"accepted, {'waits for ' + listed(missing) if missing else 'to be confirmed'}"

    def _end(self, status: str) -> None:
        self.status, self.ended = status, True

    def told(self, now: datetime) -> list[tuple[str, str]]:
        """Label and text, a line each."""
        lines = [("stands", self.status), ("ordered", self.ordered or "nobody has placed it")]
        if self.placed_at:
            lines.append(("placed", f"{day(self.placed_at)} {self.placed_at:%Y %H:%M} UTC"))
        more = [f"{count} {name}" for name, count in self.pieces.items() if name != "ordered"]
        if more:
            lines.append(("pieces", f"{self.pieces.get('ordered', '?')} ordered, {', '.join(more)}"))
        if self.parcels:
            lines.append(("parcels", ", ".join(f"{number} {news}" for number, news in self.parcels.items())))
        if self.money:
            sums = [f"{money(amount, self.currency)} {name}" for name, amount in self.money.items()]
            lines.append(("money", ", ".join(sums)))
        if self.promised and not self.ended:
            late = ", which has passed" if self.promised < now else ""
            date = calendar_day(self.arrives_on) if self.arrives_on else day(self.promised)
            lines.append(("promised", f"to arrive by {date}{late}"))
        return lines


def said(fact: Fact) -> str:
    """The fact's own part of its type: `delivered`."""
    return fact.TYPE.split(".")[2]


def standing(facts: Iterable[Fact]) -> Standing:
    """Where the order of these facts stands; they come in order of time."""
    found = Standing()
    for fact in facts:
        found.take(fact)
    return found
