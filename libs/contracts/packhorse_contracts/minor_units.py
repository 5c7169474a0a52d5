"""How many digits of an amount in minor units stand behind the decimal point: ISO 4217's exponents."""

from typing import Final

from iso4217 import Currency

_EXPONENTS: Final = {currency.code: currency.exponent for currency in Currency}
"""None where there is no minor unit (gold, codes for tests). Not Babel's: its digits are CLDR's, which say what people
usually *show* (none for RSD or LBP). Taken for exponents they would make amounts a hundred times too large."""


def exponent(currency: str) -> int:
    """The exponent of an ISO 4217 code: 1895 EUR are 18.95 €, 1895 JPY are 1895 ¥. 2 where ISO names none."""
    known = _EXPONENTS.get(currency)
    return 2 if known is None else known
