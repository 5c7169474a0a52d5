"""What is personal in a fact, and the fact without it."""

from collections.abc import Mapping
from typing import Final

_BLOCKS: Final = frozenset({"customer", "ship_to", "bill_to", "gift_message"})
"""The contracts' blocks of personal data, and what customers have printed on cards."""

_HARMLESS: Final = frozenset({"country", "locale", "customer_id"})
_HIDDEN: Final = "•••"


def masked(value: object) -> object:
    """A fact's data without what is personal: names, addresses, and how to reach somebody."""
    if isinstance(value, Mapping):
        return {name: _blank(inner) if name in _BLOCKS else masked(inner) for name, inner in value.items()}
    return [masked(one) for one in value] if isinstance(value, list) else value


def _blank(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: inner if name in _HARMLESS else _blank(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_blank(one) for one in value]
    return None if value is None else _HIDDEN
