"""What can be read and is wrong is rejected with every fault, so that the checkout hears of it; what can't be read is a
dead letter."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts import lenient
from packhorse_contracts.order import OrderAccepted, OrderRejected
from packhorse_order.checks import REJECTIONS
from packhorse_order.state import ORDERS
from pydantic import JsonValue

from .order_readings import found, hear, order, read, reasons, told
from .test_order_stories import ID

WRONG: list[tuple[str, JsonValue, str, str]] = [
    ("currency", "gbp", "malformed", "currency"),
    ("currency", "XXX", "unknown_currency", "currency"),
    ("currency", "XTS", "unknown_currency", "currency"),
    ("currency", "XAU", "unknown_currency", "currency"),
    ("currency", "CHE", "unknown_currency", "currency"),
    ("currency", "DEM", "unknown_currency", "currency"),
    ("ship_to__country", "gb", "malformed", "ship_to.country"),
    ("ship_to__country", "ZZ", "unknown_country", "ship_to.country"),
    ("ship_to__country", "EU", "unknown_country", "ship_to.country"),
    ("ship_to__lines", "1 High Street", "wrong_type", "ship_to.lines"),
    ("channel", "carrier pigeon", "unknown_value", "channel"),
    ("delivery__service", "overnight", "unknown_value", "delivery.service"),
    ("payments__0__method", "beads", "unknown_value", "payments.0.method"),
    ("payments__0__token", "4111 1111 1111 1111", "card_number_in_token", "payments.0.token"),
    ("customer__customer_id", "", "out_of_range", "customer.customer_id"),
    ("lines__0__sku", "A MUG", "malformed", "lines.0.sku"),
    ("lines__1__line_id", "2 ", "malformed", "lines.1.line_id"),
    ("lines__0__quantity", 1.5, "wrong_type", "lines.0.quantity"),
    ("lines__0__quantity", 0, "out_of_range", "lines.0.quantity"),
    ("lines__0__unit_price", -1, "out_of_range", "lines.0.unit_price"),
    ("lines__0__unit_price", None, "missing", "lines.0.unit_price"),
    ("lines__1__tax", "3.00", "wrong_type", "lines.1.tax"),
    ("lines", {"1": {}}, "wrong_type", "lines"),
    ("lines", [], "no_lines", "lines"),
    ("totals__goods", 10**16, "out_of_range", "totals.goods"),
    ("totals__grand_total", -1, "out_of_range", "totals.grand_total"),
    ("placed_at", "yesterday", "malformed", "placed_at"),
    ("placed_at", "1970-01-01T00:00:00Z", "placed_too_long_ago", "placed_at"),
    ("placed_at", "1999-12-31T23:59:59-11:00", "placed_too_long_ago", "placed_at"),
    ("placed_at", "0001-01-01T00:00:00Z", "placed_too_long_ago", "placed_at"),
    ("placed_at", "2027-11-23T12:00:00Z", "placed_in_the_future", "placed_at"),
    ("promotions", [{"code": "", "amount": 50}], "out_of_range", "promotions.0.code"),
    ("delivery", "by ship", "wrong_type", "delivery"),
    ("customer", None, "missing", "customer"),
]


@pytest.mark.parametrize(("path", "value", "code", "field"), WRONG, ids=lambda part: str(part)[:30])
def test_what_is_wrong_with_an_order_is_told_to_the_checkout(
    path: str, value: JsonValue, code: str, field: str
) -> None:
    """By a code and the path of the field; and never by the value, which may be personal."""
    service = told(order(**{path: value}))
    assert (code, field) in found(service)
    assert not service.said(OrderAccepted)
    assert not [
        fault for fault in reasons(service) if isinstance(value, str) and len(value) > 8 and value in str(fault)
    ]


SINGLE = [(path, value, code, field) for path, value, code, field in WRONG if path.count("__") or path == "channel"]


@given(st.lists(st.sampled_from(SINGLE), min_size=2, max_size=6, unique_by=lambda wrong: wrong[0]))
@settings(max_examples=60, deadline=None)
def test_an_order_that_is_wrong_in_many_ways_gets_one_answer_that_names_each(
    wrongs: list[tuple[str, JsonValue, str, str]],
) -> None:
    """Faults of form hide none of substance, nor the other way round; sent again, it is answered no second time."""
    body = order(**{path: value for path, value, *_ in wrongs})
    service = told(body, body)
    assert found(service) >= {(code, field) for *_, code, field in wrongs}
    assert (service.state(ORDERS, ID).status, service.timers) == ("rejected", {})


def test_a_fault_of_form_hides_no_wrong_sum_and_no_missing_address() -> None:
    """Whatever doesn't need the field at fault is judged all the same; what needs it isn't guessed at."""
    body = order(currency="gbp", lines__0__sku="", totals__goods=1, ship_to=None)
    assert found(told(body)) == {
        ("malformed", "currency"),
        ("out_of_range", "lines.0.sku"),
        ("wrong_sum", "totals.goods"),
        ("wrong_sum", "totals.grand_total"),
        ("no_address", "ship_to"),
    }
    assert found(told(order(lines__0__unit_price="5.00"))) == {("wrong_type", "lines.0.unit_price")}


def test_of_very_many_faults_the_first_are_told_and_that_there_are_more() -> None:
    """So that a broken checkout can't make answers that no broker takes, nor work without end."""
    lines: JsonValue = [{"line_id": "", "sku": "", "quantity": 0, "unit_price": -1} for _ in range(2_000)]
    answer = reasons(told(order(lines=lines)))
    assert [fault.code for fault in answer[lenient.MAX_FAULTS :]] == ["more_faults"]
    assert found(told(order(lines=[{}] * 2_001))) == {("out_of_range", "lines")}
    twice: JsonValue = [
        {"line_id": "1", "sku": "A", "quantity": 1, "unit_price": 0, "discount": 1} for _ in range(2_000)
    ]
    assert reasons(told(order(lines=twice)))[-1].code == "more_faults"


@pytest.mark.parametrize(
    ("body", "key"),
    [([], ID), ("order", ID), (order(order_id=""), ""), (order(order_id="a b"), "a b"), (order(order_id=None), ID)],
)
def test_what_has_no_order_id_is_a_dead_letter(body: JsonValue, key: str) -> None:
    """Nobody could be told about it."""
    assert read(body, key).fault is not None


def test_an_unsound_order_under_another_ones_key_is_a_dead_letter() -> None:
    """Its place among that order's facts couldn't be kept."""
    fault = read(order(currency="gbp"), key="another").fault
    assert fault is not None
    assert fault.code == "wrong_key"


def test_an_order_that_was_rejected_is_not_mended_under_its_id() -> None:
    """Sound or not: other content under a used id is refused, and says so."""
    service = told(order(lines__0__unit_price=None))
    for body in (order(), order(currency="gbp"), order(lines__0__unit_price=0)):
        with pytest.raises(RefusedError, match="order_id"):
            hear(service, body)
    with pytest.raises(RefusedError, match="order_id"):
        hear(told(order()), order(currency="gbp"))
    assert len(service.said(OrderRejected)) == 1


@pytest.mark.parametrize("placed_at", ["2011-11-01T08:26:00Z", "2026-11-09T12:00:00Z", "2026-11-23T13:00:00+00:00"])
def test_a_backlog_is_taken_however_long_the_outage_was(placed_at: str) -> None:
    """And an archive that is replayed: nothing is reckoned from that time. Only an unset clock is a fault."""
    assert told(order(placed_at=placed_at)).said(OrderAccepted)


@pytest.mark.parametrize("bill_to", [None, {"name": " ", "lines": ["", " "], "city": "", "country": "GB"}])
def test_a_blank_bill_to_is_as_none(bill_to: JsonValue) -> None:
    """A form sends its empty fields along. It is the same order, too."""
    service = told(order(bill_to=bill_to), order())
    [accepted] = service.said(OrderAccepted)
    assert accepted.bill_to is None


def test_every_code_stands_in_the_readme_and_nothing_else() -> None:
    """The table of what rejects an order is the checkout's to rely on."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    table = readme.partition("## What rejects an order")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (.*?) \|$", table, re.MULTILINE))
    assert rows == REJECTIONS | lenient.CODES
