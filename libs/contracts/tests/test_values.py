"""What the values of the contracts take, and what they refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts import gs1
from packhorse_contracts.base import (
    MAX_MINOR_UNITS,
    Country,
    Currency,
    Day,
    Flag,
    Gtin,
    Id,
    Language,
    Locale,
    Minor,
    Quantity,
    Sscc,
    Text,
    Utc,
)
from pydantic import TypeAdapter, ValidationError

WELL_FORMED = (
    *("de", "pt-BR", "zh-Hans-CN", "en-US-u-hc-h23", "en-GB-oxendict-x-shop1", "sl-rozaj-biske-1994", "es-419"),
    *("zh-cmn-Hans-CN", "hy-Latn-IT-arevela", "de-DE-u-co-phonebk-x-a-b", "qaa-Qaaa-QM-x-southern", "x-whatever"),
    *(
        "i-klingon",
        "sgn-BE-FR",
        "en-GB-oed",
        "art-lojban",
        "EN-gb",
        "ar-a-aaa-b-bbb-a-ccc",
        "und",
        "de-1996",
        "zh-min-nan",
    ),
)
"""Most are the examples of RFC 5646, appendix A."""

ILL_FORMED = (
    "",
    "a",
    "de-",
    "-de",
    "de--AT",
    "pt_BR",
    "de-419-DE",
    "a-DE",
    "en-u",
    "x",
    "x-",
    "en-x",
    "ü",
    "en GB",
    "123",
)


@pytest.mark.parametrize("tag", WELL_FORMED)
def test_any_well_formed_language_tag_is_a_customers_locale(tag: str) -> None:
    """With extensions, variants, private use, and those from before there was a form."""
    assert read(Locale, f'"{tag}"') == tag


@pytest.mark.parametrize(
    "tag", [*(tag for tag in ILL_FORMED if tag != "pt_BR"), "klingon!", "\U0001f40e" * 320, "en\\n-"]
)
def test_a_locale_that_is_none_is_as_good_as_absent(tag: str) -> None:
    """Nobody loses an order for the language of a mail."""
    assert read(Locale, f'"{tag}"') is None


def test_a_locale_as_programs_write_it_is_a_tag() -> None:
    """With an underscore, and blanks around it."""
    assert read(Locale, '" pt_BR "') == "pt-BR"


def read(kind: Any, json: str) -> object:
    """The value as it is read from a record. `kind` is an annotated type, for which Python has no type yet."""
    return TypeAdapter(kind).validate_json(json)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02T13:30:00+01:30", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02t12:00:00.123456z", datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_utc_once_read(text: str, expected: datetime) -> None:
    """Whatever its offset was."""
    found = read(Utc, f'"{text}"')
    assert isinstance(found, datetime)
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "json",
    [
        '"2026-03-02T12:00:00"',
        '"2026-03-02"',
        '"1772452800"',
        "1772452800",
        "1772452800.5",
        '"0001-01-01T00:00:00+23:59"',
        '"9999-12-31T23:59:59-23:59"',
        '"2026-13-02T12:00:00Z"',
        "null",
        "true",
    ],
)
def test_what_is_no_rfc_3339_time_with_an_offset_is_refused(json: str) -> None:
    """Numbers, dates alone, times without an offset, and instants outside the calendar."""
    with pytest.raises(ValidationError):
        read(Utc, json)


@pytest.mark.parametrize(
    ("kind", "json"),
    [
        (Minor, "12"),
        (Minor, "12.0"),
        (Minor, "12e0"),
        (Minor, "-0.0"),
        (Minor, f"{MAX_MINOR_UNITS}.0"),
        (Minor, str(MAX_MINOR_UNITS)),
        (Quantity, "1"),
        (Flag, "true"),
        (Id, '"a"'),
        (Id, '"' + "x" * 64 + '"'),
        (Text, '""'),
        (Text, '"line\\nline"'),
        (Currency, '"KWD"'),
        (Country, '"PT"'),
        *((Language, f'"{tag}"') for tag in WELL_FORMED),
        (Day, '"2028-02-29"'),
        (Gtin, '"4006381333931"'),
        (Gtin, '"96385074"'),
        (Gtin, '"036000291452"'),
        (Sscc, '"340123450000000017"'),
    ],
)
def test_what_is_well_formed_is_read(kind: object, json: str) -> None:
    """One of each form."""
    read(kind, json)


@pytest.mark.parametrize(
    ("kind", "json"),
    [
        (Minor, "1.5"),
        (Minor, "1.0000000001"),
        (Minor, "1e400"),
        (Minor, '"1"'),
        (Minor, "true"),
        (Minor, "-1"),
        (Minor, str(MAX_MINOR_UNITS + 1)),
        (Minor, "9" * 400),
        (Minor, "NaN"),
        (Quantity, "0"),
        (Flag, '"yes"'),
        (Flag, "1"),
        (Id, '""'),
        (Id, '"a b"'),
        (Id, '"a\\n"'),
        (Id, '"é"'),
        (Id, '"' + "x" * 65 + '"'),
        (Text, '"a\\u0000b"'),
        (Text, '"\\ud800"'),
        (Text, '"' + "x" * 2001 + '"'),
        (Currency, '"eur"'),
        (Currency, '"EUR\\n"'),
        (Country, '"PRT"'),
        *((Language, f'"{tag}"') for tag in ILL_FORMED),
        (Day, '"2026-02-29"'),
        (Day, '"٢٠٢٦-٠٣-٠٢"'),
        (Gtin, '"4006381333930"'),
        (Gtin, '"12345"'),
        (Sscc, '"340123450000000018"'),
        (Sscc, '"٣٤٠١٢٣٤٥٠٠٠٠٠٠٠٠١٧"'),
    ],
)
def test_what_is_not_is_refused(kind: object, json: str) -> None:
    """Numbers as text, truth as a number, wrong check digits, and text that no database keeps."""
    with pytest.raises(ValidationError):
        read(kind, json)


@given(digits=st.text("0123456789", min_size=7, max_size=17), at=st.integers(0, 16), other=st.integers(1, 9))
def test_a_wrong_digit_is_always_noticed(digits: str, at: int, other: int) -> None:
    """GS1 check digits find every single error."""
    whole = digits + gs1.check_digit(digits)
    assert gs1.check_gtin(whole) == whole
    at %= len(digits)
    wrong = digits[:at] + str((int(digits[at]) + other) % 10) + digits[at + 1 :] + whole[-1]
    with pytest.raises(ValueError, match="wrong check digit"):
        gs1.check_gtin(wrong)
