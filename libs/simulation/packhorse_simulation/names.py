"""What waits for its subject's name: the in-memory twin of what the chassis's pump does about aliases."""

from collections.abc import Callable
from functools import partial

from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref

from packhorse_simulation.database import Database
from packhorse_simulation.scheduler import Scheduler
from packhorse_simulation.sources import Known
from packhorse_simulation.transaction import Work

_EVERY = 1.0
"""Seconds between two looks."""


class Names:
    """Looks, while anything waits, which names are known by now, and what has waited for too long."""

    def __init__(
        self,
        scheduler: Scheduler,
        db: Database,
        take: Callable[[list[Arrival], Known], None],
        again: Callable[[Arrival], Arrival],
        retry: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`take` runs a batch; `again` reads an input anew; `retry` has a dead letter tried again; `clock` is how far
        the database's clock is wrong, in seconds."""
        self._scheduler, self._db, self._take, self._again, self._retry = scheduler, db, take, again, retry
        self._clock = clock
        self._aliases = {alias.name: alias for alias in db.routes.aliases}
        self._looking = False

    def follow(self, work: Work) -> None:
        """After a commit."""
        if self._aliases and (self._db.unnamed or self._db.nameless):
            self._plan()

    def _plan(self) -> None:
        if not self._looking:
            self._looking = True
            self._scheduler.after(0.01, _EVERY, self._look)

    def _look(self) -> None:
        self._looking = False
        now = self._scheduler.clock(self._clock())
        for ref, since in list(self._db.unnamed.items()):
            overdue = since + self._aliases[ref.kind].patience < now
            if overdue or self._known(ref):
                self._work_off(ref, overdue=overdue)
        for letter, ref in list(self._db.nameless.items()):
            if self._db.dead[letter].status != "open":
                del self._db.nameless[letter]
            elif self._known(ref):
                self._scheduler.soon(partial(self._retry, letter))
        if self._db.unnamed:
            self._looking = True
            self._scheduler.after(_EVERY, 600.0, self._look)

    def _known(self, ref: Ref) -> bool:
        return bool(self._aliases[ref.kind].leads_to(self._db.load(ref)))

    def _work_off(self, ref: Ref, *, overdue: bool) -> None:
        waiting = []
        for number, (address, arrival) in self._db.waiting.items():
            if address == ref:
                again = self._again(arrival)
                again.waiting, again.overdue = number, overdue
                waiting.append(again)
        if waiting:
            self._take(waiting, Known(ref))
