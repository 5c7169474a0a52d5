"""Defects as people make them, each put into the running code for as long as a test lasts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from packhorse_chassis import decide
from packhorse_chassis.inputs import Arrival
from packhorse_chassis.reaction import Decisions, Others, Ref, Routes
from packhorse_contracts import registry
from packhorse_contracts.order import OrderCancelled
from packhorse_inventory import reactions as inventory
from packhorse_inventory.policies import Policy
from packhorse_inventory.state import Reservation
from packhorse_payment import settlement
from packhorse_payment.operations import Refund
from packhorse_simulation import services
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

    def beginning(self: Transactions, arrivals: Sequence[Arrival], source: Source, now: datetime) -> Work:
        if not isinstance(source, Timers):
            return begin(self, arrivals, source, now)
        fresh = self.db.states
        self.db.states = {**fresh, **remembered[arrivals[0].id]}
        try:
            return begin(self, arrivals, source, now)
        finally:
            self.db.states = fresh

    patch.setattr(Node, "_stored", reading)
    patch.setattr(Transactions, "begin", beginning)


def key_not_parked(patch: Patch) -> None:
    """A reaction failed, and what comes behind it goes on all the same."""
    real = decide._give_up

    def without_parking(
        routes: Routes, outcome: decide.Outcome, arrival: Arrival, ref: Ref | None, *why: Any, **more: Any
    ) -> None:
        real(routes, outcome, arrival, ref, *why, **more)
        outcome.dead[-1] = replace(outcome.dead[-1], parked=False)
        if ref is not None:
            outcome.parked.discard(ref)

    patch.setattr(decide, "_give_up", without_parking)


def release_twice(patch: Patch) -> None:
    """A cancelled order gives its pieces back, and still believes that it has them."""
    real = inventory.release

    def forgetful(
        policy: Policy, kept: Reservation, order: OrderCancelled, now: datetime, others: Others
    ) -> Decisions[Reservation]:
        decided = real(policy, kept, order, now, others)
        return replace(decided, state=decided.state.model_copy(update={"allocated": kept.allocated}))

    patch.setattr(inventory, "release", forgetful)


def refund_above_capture(patch: Patch) -> None:
    """Who has cancelled gets a little more back than was taken."""
    patch.setattr(settlement, "Refund", lambda **asked: Refund(**{**asked, "amount": asked["amount"] + 1}))


def upcaster_dropped(patch: Patch) -> None:
    """Nobody turns the old form of a fact into the new one."""
    patch.setattr(registry, "_upcasters", {})


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
    )
}


def install(name: str, patch: Patch) -> None:
    """Puts one defect in. The routes are made anew, for they hold the reactions."""
    services.routes.cache_clear()
    DEFECTS[name](patch)
