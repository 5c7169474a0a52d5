"""What each part of an order is worth."""

from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts.blocks import OrderLine
from packhorse_payment.allocation import Worth, spread, value_of, worth

amounts = st.integers(min_value=0, max_value=10**9)


@given(st.lists(amounts, max_size=30), st.data())
def test_a_split_is_exact_and_no_share_exceeds_its_weight(weights: list[int], data: st.DataObject) -> None:
    """What is spread comes out again to the cent, in proportion, whatever the weights."""
    amount = data.draw(st.integers(0, sum(weights)))
    shares = spread(amount, weights)
    assert sum(shares) == (amount if any(weights) else 0)
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight
        assert abs(share * sum(weights) - amount * weight) < max(1, sum(weights))


def test_the_largest_remainder_gets_the_odd_cent_and_the_earlier_of_equals() -> None:
    """Ten cents over three equal lines: the first gets the odd one."""
    assert spread(10, [5, 5, 5]) == [4, 3, 3]
    assert spread(10, [1, 2, 4]) == [1, 3, 6]


@st.composite
def order_lines(draw: st.DrawFn) -> list[OrderLine]:
    lines = []
    for n in range(draw(st.integers(1, 6))):
        quantity, price = draw(st.integers(1, 50)), draw(st.integers(0, 10_000))
        lines.append(
            OrderLine.model_validate(
                {
                    "line_id": str(n),
                    "sku": f"S{n}",
                    "quantity": quantity,
                    "unit_price": price,
                    "discount": draw(st.integers(0, quantity * price)),
                    "tax": draw(st.integers(0, 5_000)),
                }
            )
        )
    return lines


@given(order_lines(), st.integers(0, 5_000), st.integers(0, 900), st.data())
def test_the_parts_of_any_order_add_up_to_its_grand_total(
    lines: list[OrderLine], price: int, tax: int, data: st.DataObject
) -> None:
    """Whatever the discounts and promotions, up to an order that is free: the sum is exact and nothing is negative."""
    nets = sum(line.quantity * line.unit_price - (line.discount or 0) for line in lines)
    full = nets + sum(line.tax or 0 for line in lines) + price + tax
    promotions = data.draw(st.integers(0, full))
    parts = worth(lines, promotions, price, tax)
    assert parts.total == full - promotions
    assert parts.delivery >= 0
    assert all(value >= 0 for value in parts.lines)


def test_promotions_come_off_the_goods_then_the_delivery_then_the_taxes() -> None:
    """What a promotion exceeds the goods by still benefits the customer."""
    line = OrderLine.model_validate({"line_id": "1", "sku": "A", "quantity": 2, "unit_price": 50, "tax": 20})
    assert worth([line], 30, 40, 5) == Worth((90,), 45)
    assert worth([line], 110, 40, 5).delivery == 35
    assert worth([line], 150, 40, 5).lines == (15,)


@given(amounts, st.integers(1, 1000), st.data())
def test_units_of_a_line_are_worth_their_share_and_all_of_them_everything(
    value: int, ordered: int, data: st.DataObject
) -> None:
    """Each further unit adds something or nothing, and the last one whatever remains."""
    some = data.draw(st.integers(0, ordered - 1))
    assert value_of(value, 0, ordered) == 0
    assert value_of(value, some, ordered) <= value_of(value, some + 1, ordered)
    assert value_of(value, ordered, ordered) == value
