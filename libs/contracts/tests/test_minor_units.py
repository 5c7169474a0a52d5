"""Where the decimal point of an amount stands, by ISO 4217."""

import pytest
from packhorse_contracts.minor_units import exponent


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("CLF", 4), ("UYW", 4), ("RSD", 2), ("LBP", 2), ("IDR", 2)],
)
def test_digits_are_those_of_iso_and_not_what_people_show(currency: str, digits: int) -> None:
    """A table by what is usually shown would have none for the last three: amounts a hundred times too large."""
    assert exponent(currency) == digits


@pytest.mark.parametrize("currency", ["XAU", "XTS", "ZZZ"])
def test_what_has_no_minor_unit_has_two_digits(currency: str) -> None:
    """What ISO doesn't say, or doesn't know yet, is shown as most currencies are."""
    assert exponent(currency) == 2
