"""How many digits of an amount in minor units stand behind the decimal point: ISO 4217's exponents."""

from typing import Final

_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS: Final = "CLF UYW"

_EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_NO_DIGITS.split(), 0),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_FOUR_DIGITS.split(), 4),
}
"""Those that aren't 2. Not Babel's: its digits are CLDR's, which say what people usually *show* (none for RSD or LBP).
Taken for exponents they would make amounts a hundred times too large."""


def exponent(currency: str) -> int:
    """The exponent of an ISO 4217 code: 1895 EUR are 18.95 €, 1895 JPY are 1895 ¥."""
    return _EXPONENTS.get(currency, 2)
