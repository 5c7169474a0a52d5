"""The rules that a business tunes, and those by which an order is judged. Pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from packhorse_contracts.blocks import Fault, ServiceLevel
from packhorse_contracts.checkout import OrderPlaced

from packhorse_order.countries import ISO_3166
from packhorse_order.currencies import ISO_4217

_FUTURE = timedelta(hours=1)
_FURTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business tunes."""

    payment_deadline: timedelta = timedelta(minutes=30)
    """An accepted order that isn't paid and reserved by then is cancelled."""

    cut_off: time = time(15, 0)
    """Orders confirmed before this time, on the clock of the location, leave the same day; for locations that name no
    cut-off of their own."""

    transit_days: tuple[tuple[ServiceLevel, int], ...] = (("economy", 5), ("standard", 3), ("express", 1))
    """Days from hand-over to the door, by service."""

    grace: timedelta = timedelta(days=1)
    """So long after the promise an order counts as overdue; looked at again as often."""


def fingerprint(order: OrderPlaced) -> str:
    """A hash of the whole content: the same order again has the same, whatever its envelope says."""
    return hashlib.sha256(order.model_dump_json().encode()).hexdigest()


def faults(order: OrderPlaced, now: datetime) -> list[Fault]:
    """Everything that is wrong with an order that could be read; empty where it can be taken."""
    return [Fault(code=code, field=field, message=message) for code, field, message in _faults(order, now)]


_Found = Iterator[tuple[str, str, str]]


def _faults(order: OrderPlaced, now: datetime) -> _Found:
    yield from _general(order, now)
    yield from _lines(order)
    yield from _delivery(order, now)
    yield from _sums(order)
    yield from _payments(order)


def _general(order: OrderPlaced, now: datetime) -> _Found:
    if order.placed_at > now + _FUTURE:
        yield "placed_in_the_future", "placed_at", f"placed_at {order.placed_at.isoformat()} lies in the future"
    if order.currency not in ISO_4217:
        yield "unknown_currency", "currency", f"{order.currency} is no currency of ISO 4217"


def _lines(order: OrderPlaced) -> _Found:
    if not order.lines:
        yield "no_lines", "lines", "an order needs at least one line"
    seen: set[str] = set()
    for number, line in enumerate(order.lines):
        if line.line_id in seen:
            yield "duplicate_line", f"lines.{number}.line_id", f"line id {line.line_id} comes twice"
        seen.add(line.line_id)
        if (line.discount or 0) > line.quantity * line.unit_price:
            yield "discount_too_large", f"lines.{number}.discount", "the discount is more than the line costs"
        if (line.lead_time_days or 0) > _FURTHEST.days:
            message = f"{line.lead_time_days} days are more than {_FURTHEST.days}"
            yield "too_far_ahead", f"lines.{number}.lead_time_days", message


def _delivery(order: OrderPlaced, now: datetime) -> _Found:
    wish = order.delivery.not_before
    if wish is not None and wish > now + _FURTHEST:
        yield "too_far_ahead", "delivery.not_before", f"{wish.isoformat()} is more than {_FURTHEST.days} days ahead"
    if order.delivery.mode == "collect":
        yield "unsupported_delivery_mode", "delivery.mode", "collection is not offered yet; use ship"
    elif order.ship_to is None:
        yield "no_address", "ship_to", "an order to be shipped needs an address"
    for name, address in (("ship_to", order.ship_to), ("bill_to", order.bill_to)):
        if address is None:
            continue
        if address.country not in ISO_3166:
            yield "unknown_country", f"{name}.country", f"{address.country} is no country of ISO 3166-1"
        if not any(line.strip() for line in address.lines) or not address.city.strip():
            yield "incomplete_address", name, "an address needs a street line and a city"


def _sums(order: OrderPlaced) -> _Found:
    totals = order.totals
    discount = sum(line.discount or 0 for line in order.lines) + sum(p.amount for p in order.promotions)
    tax = sum(line.tax or 0 for line in order.lines) + (order.delivery.tax or 0)
    expected = {
        "goods": sum(line.quantity * line.unit_price for line in order.lines),
        "discount": discount,
        "delivery": order.delivery.price,
        "tax": tax,
        "grand_total": totals.goods - totals.discount + totals.delivery + totals.tax,
    }
    for field, amount in expected.items():
        given = getattr(totals, field)
        if given != amount:
            yield "wrong_sum", f"totals.{field}", f"totals.{field} is {given}, its parts make {amount}"
    if totals.discount > totals.goods:
        yield "discount_too_large", "totals.discount", "the discounts are more than the goods cost"


def _payments(order: OrderPlaced) -> _Found:
    free = order.totals.grand_total == 0 and not order.payments
    if len(order.payments) != 1 and not free:
        yield "unsupported_payments", "payments", f"exactly one payment is taken, {len(order.payments)} were given"
    paid = sum(payment.amount for payment in order.payments)
    if paid != order.totals.grand_total:
        yield "wrong_sum", "payments", f"the payments make {paid}, grand_total is {order.totals.grand_total}"
