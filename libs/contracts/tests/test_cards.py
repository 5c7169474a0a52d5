"""Card numbers: found where they don't belong, left alone where other numbers look like them."""

import base64
import json

import packhorse_contracts.facts  # noqa: F401 -- registers every fact
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_contracts import cards, gs1, registry
from packhorse_contracts.export.samples import sample
from pydantic import JsonValue

VISA = "4111111111111111"
NUMBERS = [
    *(VISA, "4012888888881881", "4222222222222", "5555555555554444", "2223000048400011", "378282246310005"),
    *("371449635398431", "30569309025904", "38520000023237", "6011111111111117", "3530111333300000"),
    *("6200000000000005", "6759649826438453", "2200000000000004"),
]
"""What the networks and gateways publish for tests."""

WRITTEN = [
    "{}",
    " {} ",
    "card {}, thanks",
    "x{}y",
    "{} 12/29 123",
    "({})",
    "%B{}^LOVELACE/ADA^2912",
    "\n{}\n",
    "5 {} 5",
]


def grouped(number: str, joint: str) -> str:
    """In groups of four."""
    return joint.join(number[at : at + 4] for at in range(0, len(number), 4))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("joint", ["", " ", "-", "\u00a0", " - "[:2], ".", "\u2013"])
def test_a_card_number_is_found_however_it_is_written(number: str, joint: str) -> None:
    """With blanks, with dashes, amid other words and numbers."""
    for written in WRITTEN:
        text = written.format(grouped(number, joint))
        clean = cards.masked(text)
        assert clean == written.format(cards.MASK), text
        assert cards.is_card_number(text)
        assert cards.is_card_number(clean)


def test_digits_of_other_scripts_are_digits() -> None:
    """A form in Japan sends full-width ones."""
    wide = "".join(chr(0xFF10 + int(digit)) for digit in VISA)
    assert cards.masked(f"番号{wide}") == f"番号{cards.MASK}"
    assert wide.encode() not in cards.cleaned(json.dumps({"name": wide}, ensure_ascii=False).encode())
    assert b"ff11" not in cards.cleaned(json.dumps({"name": wide}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # wrong check digit
        "1234567890123452",  # no network's
        "41111111111111",  # 14 digits, which no Visa has
        f"{VISA}00000",  # 21 digits: a serial number
        "4006381333931",  # a GTIN
        "+49 151 12345678",
        "+4915112345678",
        "0151 1234567",
        "340123450000000017",  # an SSCC
        "2026-11-23T12:00:00.000000Z",
        "tok_1MqLiJLkdIwHu7ixUEgbFdYF",
        "order-536365",
        "",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """A title with a serial number in it stays as it is."""
    assert cards.masked(text) == text
    assert not cards.is_card_number(text)


@given(st.integers(0, 10**14 - 1))
@settings(max_examples=300)
def test_of_sixteen_random_digits_few_are_taken_for_a_card(number: int) -> None:
    """Only with the one right check digit of ten."""
    digits = f"4{number:014d}"
    assert sum(cards.is_card_number(digits + last) for last in "0123456789") == 1


FIELDS = sorted(registry.facts)


@pytest.mark.parametrize("wire", FIELDS)
def test_ids_and_numbers_stay_in_their_own_fields(wire: str) -> None:
    """An order, a parcel or a product that happens to be called like a card is still found under its name."""
    body = json.dumps(sample(registry.facts[wire])["data"]).encode()
    assert cards.cleaned(body) == body


@pytest.mark.parametrize(
    "field", ["order_id", "sku", "line_id", "gtin", "sscc", "phone", "tracking_number", "lot", "receipt_id"]
)
def test_a_field_for_numbers_is_left_alone(field: str) -> None:
    """Beside one that is not."""
    body: dict[str, JsonValue] = {field: VISA, "lines": [{field: VISA, "title": VISA}]}
    assert json.loads(cards.cleaned(json.dumps(body).encode())) == {
        field: VISA,
        "lines": [{field: VISA, "title": cards.MASK}],
    }
    assert json.loads(cards.cleaned(json.dumps({"tracking_numbers": [VISA]}).encode())) == {"tracking_numbers": [VISA]}


HIDDEN: dict[str, bytes] = {
    "a token": json.dumps({"payments": [{"token": VISA}]}).encode(),
    "a name": json.dumps({"customer": {"name": f"Ada {grouped(VISA, ' ')}"}}).encode(),
    "a street": json.dumps({"ship_to": {"lines": ["1 High Street", VISA]}}).encode(),
    "a field that nobody knows": json.dumps({"card": {"number": VISA}}).encode(),
    "a number": json.dumps({"card": int(VISA)}).encode(),
    "the name of a field": json.dumps({VISA: 1}).encode(),
    "the first of two of a name": f'{{"name":"{VISA}","name":"Ada"}}'.encode(),
    "escaped digits": b'{"name":"4111\\u003111111111111"}',
    "escaped blanks": b'{"name":"4111\\u00201111\\u00201111\\u00201111"}',
    "a tab": b'{"name":"4111\\t1111\\t1111\\t1111"}',
    "base64": json.dumps({"data_base64": base64.b64encode(f'{{"name":"{VISA}"}}'.encode()).decode()}).encode(),
    "an escaped name of base64": b'{"data\\u005fbase64":"' + base64.b64encode(b'{"name":"4111111111111111"}') + b'"}',
    "a list of lists": json.dumps([[[VISA]]]).encode(),
    "plain text": f"charge {VISA}".encode(),
    "truncated JSON": f'{{"name":"{VISA}","lines":['.encode(),
    "XML": f"<pan>{grouped(VISA, '-')}</pan>".encode(),
    "not UTF-8": f"caf\xe9 {VISA}".encode("latin-1"),
    "UTF-16": f"charge {VISA}".encode("utf-16-le"),
    "deep nesting": b"[" * 100_000 + VISA.encode(),
}


@pytest.mark.parametrize("value", HIDDEN.values(), ids=HIDDEN)
def test_a_record_is_kept_without_the_number_wherever_it_hides(value: bytes) -> None:
    """In JSON it stays JSON."""
    clean = cards.cleaned(value)
    shown = clean.decode("utf-8", "replace").replace("\x00", "")
    for _ in range(2):
        assert VISA not in "".join(letter for letter in shown if letter.isdigit() or letter in '"[{')
        if "base64" in shown:
            shown = base64.b64decode(json.loads(clean)["data_base64"]).decode()
        else:
            shown = shown.encode().decode("unicode_escape", "replace") if "\\" in shown else shown
    assert cards.cleaned(clean) == clean


def test_what_holds_no_card_number_is_not_touched_by_a_byte() -> None:
    """However it is written."""
    for value in (b'{ "a" : 1.0 }', b'{"a":"\\u00e9"}', b"\xff\xfe", b"", b'{"phone":"+49 151 12345678"}'):
        assert cards.cleaned(value) is value


def test_a_record_made_of_numbers_costs_no_time_without_end() -> None:
    """Past a limit every long number goes, card or not."""
    for text in ("4 " * 150_000, f"{VISA[:-1]}2 " * 20_000, "41111 " * 60_000):
        clean = cards.cleaned(json.dumps({"name": text}).encode())
        assert len(clean) < 100


@given(st.text(alphabet="0123456789 -.abc", max_size=80))
@settings(max_examples=300)
def test_what_is_cleaned_is_clean(text: str) -> None:
    """Nothing comes out that would have to be masked once more."""
    assert cards.masked(cards.masked(text)) == cards.masked(text)


def test_the_check_digit_is_luhns() -> None:
    """Not that of GS1, which is another."""
    assert gs1.check_digit(VISA[:-1]) != VISA[-1]
