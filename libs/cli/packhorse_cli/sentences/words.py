"""The words that sentences are made of: money, pieces, parcels, days, and what an order's earlier facts explain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Protocol

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_symbol
from packhorse_contracts import blocks
from packhorse_contracts.base import Fact, Money
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.minor_units import exponent
from packhorse_contracts.order import OrderAccepted, OrderConfirmed
from packhorse_contracts.shipping import ShippingPickListIssued

_ENGLISH: Final = Locale("en", "GB")
_LONG_TITLE: Final = 32
"""Characters of a product's name: enough to know it by."""

_NAMED: Final = 2
"""Products that are named one by one; of more only the pieces are counted."""


class Piece(Protocol):
    """Anything that says how much of which line, or SKU."""

    @property
    def quantity(self) -> int:
        """Pieces."""


@dataclass
class Known:
    """What the facts so far say of an order, so that a later one can be told with its words."""

    currency: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    """Of products, by line id and by SKU."""

    locations: dict[str, str] = field(default_factory=dict)
    """By shipment and by pick list."""

    wanted: dict[str, dict[str, int]] = field(default_factory=dict)
    """Pieces by line id, by pick list."""

    def learn(self, fact: Fact) -> None:
        """Takes in what later facts refer to."""
        if isinstance(fact, OrderPlaced | OrderAccepted):
            self.currency = fact.currency
        if isinstance(fact, OrderPlaced | OrderAccepted | OrderConfirmed | ShippingPickListIssued):
            for line in fact.lines:
                if line.title:
                    self.titles |= {line.line_id: line.title, line.sku: line.title}
        if isinstance(fact, ShippingPickListIssued):
            self.locations |= {fact.shipment_id: fact.location, fact.pick_list_id: fact.location}
            self.wanted[fact.pick_list_id] = {line.line_id: line.quantity for line in fact.lines}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a sentence is told with: what is known by then, and the moment that it is about."""

    known: Known
    at: datetime
    personal: bool = False
    """Names, addresses and customers' own words are shown."""

    def goods(self, lines: Sequence[Piece]) -> str:
        """What, and how much: by name where it is little, else counted."""
        if not lines or len(lines) > _NAMED:
            count = f" of {len(lines)} products" if lines else ""
            return pieces(sum(line.quantity for line in lines)) + count
        return listed(f"{line.quantity} × {self.name(line)}" for line in lines)

    def name(self, line: object) -> str:
        """The product of a line: its name, else the one that an earlier fact gave it, else its SKU or line."""
        sku, line_id = getattr(line, "sku", None), getattr(line, "line_id", None)
        title = getattr(line, "title", None) or self.known.titles.get(sku or "") or self.known.titles.get(line_id or "")
        if title:
            return title if len(title) <= _LONG_TITLE else f"{title[: _LONG_TITLE - 1].rstrip()}…"
        return str(sku) if sku else f"line {line_id}"

    def until(self, moment: datetime) -> str:
        """A deadline: a time where it is today, else a day."""
        if moment.date() == self.at.date():
            return f"{moment:%H:%M}"
        return day(moment) if moment.year == self.at.year else f"{day(moment)} {moment.year}"

    def own_words(self, text: str | None) -> str:
        """What a customer said: shown on demand only, for it may be personal."""
        return f": “{text}”" if text and self.personal else ""

    def whom(self, customer: blocks.Customer | None, address: blocks.Address | None) -> str:
        """Who and where: the country alone, unless personal data shall be shown."""
        if not self.personal:
            return f" to {country(address.country)}" if address else ""
        who = [customer.name, customer.email, customer.phone] if customer else []
        where = [address.name, *address.lines, address.postal_code, address.city] if address else []
        told = list(dict.fromkeys(part for part in [*who, *where] if part))
        return f" to {', '.join([*told, country(address.country)] if address else told)}"


def money(amount: int | Money, currency: str | None = None) -> str:
    """An amount in minor units, as `18.95 €`; the dollars of all countries can be told apart."""
    minor, code = (amount.amount, amount.currency) if isinstance(amount, Money) else (amount, currency or "")
    digits = exponent(code)
    value = f"{Decimal(minor).scaleb(-digits):,.{digits}f}"
    return f"{value} {get_currency_symbol(code, locale=_ENGLISH)}" if code else f"{minor:,} minor units"


def pieces(count: int) -> str:
    """`1 piece`, `6 pieces`."""
    return many(count, "piece")


def many(count: int, word: str) -> str:
    """The number and the word, in its plural where it needs one."""
    return f"{count:,} {word if count == 1 else word + 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *front, end = list(words) or [""]
    return f"{', '.join(front)} {last} {end}" if front else end


def day(moment: datetime) -> str:
    """`5 December`, in UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B}"


def calendar_day(date: str) -> str:
    """`5 December`, of a date in the zone of the place that it is about."""
    return day(datetime.fromisoformat(date).replace(tzinfo=UTC))


def worded(code: str) -> str:
    """A code as words: `not_found` is `not found`."""
    return code.replace("_", " ")


def carrier(code: str) -> str:
    """A carrier as people write it: short codes are abbreviations."""
    return code.upper() if len(code) <= 4 else code


@lru_cache(maxsize=512)
def country(code: str) -> str:
    """Its English name; the code where there is none."""
    return str(_ENGLISH.territories.get(code, code))


@lru_cache(maxsize=512)
def language(tag: str) -> str:
    """Its English name; the tag where there is none."""
    try:
        return Locale.parse(tag.split("-", maxsplit=1)[0]).get_language_name("en") or tag
    except (UnknownLocaleError, ValueError):
        return tag


def tenders(given: Iterable[blocks.PaymentTender | blocks.Tender]) -> str:
    """The means of payment, each once."""
    return listed(dict.fromkeys(worded(tender.method) for tender in given))


def reasons(faults: Iterable[blocks.Fault | blocks.Reason]) -> str:
    """What is wrong, a clause each."""
    return "; ".join(fault.message.rstrip(".") or worded(fault.code) for fault in faults)
