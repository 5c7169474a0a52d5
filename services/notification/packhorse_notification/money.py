"""Amounts in minor units, and numbers, as people write them in their language."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.numbers import NumberPattern, format_decimal, parse_pattern
from packhorse_contracts.minor_units import exponent

_TOUCHING: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""A letter beside a digit: CLDR wants a space in "KWD 1.500", which Babel leaves out."""


@lru_cache(maxsize=4096)
def format_count(number: int, locale: Locale) -> str:
    """A whole number with the locale's separators."""
    return format_decimal(number, locale=locale)


@lru_cache(maxsize=4096)
def format_money(amount: int, currency: str, locale: Locale) -> str:
    """An amount in minor units as text, with the locale's symbol, separators and order."""
    digits = exponent(currency)
    value = Decimal(amount).scaleb(-digits)
    text = _pattern(str(locale), digits).apply(value, locale, currency=currency, currency_digits=False)
    return _TOUCHING.sub("\N{NO-BREAK SPACE}", text)


@lru_cache(maxsize=256)
def _pattern(locale: str, digits: int) -> NumberPattern:
    # A fresh copy, since Babel's own pattern objects are shared by all who format in this locale.
    pattern = parse_pattern(Locale.parse(locale).currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)
    return pattern
