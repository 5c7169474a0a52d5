"""What an address needs depends on its country."""

import pytest
from packhorse_contracts.order import OrderAccepted
from packhorse_order.addresses import COUNTRIES
from packhorse_order.currencies import CURRENCIES
from pydantic import JsonValue

from .order_readings import found, order, told

COMPLETE: dict[str, dict[str, JsonValue]] = {
    "Singapore has no cities": {"country": "SG", "postal_code": "018956"},
    "nor have Gibraltar and Macao": {"country": "GI"},
    "Ireland's postcodes are new, and seldom used": {"country": "IE", "city": "Cork"},
    "Hong Kong has no postal codes, and districts": {"country": "HK", "region": "Kowloon"},
    "which a form may take for a city": {"country": "HK", "city": "Kowloon"},
    "the Emirates have no postal codes": {"country": "AE", "city": "Dubai"},
    "or say the emirate": {"country": "AE", "region": "Dubai"},
    "Kosovo has a code that ISO only reserves": {"country": "XK", "city": "Prishtinë"},
    "a ZIP tells the state": {"country": "US", "city": "Springfield", "postal_code": "62701"},
    "as a CAP tells the province": {"country": "IT", "city": "Milano", "postal_code": "20121"},
    "Japan's prefecture may stand in the city's field": {"country": "JP", "city": "東京都", "postal_code": "100-0001"},
    "a code of an odd shape is not judged": {"country": "GB", "city": "York", "postal_code": "YO17HH."},
}

INCOMPLETE: dict[str, tuple[dict[str, JsonValue], set[str]]] = {
    "no postal code in Britain": ({"country": "GB", "city": "York"}, {"postal_code"}),
    "a dash is none": ({"country": "GB", "city": "York", "postal_code": "-"}, {"postal_code"}),
    "no postal code in Singapore": ({"country": "SG"}, {"postal_code"}),
    "no city in Germany": ({"country": "DE", "postal_code": "10115"}, {"city"}),
    "neither city nor code": ({"country": "US"}, {"city", "postal_code", "region"}),
    "neither district nor city": ({"country": "HK"}, {"region"}),
    "nothing at all of the place": ({"country": "AE", "city": " ", "region": "."}, {"region"}),
    "no city in Kosovo": ({"country": "XK"}, {"city"}),
}


@pytest.mark.parametrize("address", COMPLETE.values(), ids=COMPLETE)
def test_a_complete_address_is_taken(address: dict[str, JsonValue]) -> None:
    """Whatever its country has no use for is not asked for."""
    service = told(order(ship_to={"name": "Ada", "lines": ["1 High Street"], **address}))
    assert service.said(OrderAccepted)


@pytest.mark.parametrize(("address", "fields"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_what_an_address_lacks_is_named(address: dict[str, JsonValue], fields: set[str]) -> None:
    """It couldn't be delivered to, and that is better known now."""
    service = told(order(ship_to={"name": "Ada", "lines": ["1 High Street"], **address}))
    assert found(service) == {("incomplete_address", f"ship_to.{field}") for field in fields}


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_no_country_asks_for_more_than_there_is(country: str) -> None:
    """Street, city, region and postal code are enough everywhere; a street is never too much to ask."""
    full: dict[str, JsonValue] = {"name": "Ada", "city": "A", "region": "B", "postal_code": "1", "country": country}
    assert told(order(ship_to={**full, "lines": ["1 High Street"]})).said(OrderAccepted)
    assert found(told(order(ship_to={**full, "lines": [" "]}))) == {("incomplete_address", "ship_to.lines")}


def test_countries_and_money_are_those_of_today() -> None:
    """With what posts and carriers use, and without what isn't legal tender."""
    assert {"XK", "GB", "PR", "SS"} <= COUNTRIES
    assert not {"EU", "ZZ", "UK", "XX", "DD", "SU"} & COUNTRIES
    assert {"GBP", "EUR", "JPY", "KWD", "CHF", "PLN", "BRL"} <= CURRENCIES
    assert not {"XXX", "XTS", "XAU", "XDR", "CHE", "USN", "BOV", "CLF", "UYI", "DEM", "TRL"} & CURRENCIES
    assert len(CURRENCIES) > 150
