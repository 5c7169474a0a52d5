"""By which an order is judged: everything that is wrong with it, and whether it is one that came before. Pure.

A check reads what it needs as if the order were sound. Of one that breaks the contract the fields at fault are not
there; a check that reads one of them ends, for that fault is told already, and the others go on.
"""

import contextlib
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, ParamSpec

from packhorse_contracts import cards
from packhorse_contracts.base import UnsoundFieldError
from packhorse_contracts.blocks import Address, Fault, OrderLine, PaymentTender
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.lenient import MORE_FAULTS, optional_fields

from packhorse_order.addresses import COUNTRIES, is_blank, missing
from packhorse_order.currencies import CURRENCIES

_FUTURE: Final = timedelta(hours=1)
_FURTHEST: Final = timedelta(days=366)
_EARLIEST: Final = datetime(2001, 1, 1, tzinfo=UTC)
"""Clocks that nobody has set stand at the year 1, 1970, 1980 or 2000."""

_MOST: Final = 500
"""Faults of one order that are told, so that the answer fits into a record."""

REJECTIONS: Final = {
    "placed_in_the_future": "`placed_at` is more than an hour ahead",
    "placed_too_long_ago": f"`placed_at` lies before {_EARLIEST.year}: a clock that nobody has set",
    "unknown_currency": "not legal tender anywhere today: withdrawn, a metal, a fund, `XXX`, `XTS`",
    "unknown_country": "no country of ISO 3166-1, nor `XK`",
    "no_lines": "there is nothing to deliver",
    "duplicate_line": "two lines have one `line_id`",
    "discount_too_large": "a line's discount is more than the line costs, or all discounts more than the whole order",
    "too_far_ahead": f"`delivery.not_before`, or a line's lead time, is more than {_FURTHEST.days} days ahead",
    "unsupported_delivery_mode": "collection is not offered yet",
    "no_address": "there is no `ship_to`, or a blank one",
    "incomplete_address": "something is missing that the country's addresses need",
    "wrong_sum": "a total is not the sum of its parts, or the payments don't make the grand total",
    "unsupported_payments": "not exactly one payment, and not free",
    "card_number_in_token": "a payment's token is a card's own number, which has no business here",
}
"""Every code of a fault that is found here, and what it means."""


Tell = Callable[[str, str, str], None]
"""(code, field, message): that this is wrong."""

P = ParamSpec("P")


def faults(order: OrderPlaced, now: datetime) -> list[Fault]:
    """Everything that is wrong with an order, as far as it could be read; empty where it can be taken."""
    found: list[Fault] = []

    def tell(code: str, field: str, message: str) -> None:
        found.append(Fault(code=code, field=field, message=message))

    for check in _CHECKS:
        _as_far_as_sound(check, order, now, tell)
    return found if len(found) <= _MOST else [*found[:_MOST], MORE_FAULTS]


def _as_far_as_sound(check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        check(*args, **kwargs)
    except UnsoundFieldError:
        return  # the field that it asks for is told of already


def _time(order: OrderPlaced, now: datetime, tell: Tell) -> None:
    if order.placed_at > now + _FUTURE:
        tell("placed_in_the_future", "placed_at", f"{order.placed_at.isoformat()} lies in the future")
    if order.placed_at < _EARLIEST:
        tell("placed_too_long_ago", "placed_at", f"{order.placed_at.isoformat()} lies before {_EARLIEST.year}")


def _currency(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    if order.currency not in CURRENCIES:
        tell("unknown_currency", "currency", f"{order.currency} is not money that one can pay with")


def _lines(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    if not order.lines:
        tell("no_lines", "lines", "an order needs at least one line")
    seen: set[str] = set()
    for number, line in enumerate(order.lines):
        _as_far_as_sound(_line_id, number, line, seen, tell)
        _as_far_as_sound(_line_discount, number, line, tell)
        _as_far_as_sound(_line_lead_time, number, line, tell)


def _line_id(number: int, line: OrderLine, seen: set[str], tell: Tell) -> None:
    if line.line_id in seen:
        tell("duplicate_line", f"lines.{number}.line_id", "an earlier line has this line id already")
    seen.add(line.line_id)


def _line_discount(number: int, line: OrderLine, tell: Tell) -> None:
    if line.discount and line.discount > line.quantity * line.unit_price:
        tell("discount_too_large", f"lines.{number}.discount", "the discount is more than the line costs")


def _line_lead_time(number: int, line: OrderLine, tell: Tell) -> None:
    if line.lead_time_days and line.lead_time_days > _FURTHEST.days:
        message = f"{line.lead_time_days} days are over {_FURTHEST.days}"
        tell("too_far_ahead", f"lines.{number}.lead_time_days", message)


def _wish(order: OrderPlaced, now: datetime, tell: Tell) -> None:
    wish = order.delivery.not_before
    if wish is not None and wish > now + _FURTHEST:
        tell("too_far_ahead", "delivery.not_before", f"{wish.isoformat()} is over {_FURTHEST.days} days ahead")


def _mode(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    if order.delivery.mode == "collect":
        tell("unsupported_delivery_mode", "delivery.mode", "collection is not offered yet; use ship")
    elif order.ship_to is None:
        tell("no_address", "ship_to", "an order to be shipped needs an address")


def _ship_to(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    _address("ship_to", order.ship_to, tell)


def _bill_to(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    _address("bill_to", order.bill_to, tell)


def _address(name: str, address: Address | None, tell: Tell) -> None:
    if address is None:
        return
    if address.country not in COUNTRIES:
        tell("unknown_country", f"{name}.country", f"{address.country} is no country of ISO 3166-1")
    for field in missing(address):
        tell("incomplete_address", f"{name}.{field}", f"an address in {address.country} needs it")


def _goods(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    _sum("totals.goods", order.totals.goods, sum(line.quantity * line.unit_price for line in order.lines), tell)


def _discount(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    off = sum(line.discount or 0 for line in order.lines) + sum(promotion.amount for promotion in order.promotions)
    _sum("totals.discount", order.totals.discount, off, tell)


def _delivery_price(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    _sum("totals.delivery", order.totals.delivery, order.delivery.price, tell)


def _tax(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    tax = sum(line.tax or 0 for line in order.lines) + (order.delivery.tax or 0)
    _sum("totals.tax", order.totals.tax, tax, tell)


def _grand_total(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    """Discounts may cover all of it, delivery and tax included, and no more."""
    totals = order.totals
    full = totals.goods + totals.delivery + totals.tax
    _sum("totals.grand_total", totals.grand_total, full - totals.discount, tell)
    if totals.discount > full:
        tell("discount_too_large", "totals.discount", "the discounts are more than the whole order costs")


def _payments(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    if len(order.payments) != 1 and (order.payments or order.totals.grand_total != 0):
        message = f"exactly one payment is taken, {len(order.payments)} were given"
        tell("unsupported_payments", "payments", message)


def _payment_sum(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    _sum("payments", sum(payment.amount for payment in order.payments), order.totals.grand_total, tell)


def _sum(field: str, given: int, wanted: int, tell: Tell) -> None:
    if given != wanted:
        tell("wrong_sum", field, f"{given} is given, {wanted} would be right")


def _tokens(order: OrderPlaced, _now: datetime, tell: Tell) -> None:
    for number, payment in enumerate(order.payments):
        _as_far_as_sound(_token, number, payment, tell)


def _token(number: int, payment: PaymentTender, tell: Tell) -> None:
    if payment.token is not None and cards.is_card_number(payment.token):
        message = "a card number is not taken as a token: have the gateway make one of it"
        tell("card_number_in_token", f"payments.{number}.token", message)


_CHECKS: Final = (
    *(_time, _currency, _lines, _wish, _mode, _ship_to, _bill_to),
    *(_goods, _discount, _delivery_price, _tax, _grand_total, _payments, _payment_sum, _tokens),
)


def tidied(order: OrderPlaced) -> OrderPlaced:
    """Without what says nothing: a checkout's form sends a blank bill_to where there is none. So it does a ship_to."""
    blank: dict[str, Address | None] = {}
    for name in ("ship_to", "bill_to"):
        with contextlib.suppress(UnsoundFieldError):
            address: Address | None = getattr(order, name)
            if address is not None and is_blank(address):
                blank[name] = None
    return order.model_copy(update=blank) if blank else order


_ZEROS: Final = [f',"{name}":0' for name in sorted({*optional_fields(OrderPlaced, int)})]
_EMPTIES: Final = [f',"{name}":""' for name in sorted({*optional_fields(OrderPlaced, str)})]
"""How an optional field stands in JSON that says nothing. Within a text a quotation mark has a backslash before it."""


def fingerprint(order: OrderPlaced | UnsoundOrder) -> str:
    """A hash of the content: the same order again has the same, whatever its envelope says, and whichever release reads
    it. So what isn't there has no part in it: fields of which nothing is said, as those that a later release adds."""
    if isinstance(order, UnsoundOrder):
        # What is wrong belongs to it: an order whose price is missing is not the one whose price is 0.
        wrong = "".join(f" {fault.code} {fault.field}" for fault in order.faults)
        return _hashed(_said(order.content) + wrong)
    return _hashed(_said(order.model_dump_json(exclude_defaults=True)))


def _said(content: str) -> str:
    for nothing in (*_ZEROS, *(_EMPTIES if '""' in content else ())):
        content = content.replace(nothing, "")
    return content


def first_fingerprint(order: OrderPlaced) -> str:
    """The fingerprint as the first release made it, of every field. One that is new since then has to be left out here:
    that release knew nothing of it."""
    return _hashed(order.model_dump_json())


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
