"""The same order again is known by its content, whichever release reads it."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.order import OrderAccepted
from packhorse_order.checks import fingerprint
from packhorse_order.state import ORDERS
from pydantic import Field, JsonValue

from .order_readings import hear, order, told
from .test_order_stories import ID, placed

NOTHINGS: list[tuple[str, JsonValue]] = [
    ("lines__1__discount", 0),
    ("lines__0__tax", 0),
    ("lines__0__lead_time_days", 0),
    ("lines__0__title", ""),
    ("lines__0__gift_message", None),
    ("delivery__tax", 0),
    ("delivery__collect_at", None),
    ("customer__email", ""),
    ("customer__phone", None),
    ("ship_to__region", ""),
    ("bill_to", None),
    ("a_field_that_nobody_knows", "yet"),
]


@given(st.sets(st.sampled_from([path for path, _ in NOTHINGS])))
@settings(deadline=None)
def test_what_says_nothing_is_as_what_is_not_there(paths: set[str]) -> None:
    """No discount and a discount of 0 are the same, as the contract says; so for every field that may be absent."""
    service = told(order(), order(**{path: value for path, value in NOTHINGS if path in paths}))
    assert len(service.said(OrderAccepted)) == 1


def test_no_promotions_are_the_same_however_it_is_said() -> None:
    """An empty list, a null, or nothing."""
    plain = order(
        promotions=[],
        totals={"goods": 2500, "discount": 100, "delivery": 400, "tax": 300, "grand_total": 3100},
        payments=[{"method": "card", "amount": 3100, "token": "tok_ok"}],
    )
    without = {name: value for name, value in plain.items() if name != "promotions"}
    assert len(told(plain, without, {**plain, "promotions": None}).said(OrderAccepted)) == 1


CHANGES: list[tuple[str, JsonValue]] = [
    ("channel", "phone"),
    ("customer__name", ""),
    ("ship_to__region", "Essex"),
    ("ship_to__lines", ["1 High Street", ""]),
    ("lines__0__title", "0"),
    ("lines__0__gift_message", '","discount":0'),
    ("delivery__tax", 1),
    ("payments__0__token", "tok_slow"),
]


@pytest.mark.parametrize(("path", "value"), CHANGES)
def test_any_other_word_makes_another_order(path: str, value: JsonValue) -> None:
    """Whatever a reader could make something of."""
    service = told(order())
    with pytest.raises(RefusedError, match="order_id"):
        hear(service, order(**{path: value}))


def test_a_field_that_a_release_adds_changes_no_fingerprint() -> None:
    """The same order, read by the next release."""

    class NextOrder(OrderPlaced):
        salutation: str | None = Field(None)
        gift_wrapped: bool | None = None

    later = NextOrder.model_validate_json(placed().model_dump_json(), by_alias=True)
    assert fingerprint(later) == fingerprint(placed())


def test_an_order_that_the_first_release_took_is_known() -> None:
    """It hashed every field, also those of which nothing was said."""
    first = (
        '{"order_id":"order-1","placed_at":"2026-11-23T12:00:00Z","channel":"web","currency":"GBP","customer":{"customer_id":'
        '"c-1","name":"Ada","email":null,"phone":null,"locale":null},"ship_to":{"name":"Ada","lines":["1 High Street"],'
        '"city":"London","region":null,"postal_code":"SW1A 1AA","country":"GB"},"bill_to":null,"lines":[{"line_id":"1",'
        '"sku":"MUG","title":null,"quantity":2,"unit_price":500,"discount":100,"tax":null,"lead_time_days":null,'
        '"gift_message":null},{"line_id":"2","sku":"TRAY","title":null,"quantity":1,"unit_price":1500,"discount":null,"tax":300,'
        '"lead_time_days":null,"gift_message":null}],"delivery":{"mode":"ship","service":"standard","price":400,"tax":null,"collect_at":null,'
        '"not_before":null},"payments":[{"method":"card","amount":3050,"token":"tok_ok"}],"promotions":[{"code":"HELLO",'
        '"amount":50}],"totals":{"goods":2500,"discount":150,"delivery":400,"tax":300,"grand_total":3050}}'
    )
    service = told(order())
    kept = replace(service.state(ORDERS, ID), fingerprint=hashlib.sha256(first.encode()).hexdigest())
    service.states[ORDERS.ref(ID)] = kept
    hear(service, order())
    with pytest.raises(RefusedError, match="order_id"):
        hear(service, order(channel="phone"))
