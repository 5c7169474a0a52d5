"""Reads the shop's invoices as they are: goods, postage, cancellations, write-offs, and codes that are no goods."""

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files

FILE = "online-retail-2011-11.csv.gz"

POSTAGE = frozenset({"POST", "DOT", "C2"})
"""Postage, a marketplace's postage, carriage: they are the price of the delivery."""

NO_GOODS = POSTAGE | {"M", "D", "S", "BANK CHARGES", "CRUK", "AMAZONFEE"}
"""Manual entries, discounts, samples, fees, a donation, besides postage: nothing that a warehouse could pick."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; `price` in pence for one piece."""

    sku: str
    title: str
    quantity: int
    price: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice; `customer` is empty for a guest, `country` as the shop wrote it."""

    number: str
    at: datetime
    customer: str
    country: str
    lines: tuple[Line, ...]

    @property
    def cancels(self) -> bool:
        """Whether it takes back an earlier invoice."""
        return self.number.startswith("C")

    @property
    def goods(self) -> tuple[Line, ...]:
        """What is to be delivered. Negative quantities are the shop's own write-offs; a zero price is a free gift."""
        return tuple(line for line in self.lines if line.sku not in NO_GOODS and line.quantity > 0)

    @property
    def postage(self) -> int | None:
        """What the invoice charges for delivery, in pence; None where it doesn't say."""
        charges = [line.quantity * line.price for line in self.lines if line.sku in POSTAGE and line.quantity > 0]
        return sum(charges) if charges else None


def read() -> list[Invoice]:
    """All invoices of the packaged file, in the file's order (which is the order of their time)."""
    found: dict[str, tuple[dict[str, str], list[Line]]] = {}
    with (files(__package__) / FILE).open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            line = Line(
                sku=row["StockCode"].strip().upper(),
                title=" ".join(row["Description"].split()),
                quantity=int(row["Quantity"]),
                price=int(Decimal(row["UnitPrice"]).scaleb(2).to_integral_value()),
            )
            found.setdefault(row["InvoiceNo"], (row, []))[1].append(line)
    return [
        Invoice(
            number=number,
            at=datetime.fromisoformat(first["InvoiceDate"]).replace(tzinfo=UTC),
            customer=first["CustomerID"],
            country=first["Country"],
            lines=tuple(lines),
        )
        for number, (first, lines) in found.items()
    ]
