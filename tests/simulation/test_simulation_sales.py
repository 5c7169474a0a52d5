"""The audit reckons what a customer owes on its own; it and the payment service must come to the same."""

from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_audit.books import Sale
from packhorse_contracts.blocks import OrderLine
from packhorse_payment.allocation import value_of, worth


@st.composite
def order_lines(draw: st.DrawFn) -> list[OrderLine]:
    """Some lines, with discounts and taxes."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        quantity, price = draw(st.integers(1, 9)), draw(st.integers(0, 5_000))
        amounts = {"discount": draw(st.integers(0, quantity * price)), "tax": draw(st.integers(0, 900))}
        lines.append(
            OrderLine.model_validate(
                {"line_id": str(number), "sku": "A", "quantity": quantity, "unit_price": price, **amounts}
            )
        )
    return lines


@given(order_lines(), st.integers(0, 900), st.integers(0, 90), st.data())
@settings(max_examples=300)
def test_what_left_is_worth_the_same_to_the_audit(
    lines: list[OrderLine], price: int, tax: int, data: st.DataObject
) -> None:
    """Whatever the promotions, up to an order that is free, and whatever part of it left."""
    full = sum(ln.quantity * ln.unit_price - (ln.discount or 0) + (ln.tax or 0) for ln in lines) + price + tax
    promotions = data.draw(st.integers(0, full) | st.just(full))
    left = {line.line_id: data.draw(st.integers(0, line.quantity)) for line in lines}
    parts = worth(lines, promotions, price, tax)
    owed = parts.delivery + sum(
        value_of(value, left[line.line_id], line.quantity) for line, value in zip(lines, parts.lines, strict=True)
    )
    costs = {ln.line_id: (ln.quantity, ln.quantity * ln.unit_price - (ln.discount or 0), ln.tax or 0) for ln in lines}
    sale = Sale(costs, promotions, price + tax, left)
    assert abs(sale.owed - (owed if any(left.values()) else 0)) <= sale.slack
