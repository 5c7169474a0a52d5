"""Invariants over what the services keep: pure functions on what was read from their databases."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from packhorse_audit.verdict import Violation


@dataclass(frozen=True, slots=True)
class OrderBook:
    """An accepted order as the order service keeps it."""

    order_id: str
    ended: bool
    payment_problem: bool
    timers: int


def orders_end_or_wait(orders: Iterable[OrderBook]) -> Iterator[Violation]:
    """Every accepted order has ended or has a live timer that will look at it."""
    for order in orders:
        if not order.ended and order.timers == 0:
            yield Violation("every order ends or has a live timer", order.order_id, "open, and no timer will wake it")


Cell = tuple[str, str]
"""SKU and location."""


@dataclass(frozen=True, slots=True)
class StockBook:
    """Stock from three sides: the levels, the sums of their movements, the sums of live allocations."""

    levels: Mapping[Cell, tuple[int, int]]
    """On hand and reserved."""

    movements: Mapping[Cell, tuple[int, int, int, int]]
    """Σ change of on hand, Σ change of reserved, count of movements, highest number."""

    allocated: Mapping[Cell, int]


def stock_is_conserved(stock: StockBook) -> Iterator[Violation]:
    """Levels are the sums of their movements, gapless; nothing is oversold; what is reserved is some order's."""
    for cell in sorted(set(stock.levels) | set(stock.movements) | set(stock.allocated)):
        name = " at ".join(cell)
        on_hand, reserved = stock.levels.get(cell, (0, 0))
        moved_on_hand, moved_reserved, count, highest = stock.movements.get(cell, (0, 0, 0, 0))
        if not 0 <= reserved <= on_hand:
            yield Violation("stock is never oversold", name, f"{reserved} reserved of {on_hand} on hand")
        if (on_hand, reserved) != (moved_on_hand, moved_reserved):
            found = f"on hand {on_hand}, reserved {reserved}; movements make {moved_on_hand} and {moved_reserved}"
            yield Violation("stock is the sum of its movements", name, found)
        if count != highest:
            yield Violation("the journal of movements is gapless", name, f"{count} movements, numbered up to {highest}")
        if (owned := stock.allocated.get(cell, 0)) != reserved:
            yield Violation("what is reserved is some order's", name, f"{reserved} reserved, orders hold {owned}")


def ended_orders_hold_nothing(orders: Mapping[str, OrderBook], held: Mapping[str, int]) -> Iterator[Violation]:
    """However an order ends, each of its pieces has left, was released, or was found short.

    `held` are reserved pieces by order id.
    """
    for order_id, pieces in held.items():
        if order_id in orders and orders[order_id].ended:
            yield Violation("an order that has ended holds no stock", order_id, f"{pieces} pieces are still reserved")


@dataclass(frozen=True, slots=True)
class PaymentBook:
    """An order's payment: its sums, the same from the ledger, and the same from the gateway. Minor units."""

    order_id: str
    settled: bool
    """Nothing is being asked of the gateway."""

    held: bool
    """An authorisation is still open."""

    sums: tuple[int, int, int, int]
    """Authorised, captured, voided, refunded, as the payment's state says."""

    ledger: tuple[int, int, int, int]
    gateway: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Sale:
    """What the topics say of an order's worth and of what left. Minor units, pieces."""

    lines: Mapping[str, tuple[int, int, int]]
    """Ordered pieces, what they cost together (price less discount), and their tax, by line id."""

    promotions: int
    delivery: int
    """With its tax."""

    dispatched: Mapping[str, int]
    """Pieces by line id, over all shipments."""

    @property
    def slack(self) -> int:
        """What rounding may make of it: three minor units a line where a part left."""
        whole = all(self.dispatched.get(line_id, 0) == ordered for line_id, (ordered, *_) in self.lines.items())
        return 0 if whole or not self.dispatched else 3 * len(self.lines)

    @property
    def owed(self) -> int:
        """What the customer owes for what left: reckoned on its own, not by the payment service's rules of
        rounding. Exact where all of it left, or nothing. Promotions come off the goods, then the delivery, then the
        taxes."""
        if not any(self.dispatched.values()):
            return 0
        nets, taxes = self._sums(1), self._sums(2)
        off_goods = min(self.promotions, nets.whole)
        off_delivery = min(self.promotions - off_goods, self.delivery)
        off_taxes = self.promotions - off_goods - off_delivery
        return round(nets.less(off_goods) + taxes.less(off_taxes)) + self.delivery - off_delivery

    def _sums(self, part: Literal[1, 2]) -> "_Part":
        left = [Fraction(line[part] * self.dispatched.get(key, 0), line[0]) for key, line in self.lines.items()]
        return _Part(sum(line[part] for line in self.lines.values()), sum(left, Fraction()))


class _Part(NamedTuple):
    """A part of what an order is worth: of all its pieces, and of those that left."""

    whole: int
    left: Fraction

    def less(self, off: int) -> Fraction:
        """What those that left are worth after so much was taken off all of it."""
        return self.left * (self.whole - off) / self.whole if self.whole else self.left


def money_is_conserved(
    payments: Iterable[PaymentBook], orders: Mapping[str, OrderBook], sales: Mapping[str, Sale]
) -> Iterator[Violation]:
    """Ledger, state and gateway agree; nothing is taken that wasn't sent, nothing is sent without being taken."""
    for payment in payments:
        authorised, captured, voided, refunded = payment.sums
        if payment.sums != payment.ledger:
            found = f"the payment says {payment.sums}, its ledger {payment.ledger}"
            yield Violation("the ledger makes the payment's sums", payment.order_id, found)
        if not (refunded <= captured and captured + voided <= authorised):
            found = f"authorised {authorised}, captured {captured}, voided {voided}, refunded {refunded}"
            yield Violation("never captured above authorised, never refunded above captured", payment.order_id, found)
        if payment.gateway is not None and payment.settled and payment.gateway != payment.sums:
            found = f"the payment says {payment.sums}, the gateway's book {payment.gateway}"
            yield Violation("the gateway's book agrees", payment.order_id, found)
        order, sale = orders.get(payment.order_id), sales.get(payment.order_id)
        if order is None or not order.ended or not payment.settled or order.payment_problem:
            continue
        kept = captured - refunded
        if sale is not None and abs(kept - sale.owed) > sale.slack:
            found = f"{kept} were kept for goods worth {sale.owed}"
            yield Violation("captured is what was dispatched", payment.order_id, found)
        if payment.held:
            yield Violation("every authorisation ends", payment.order_id, "the order has ended, money is still held")


@dataclass(frozen=True, slots=True)
class ShipmentBook:
    """A fulfilment order: its pick list, and those that were issued and withdrawn on the topic."""

    order_id: str
    shipment_id: str
    pick_list_id: str
    live: bool


def one_pick_list_per_shipment(
    shipments: Iterable[ShipmentBook], issued: Mapping[str, set[str]], withdrawn: set[str]
) -> Iterator[Violation]:
    """Every open shipment has exactly one live pick list, the one that its service knows.

    `issued` are pick lists by shipment; `withdrawn` those that the warehouse was asked to stop.
    """
    for shipment in shipments:
        lists = issued.get(shipment.shipment_id, set())
        if shipment.pick_list_id not in lists:
            yield Violation(
                "one live pick list per open shipment",
                f"{shipment.order_id} {shipment.shipment_id}",
                f"pick list {shipment.pick_list_id} was never issued",
            )
        others = lists - withdrawn - {shipment.pick_list_id}
        if shipment.live and others:
            found = f"{shipment.pick_list_id} and {', '.join(sorted(others))} are both live"
            yield Violation("one live pick list per open shipment", shipment.order_id, found)


@dataclass(frozen=True, slots=True)
class MailBook:
    """A mail that the mail server got."""

    order_id: str
    recipient: str
    notification_id: str
    message_id: str
    content: str
    """A hash of subject and text."""


def nobody_is_told_twice(
    mails: Iterable[MailBook],
    sent: Iterable[tuple[str, str, str]],
    kept: Iterable[tuple[str, str]],
    causes: Mapping[tuple[str, str], int],
) -> Iterator[Violation]:
    """Nobody is told more often than something happened; what was said is what is on the books.

    Two mails may read alike and still be about two things: one short piece at each of two locations. So what counts is
    how many things happened that a kind of mail is about: `causes`, by order and kind, reckoned from the facts on the
    topics. Kinds that aren't there are held to their words: no two say the same.

    The same Message-ID twice is one mail, which mail programs show once: SMTP can't promise more when a process dies
    between the server's OK and its own commit. `sent` are (order id, notification id, kind) from the topic, `kept`
    (order id, notification id) from the service's database.
    """
    said: dict[str, str] = {}
    kinds: dict[str, str] = {}
    told: Counter[tuple[str, str]] = Counter()
    for order_id, notification_id, kind in sent:
        if notification_id in said:
            yield Violation("nobody is told the same thing twice", order_id, f"{notification_id} was sent twice")
        said[notification_id], kinds[notification_id] = order_id, kind
        told[order_id, kind] += 1
    for (order_id, kind), times in told.items():
        if times > (most := causes.get((order_id, kind), times)):
            found = f"told {times} times of {most} things: {kind}"
            yield Violation("nobody is told the same thing twice", order_id, found)
    alike: dict[tuple[str, str, str], set[str]] = {}
    for mail in mails:
        alike.setdefault((mail.order_id, mail.recipient, mail.content), set()).add(mail.notification_id)
    for (order_id, _, _), mailed in alike.items():
        most = max((causes.get((order_id, kinds.get(one, "")), 1) for one in mailed), default=1)
        if len(mailed) > most:
            found = f"{', '.join(sorted(mailed))} are the same mail, about {most} things"
            yield Violation("nobody is told the same thing twice", order_id, found)
    for order_id, notification_id in kept:
        if said.pop(notification_id, None) is None:
            yield Violation("what was said is on the books", order_id, f"{notification_id} was never sent")
    for notification_id, order_id in said.items():
        yield Violation("what was said is on the books", order_id, f"{notification_id} was sent, and nobody knows why")
