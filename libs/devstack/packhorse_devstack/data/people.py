"""Invented people and addresses for the invoices' customers: the data have none. Plausible, seeded, nobody's."""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import TypedDict

from packhorse_devstack.data.invoices import Invoice
from packhorse_devstack.data.records import Json

WITHOUT_LOCALE = 0.03
WITHOUT_EMAIL = 0.01
"""Shares of customers who leave these out: the system must do without."""


class _Places(TypedDict):
    countries: dict[str, tuple[str, str, str | None, str, list[str], list[tuple[str, str | None]]]]
    abroad: list[tuple[str, int]]
    names: dict[str, tuple[list[str], list[str]]]


@cache
def _places() -> _Places:
    places: _Places = json.loads((files(__package__) / "places.json").read_text(encoding="utf-8"))
    return places


@dataclass(frozen=True, slots=True)
class Person:
    """A customer and the address that goods are sent to, as blocks of the contract."""

    customer: dict[str, Json]
    address: dict[str, Json]


def person(invoice: Invoice, seed: int) -> Person:
    """Always the same person for the same customer number; a guest for an invoice without one."""
    customer_id = f"CU{invoice.customer}" if invoice.customer else f"GUEST-{invoice.number}"
    random = Random(f"{seed}/person/{customer_id}/{invoice.country}")
    country, locale, phone, form, streets, cities = _places()["countries"][invoice.country]
    locale = _mother_tongue(locale, random)
    given, family = (random.choice(names) for names in _names(locale))
    name = f"{family}{given}" if locale[:2] in {"zh", "ja"} else f"{given} {family}"
    city, code = random.choice(cities)
    customer: dict[str, Json] = {"customer_id": customer_id, "name": name}
    if random.random() >= WITHOUT_EMAIL:
        customer["email"] = f"{_ascii(given)}.{_ascii(family)}.{customer_id.lower()}@example.com"
    if phone is not None and random.random() < 0.7:
        customer["phone"] = _fill(phone, random)
    if random.random() >= WITHOUT_LOCALE:
        customer["locale"] = locale
    street = form.format(number=random.randint(1, 180), street=random.choice(streets))
    address: dict[str, Json] = {"name": name, "lines": [street], "city": city, "country": country}
    if code is not None:
        address["postal_code"] = _fill(code, random)
    return Person(customer, address)


def _mother_tongue(locale: str, random: Random) -> str:
    """Some people in Britain read another language better: each language of the notifications is somebody's."""
    if locale != "en-GB":
        return locale
    tongues, weights = zip(*_places()["abroad"], strict=True)
    return str(random.choices(["en-GB", *tongues], [100 - sum(weights), *weights])[0])


def _names(locale: str) -> tuple[list[str], list[str]]:
    return _places()["names"][locale[:2]]


def _fill(pattern: str, random: Random) -> str:
    """`#` becomes a digit, `@` a letter that British postal codes end with."""
    draw = {"#": "0123456789", "@": "ABDEFGHJLNPQRSTUWXYZ"}
    return "".join(random.choice(draw[sign]) if sign in draw else sign for sign in pattern)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum()) or "customer"
