"""What the topics say, as far as the invariants ask."""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any, NamedTuple

from packhorse_contracts.base import Fact
from packhorse_contracts.pieces import total
from pydantic_core import from_json

from packhorse_audit.books import Sale
from packhorse_audit.shelves import Shelves
from packhorse_audit.streams import Spoken

_ASKED = frozenset(
    {
        "order.accepted",
        "shipping.pick_list_issued",
        "shipping.pick_list_withdrawn",
        "shipping.dispatched",
        "notification.sent",
    }
)

_TOLD_OF: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "order.confirmed": ("order_confirmed", ()),
    "order.cancelled": ("cancelled", ("at", "whole", "lines")),
    "order.cancellation_declined": ("cancellation_declined", ("at", "reasons")),
    "shipping.dispatched": ("dispatched", ("shipment_id", "tracking_numbers")),
    "shipping.delivered": ("delivered", ("shipment_id", "tracking_number")),
    "payment.refunded": ("refunded", ("at", "payment_id", "amount", "cause")),
}
"""The kind of mail that a fact is told in, and what tells two things of one kind apart: a fact that is said again under
another id is the same thing."""

ASKED = _ASKED | _TOLD_OF.keys()
"""The facts whose content is looked at."""


class StockFact(NamedTuple):
    """A fact that a shelf follows from. `place`: its topic, and its place in it; `heard`: when it came there."""

    source: str
    id: str
    place: tuple[str, str]
    fact: Fact
    heard: datetime


class Told:
    """What the topics say, as far as the invariants ask."""

    def __init__(self) -> None:
        self.spoken: list[Spoken] = []
        self.stock: list[StockFact] = []
        self.whole = True
        """The topics still have their beginning."""

        self.issued: dict[str, set[str]] = {}
        self.withdrawn: set[str] = set()
        self.sent: dict[str, tuple[str, str, str]] = {}
        self._causes: dict[tuple[str, str], set[str]] = {}
        self._accepted: dict[str, dict[str, Any]] = {}
        self._dispatched: dict[str, dict[str, dict[str, int]]] = {}

    def take(self, spoken: Spoken, value: bytes) -> None:
        """Adds one event of ours."""
        self.spoken.append(spoken)
        kind = spoken.type.removeprefix("packhorse.").rsplit(".v", 1)[0]
        if kind not in ASKED:
            return
        data = from_json(value)
        if kind in _TOLD_OF:
            mail, apart = _TOLD_OF[kind]
            cause = repr([data.get(name) for name in apart])
            self._causes.setdefault((data["order_id"], mail), set()).add(cause)
        if kind == "shipping.pick_list_issued":
            self.issued.setdefault(data["shipment_id"], set()).add(data["pick_list_id"])
        elif kind == "shipping.pick_list_withdrawn":
            self.withdrawn.add(data["pick_list_id"])
        elif kind == "notification.sent":
            # Published twice under one event id is said once; under two it is a violation.
            self.sent[spoken.id] = (data["order_id"], data["notification_id"], data["kind"])
        elif kind == "order.accepted":
            self._accepted[data["order_id"]] = data
        elif kind == "shipping.dispatched":
            pieces: dict[str, int] = {}
            for line in data["lines"]:
                pieces[line["line_id"]] = pieces.get(line["line_id"], 0) + line["quantity"]
            self._dispatched.setdefault(data["order_id"], {})[data["shipment_id"]] = pieces

    @property
    def causes(self) -> dict[tuple[str, str], int]:
        """How many things happened that customers are told of, by order and kind of mail."""
        return {about: len(causes) for about, causes in self._causes.items()}

    def shelves(self, given_up: Set[tuple[str, str]]) -> Shelves:
        """What lies where. `given_up`: the places of what inventory has refused; said again it was but a repeat.
        Of two contents under one id one may be refused and the other not."""
        refused = {(told.source, told.id, told.fact) for told in self.stock if told.place in given_up}
        shelves = Shelves()
        for told in self.stock:
            if (told.source, told.id, told.fact) not in refused:
                shelves.take(told.source, told.id, told.fact, told.heard)
        return shelves

    def sales(self) -> dict[str, Sale]:
        """Every order that the topics still know, by its id."""
        return {order_id: self._sale(order_id, data) for order_id, data in self._accepted.items()}

    def _sale(self, order_id: str, data: Mapping[str, Any]) -> Sale:
        lines = {
            line["line_id"]: (
                line["quantity"],
                line["quantity"] * line["unit_price"] - (line.get("discount") or 0),
                line.get("tax") or 0,
            )
            for line in data["lines"]
        }
        pieces = total(self._dispatched.get(order_id, {}).values())
        delivery = data["delivery"]["price"] + (data["delivery"].get("tax") or 0)
        promotions = sum(promotion["amount"] for promotion in data.get("promotions") or ())
        return Sale(lines, promotions, delivery, pieces)
