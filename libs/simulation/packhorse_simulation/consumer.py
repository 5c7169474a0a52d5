"""The consumer group of one service: owners of partitions, their positions, and the offsets that they commit.

An owner handles one batch at a time. When it dies, or the group is rebalanced, its partitions go to a successor who
begins at the committed offsets. The old owner may not know: it goes on with its batch, as a zombie.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log, Place, Record
from packhorse_simulation.scheduler import Scheduler

MOST: Final = 60
"""Records of a partition in one batch."""

Done = Callable[["Fate"], None]
Handle = Callable[[list[Record], Done], None]


class Fate(Enum):
    """How a batch ended."""

    COMMITTED = auto()
    KILLED = auto()


class Owner:
    """One process as the group sees it. `lagging` are its partitions with something to read."""

    __slots__ = ("busy", "current", "lagging", "planned", "position", "ready_at")

    def __init__(self, ready_at: float) -> None:
        self.position: dict[Place, int] = {}
        self.lagging: dict[Place, None] = {}
        self.busy = self.planned = False
        self.current = True
        self.ready_at = ready_at


class Group:
    """The owners of all partitions that a service reads. `handle` takes a batch and says how it ended."""

    def __init__(
        self,
        scheduler: Scheduler,
        log: Log,
        chance: Chance,
        service: str,
        topics: list[str],
        handle: Handle,
        members: int = 2,
    ) -> None:
        self._scheduler, self._log, self._chance, self._handle = scheduler, log, chance, handle
        self.places = [place for place in log.partitions if place[0] in topics]
        self.committed: dict[Place, int] = dict.fromkeys(self.places, 0)
        self._asleep: dict[Place, float] = {}
        self._owner: dict[Place, Owner] = {}
        self._service, self._members = service, members
        self._lags = chance.threatens("a partition lags behind")
        self._assign(0.0)
        log.subscribe(topics, self._told)

    @property
    def lag(self) -> int:
        """Records that nobody has read yet, or that somebody is still at."""
        return sum(
            len(self._log.partitions[place]) - (self.committed[place] if owner.busy else owner.position[place])
            for place, owner in self._owner.items()
        )

    def _assign(self, ready_at: float) -> None:
        """Deals all partitions out anew; every owner begins at the committed offsets."""
        for owner in self._owner.values():
            owner.current = False
        owners = [Owner(ready_at) for _ in range(self._members)]
        for number, place in enumerate(self.places):
            self._give(place, owners[number % self._members])

    def _give(self, place: Place, owner: Owner) -> None:
        self._owner[place] = owner
        owner.position[place] = self.committed[place]
        if self.committed[place] < len(self._log.partitions[place]):
            owner.lagging[place] = None
            self._plan(owner)

    def _told(self, place: Place) -> None:
        if self._lags and self._chance.strikes("a partition lags behind", f"{self._service} at {place[0]}-{place[1]}"):
            until = self._scheduler.now + self._scheduler.random.choice((2.0, 60.0, 900.0)) * (
                self._scheduler.random.random()
            )
            self._asleep[place] = until
            self._scheduler.at(until, lambda: self._wake(place))
        owner = self._owner[place]
        owner.lagging[place] = None
        self._plan(owner)

    def _wake(self, place: Place) -> None:
        owner = self._owner[place]
        if owner.lagging:
            self._plan(owner)

    def _plan(self, owner: Owner) -> None:
        if owner.planned or owner.busy:
            return
        owner.planned = True
        if owner.ready_at > self._scheduler.now:
            self._scheduler.at(owner.ready_at, lambda: self._poll(owner))
        else:
            self._scheduler.soon(lambda: self._poll(owner))

    def _poll(self, owner: Owner) -> None:
        owner.planned = False
        if owner.busy or not owner.current:
            return
        if self._chance.strikes("the group is rebalanced", self._service):
            self._assign(self._scheduler.now + 3 * self._scheduler.random.random())
            return
        records = self._fetch(owner)
        if not records:
            return
        owner.busy = True
        position = dict(owner.position)
        if self._chance.strikes("a zombie goes on with its batch", self._service):
            self._assign(self._scheduler.now)
            self._scheduler.after(0.1, 60.0, lambda: self._handle(records, lambda fate: None))
            return
        self._handle(records, lambda fate: self._ended(owner, position, fate))

    def _fetch(self, owner: Owner) -> list[Record]:
        records: list[Record] = []
        now = self._scheduler.now
        places = list(owner.lagging)
        if len(places) > 1:
            self._scheduler.random.shuffle(places)
        for place in places:
            if self._asleep and self._asleep.get(place, 0.0) > now and not self._chance.healed:
                continue
            lane, position = self._log.partitions[place], owner.position[place]
            end = min(len(lane), position + MOST)
            records.extend(lane[position:end])
            owner.position[place] = end
            if end == len(lane):
                del owner.lagging[place]
        return records

    def _ended(self, owner: Owner, position: dict[Place, int], fate: Fate) -> None:
        owner.busy = False
        if fate is Fate.KILLED or self._chance.strikes("killed after the commit, before the offsets", self._service):
            self._succeed(owner)
            return
        if not owner.current:
            return
        if not self._chance.strikes("the offsets' commit is lost", self._service):
            self.committed.update(position)
        if owner.lagging:
            self._plan(owner)

    def _succeed(self, owner: Owner) -> None:
        """Its supervisor starts it again: the same partitions, from the committed offsets."""
        if not owner.current:
            return
        owner.current = False
        heir = Owner(self._scheduler.now + 0.5 + 10 * self._scheduler.random.random())
        for place in owner.position:
            self._give(place, heir)
