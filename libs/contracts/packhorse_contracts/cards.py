"""Card numbers, which have no business in an order: where one stands, and how it goes before anything is kept.

A number counts as a card's where it has 13 to 19 digits, perhaps in groups with a blank or a dash between, belongs to a
network (ISO/IEC 7812), is as long as that network's are, and has the right check digit (Luhn). So of other long numbers
about one in a hundred is taken for one. Fields that hold such are left alone: ids, GTINs, SSCCs, tracking numbers,
telephone numbers, amounts.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pydantic import JsonValue

from packhorse_contracts import facts, gs1
from packhorse_contracts.base import Gtin, Id, Model, Sscc
from packhorse_contracts.lenient import parts
from packhorse_contracts.registry import facts as known_facts

__all__ = ["MASK", "cleaned", "is_card_number", "masked"]

MASK: Final = "[card number removed]"

_NETWORKS: Final = [
    (re.compile(prefixes), frozenset(lengths))
    for prefixes, lengths in (
        ("4", (13, 16, 19)),  # Visa
        ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        ("3[47]", (15,)),  # American Express
        ("30[0-5]|3095|3[689]", range(14, 20)),  # Diners
        ("220[0-4]|35(?:2[89]|[3-8])", range(16, 20)),  # Mir, JCB
        ("6011|64[4-9]|65|60|8[12]|508|62", range(16, 20)),  # Discover, RuPay, UnionPay
        ("5018|5020|5038|5893|6304|6759|676[1-3]", range(13, 20)),  # Maestro
    )
]
_JOINT: Final = r"[\s.\-\x00\u2010-\u2015]{0,2}"
_RUN: Final = re.compile(rf"\d(?:{_JOINT}\d){{12,}}")
"""Digits that follow each other closely; not only ASCII ones, for forms in Japan send full-width digits."""

_GROUP: Final = re.compile(r"\d+")
_PATIENCE: Final = 2_000
"""Numbers of one record that are looked at. In one that is made to hold more, every long number goes."""

_ZEROS: Final = bytes.maketrans(b"123456789" + bytes(range(0x90, 0x9A)), b"0" * 19)
_JOINTS: Final = b" -.\t\r\n\0\xc2\xa0\xe2\x80\x89\xaf\xef\xbc"
_ESCAPED: Final = re.compile(rb"\\(?:[tnr]|u(?:00[02-7aA]|20|[fF][fF]1))")


def is_card_number(text: str) -> bool:
    """True where a text is a card's number, holds one, or held one until it was removed."""
    return MASK in text or masked(text) != text


def masked(text: str) -> str:
    """The text without the card numbers in it."""
    return _Cleaner().text(text)


def cleaned(value: bytes) -> bytes:
    """The value of a record, or of one of its headers, without card numbers; itself in nearly every case.

    JSON stays JSON, and its other fields stay as they are. In what isn't JSON no field can be told from another: there
    every number goes that looks like a card's.
    """
    if not _may_hold_one(value):
        return value
    cleaner = _Cleaner()
    try:
        clean = cleaner.value("", json.loads(value, object_pairs_hook=cleaner.fields))
    except (ValueError, RecursionError):
        return masked(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return json.dumps(clean, separators=(",", ":")).encode() if cleaner.found else value


def _may_hold_one(value: bytes) -> bool:
    """A microsecond for what holds none. Errs on one side alone."""
    if b"0" * 13 in value.translate(_ZEROS, _JOINTS) or b"data_base64" in value:
        return True
    return b"\\" in value and _ESCAPED.search(value) is not None


class _Cleaner:
    """Goes through one record."""

    def __init__(self) -> None:
        self.found = False
        self._patience = _PATIENCE

    def fields(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        """An object, from the inside to the outside; of a name that comes twice both are looked at."""
        return {self.text(name): self.value(name, value) for name, value in pairs}

    def value(self, name: str, value: JsonValue) -> JsonValue:
        """What stands in a field of this name."""
        if isinstance(value, list):
            return [self.value(name, item) for item in value]
        if name in _exempt() or isinstance(value, bool | dict):
            return value
        if isinstance(value, str):
            return self._packed(value) if name == "data_base64" else self.text(value)
        if isinstance(value, int) and self.text(str(value)) == MASK:
            return MASK
        return value

    def text(self, text: str) -> str:
        """Any text."""
        return (
            _RUN.sub(lambda run: self._run(run[0], text[max(0, run.start() - 1) : run.start()]), text)
            if len(text) > 12
            else text
        )

    def _packed(self, text: str) -> str:
        try:
            packed = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        clean = cleaned(packed)
        self.found |= clean != packed
        return text if clean == packed else base64.b64encode(clean).decode()

    def _run(self, run: str, before: str) -> str:
        groups = [(group.start(), group.end()) for group in _GROUP.finditer(run)]
        kept, at, first = "", 0, 0
        while first < len(groups) and self._patience > 0:
            last = self._card(run, groups, first, telephone=first == 0 and before.endswith("+"))
            if last is not None:
                self.found = True
                kept, at, first = kept + run[at : groups[first][0]] + MASK, groups[last][1], last
            first += 1
        if self._patience > 0:
            return kept + run[at:]
        self.found = True
        return kept + MASK

    def _card(self, run: str, groups: list[tuple[int, int]], first: int, *, telephone: bool) -> int | None:
        """The last group of a number that begins with the first; the longest counts."""
        found, digits = None, ""
        for last in range(first, min(first + 19, len(groups))):
            digits += run[slice(*groups[last])]
            if len(digits) > 19:
                break
            if len(digits) >= 13 and not (telephone and len(digits) == 13):
                self._patience -= 1
                if _is_number(digits):
                    found = last
        return found


def _is_number(digits: str) -> bool:
    values = [int(digit) for digit in digits]
    plain = "".join(map(str, values))
    if not any(len(plain) in lengths and prefixes.match(plain) is not None for prefixes, lengths in _NETWORKS):
        return False
    if len(plain) == 13 and plain[-1] == gs1.check_digit(plain[:-1]):
        return False  # a GTIN: no card has had 13 digits for decades
    doubled = [value if place % 2 else value * 2 for place, value in enumerate(values, start=len(values) % 2)]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


@cache
def _exempt() -> frozenset[str]:
    """Fields that hold other numbers, under the names of the wire; the attributes of an envelope among them."""
    assert facts  # noqa: S101 -- imported to make all facts known
    found = {"phone", "id", "subject", "source", "correlationid", "causationid", "partitionkey", "sequence"}
    for fact in known_facts.values():
        found.update(_numbers(fact))
    return frozenset(found)


def _numbers(model: type[Model]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = list(parts(field.rebuild_annotation()))
        if any(kind is int or getattr(kind, "pattern", None) in _PATTERNS for kind in kinds):
            yield field.alias or name
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Model):
                yield from _numbers(kind)


_PATTERNS: Final = frozenset(
    getattr(kind, "pattern", None) for number in (Id, Gtin, Sscc) for kind in parts(number)
) - {None}
