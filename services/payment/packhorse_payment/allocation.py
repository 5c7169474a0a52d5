"""What each part of an order is worth. Pure; all amounts are integers in the currency's minor unit.

A line's value is what the customer pays for it: price less its discount and its share of the promotions, plus its
tax. What is owed depends only on how many units of each line left, never on the order in which they did, so any split
into shipments, and any short pick or cancellation in between, adds up to the grand total to the cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from packhorse_contracts.blocks import OrderLine


@dataclass(frozen=True, slots=True)
class Worth:
    """The values of an order's parts: one per line, in the order of the lines, and the delivery's with its tax."""

    lines: tuple[int, ...]
    delivery: int

    @property
    def total(self) -> int:
        """What all of it costs the customer."""
        return sum(self.lines) + self.delivery


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Splits `amount` in proportion to `weights`, exact to the unit, by the method of the largest remainder.

    Where `amount` is at most the sum of the weights, no share is larger than its weight. Of equal remainders the
    earlier one wins. All shares are 0 where all weights are.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % whole))
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return shares


def worth(lines: Sequence[OrderLine], promotions: int, delivery_price: int, delivery_tax: int) -> Worth:
    """The values of an order's parts. `promotions` is their sum.

    Promotions come off the goods; what they exceed these by comes off the delivery, then off the taxes.
    """
    nets = [line.quantity * line.unit_price - (line.discount or 0) for line in lines]
    taxes = [line.tax or 0 for line in lines]
    delivery = delivery_price + delivery_tax
    off_goods = min(promotions, sum(nets))
    off_delivery = min(promotions - off_goods, delivery)
    off_taxes = min(promotions - off_goods - off_delivery, sum(taxes))
    goods = [net - share for net, share in zip(nets, spread(off_goods, nets), strict=True)]
    tax = [full - share for full, share in zip(taxes, spread(off_taxes, taxes), strict=True)]
    return Worth(tuple(g + t for g, t in zip(goods, tax, strict=True)), delivery - off_delivery)


def value_of(value: int, units: int, ordered: int) -> int:
    """What `units` of a line's `ordered` units are worth: grows with each unit, and is all of `value` at the last."""
    return value * units // ordered
