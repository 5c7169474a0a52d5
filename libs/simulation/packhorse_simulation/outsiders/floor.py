"""What really lies where: the warehouse's own shelves and carts, changed at the moment that its facts report."""

from collections import Counter
from dataclasses import dataclass, field

Cell = tuple[str, str]
"""SKU and location."""


@dataclass(slots=True)
class Floor:
    """Pieces by SKU and location. A shelf may owe some: a warehouse finds a way to send what it was told to."""

    shelf: Counter[Cell] = field(default_factory=Counter)
    cart: Counter[Cell] = field(default_factory=Counter)

    def pick(self, cell: Cell, pieces: int) -> None:
        """From the shelf onto a cart."""
        self.shelf[cell] -= pieces
        self.cart[cell] += pieces

    def put_back(self, cell: Cell, pieces: int) -> None:
        """From the cart onto the shelf."""
        self.pick(cell, -pieces)
