"""Defects as people make them, each put into the running code for as long as a test lasts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from packhorse_chassis.core import decide
from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.turn import Turn
from packhorse_contracts import registry
from packhorse_contracts.order import OrderCancelled
from packhorse_contracts.policies import InventoryPolicy
from packhorse_inventory import releasing
from packhorse_inventory.state import Reservation
from packhorse_payment import settlement
from packhorse_payment.operations import Refund
from packhorse_simulation import services, sources
from packhorse_simulation.database import Database
from packhorse_simulation.node import Node
from packhorse_simulation.sources import Records, Source, Timers
from packhorse_simulation.transaction import Transactions, Work

Patch = pytest.MonkeyPatch


def no_inbox(patch: Patch) -> None:
    """Every record counts, however often it comes."""

    def all_of_them(_self: Records, _db: Database, arrivals: Sequence[Arrival]) -> list[Arrival]:
        return list(arrivals)

    patch.setattr(Records, "before", all_of_them)


def no_locks(patch: Patch) -> None:
    """Two transactions read one row, and the second overwrites what the first has written."""
    patch.setattr(Database, "need", lambda _self, _rows: None)


def stock_without_a_lock(patch: Patch) -> None:
    """The same for stock alone: two orders are promised the same pieces.

    The counter of a SKU's events has a lock of its own, which would make the second order wait, and then look again.
    """
    real = Transactions.rows

    def without_stock(self: Transactions, work: Work) -> list[Any]:
        free = {ref for ref in work.states if ref.kind == "stock"}
        free_counters = {("sequence", ref.key) for ref in free}
        return [row for row in real(self, work) if row not in free and row not in free_counters]

    patch.setattr(Transactions, "rows", without_stock)


def timer_that_was_cancelled(patch: Patch) -> None:
    """A timer fires as it was read, though it was cancelled, set anew, or fired meanwhile."""
    patch.setattr(Timers, "after", lambda _self, _db, arrivals: arrivals)


def timer_on_the_old_state(patch: Patch) -> None:
    """A timer's reaction gets the state as it was when the timer was read, before the lock."""
    read, begin = Node._stored, Transactions.begin
    remembered: dict[str, dict[Ref, object]] = {}

    def reading(self: Node, origin: Any, *row: Any) -> Arrival:
        arrival = read(self, origin, *row)
        if origin == "timer":
            remembered[arrival.id] = dict(self.db.states)
        return arrival

    def beginning(
        self: Transactions, arrivals: Sequence[Arrival], source: Source, now: datetime, *, older: bool = False
    ) -> Work:
        if not isinstance(source, Timers):
            return begin(self, arrivals, source, now, older=older)
        fresh = self.db.states
        self.db.states = {**fresh, **remembered[arrivals[0].id]}
        try:
            return begin(self, arrivals, source, now, older=older)
        finally:
            self.db.states = fresh

    patch.setattr(Node, "_stored", reading)
    patch.setattr(Transactions, "begin", beginning)


def key_not_parked(patch: Patch) -> None:
    """A reaction failed, and what comes behind it goes on all the same."""
    real = decide._Taking._give_up

    def without_parking(self: decide._Taking, arrival: Arrival, ref: Ref | None, error: BaseException) -> None:
        real(self, arrival, ref, error)
        outcome = self.outcome
        outcome.dead[-1] = replace(outcome.dead[-1], parked=False)
        if ref is not None:
            outcome.parked.pop(ref, None)

    patch.setattr(decide._Taking, "_give_up", without_parking)


def release_twice(patch: Patch) -> None:
    """A cancelled order gives its pieces back, and still believes that it has them."""
    real = releasing.release

    def forgetful(turn: Turn[InventoryPolicy], kept: Reservation, order: OrderCancelled) -> Reservation:
        return replace(real(turn, kept, order), allocated=kept.allocated)

    patch.setattr(releasing, "release", forgetful)


def refund_above_capture(patch: Patch) -> None:
    """Who has cancelled gets a little more back than was taken."""
    patch.setattr(settlement, "Refund", lambda **asked: Refund(**{**asked, "amount": asked["amount"] + 1}))


def upcaster_dropped(patch: Patch) -> None:
    """Nobody turns the old form of a fact into the new one."""
    patch.setattr(registry, "_upcasters", {})


def content_ignored(patch: Patch) -> None:
    """Whatever comes under a used id is a repeat."""
    patch.setattr(sources, "same_content", lambda _one, _other: True)


def topic_left_out(patch: Patch) -> None:
    """An outsider's id is known by its source alone."""
    patch.setattr(
        sources, "_place", lambda arrival: (arrival.source, arrival.id, *[str(arrival.content)] * arrival.reused)
    )


def newer_state_written_back(patch: Patch) -> None:
    """An older process takes what a newer one wrote for its own."""
    read = Documents.read

    def blind(self: Documents, key: str, raw: str) -> object:
        return read(self, key, re.sub(r'^\{"v":[0-9]+,', "{", raw))

    patch.setattr(Documents, "read", blind)


DEFECTS: dict[str, Callable[[Patch], None]] = {
    defect.__name__: defect
    for defect in (
        no_inbox,
        no_locks,
        stock_without_a_lock,
        timer_that_was_cancelled,
        timer_on_the_old_state,
        key_not_parked,
        release_twice,
        refund_above_capture,
        upcaster_dropped,
        content_ignored,
        topic_left_out,
        newer_state_written_back,
    )
}


def install(name: str, patch: Patch) -> None:
    """Puts one defect in. The routes are made anew, for they hold the reactions."""
    services.routes.cache_clear()
    DEFECTS[name](patch)
