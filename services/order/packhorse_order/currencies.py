"""The money that one can pay with, by ISO 4217: legal tender somewhere today. Source: Unicode CLDR, through Babel."""

from babel.core import get_global

CURRENCIES = frozenset(
    currency
    for tenders in get_global("territory_currencies").values()
    for currency, _since, until, is_tender in tenders
    if is_tender and until is None
)
"""Not among them: what is withdrawn, metals and funds (XAU, CHE), and the codes for tests and for none (XTS, XXX)."""
