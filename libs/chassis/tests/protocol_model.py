"""The protocol between broker, database and topic as a small model, to be searched in every interleaving.

Two processes of one service, each with a consumer (`batch.py`) and a relay (`relay.py`), share one database. One step
here is what happens at once there: a statement, a commit, one record sent. Steps of both processes mix in any order,
and between any two a process may crash, a partition may change its owner, the leader's connection may be cut.

Left out, because nothing hangs on it: what facts contain, effects, dead letters. Every record leads to one fact.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

STEPS: Final = ("claim", "lock", "draw", "commit", "offsets")
"""A batch's way after its poll."""

MUTANTS: Final[dict[str, tuple[str, ...]]] = {
    "no inbox": ("lock", "draw", "commit", "offsets"),
    "offsets committed before the transaction": ("offsets", "claim", "lock", "draw", "commit"),
    "outbox id drawn before the lock": ("claim", "draw", "lock", "commit", "offsets"),
    "published before the commit": ("claim", "lock", "draw", "publish", "commit", "offsets"),
    "a new key's state created without its lock": STEPS,
    "relay cursor id > last": STEPS,
    "two relays with SKIP LOCKED": STEPS,
}
"""Ways to get it wrong, and the way of a batch in each."""

RELAY_ROWS: Final = 2
Key = str
T = TypeVar("T")


class Record(NamedTuple):
    """An inbound record. Its id is what the inbox knows it by."""

    id: str
    key: Key


Log = tuple[tuple[Record, ...], ...]
"""By partition: what was said, in order."""


class Row(NamedTuple):
    """An outbound fact in the outbox: the id that was drawn for it, its key, its number within the key, its cause."""

    id: int
    key: Key
    sequence: int
    cause: str


class Consumer(NamedTuple):
    """One process's batch: where it stands, and what its transaction holds until it commits."""

    step: str = "poll"
    partition: int = 0
    batch: tuple[Record, ...] = ()
    tried: int = 0
    """Records of the batch that the inbox was asked about."""

    claimed: tuple[Record, ...] = ()
    locked: frozenset[Key] = frozenset()
    seen: tuple[tuple[Key, tuple[str, ...]], ...] = ()
    """States as they were read: the causes that a key was changed by, in order."""

    drawn: tuple[int, ...] = ()


class Relay(NamedTuple):
    """One process's relay: the rows that it read, and how many of them it has sent."""

    rows: tuple[Row, ...] = ()
    sent: int = 0
    cut: bool = False
    """Its connection is gone, and with it the lock; it doesn't know yet."""

    last: int = 0
    """The highest id it sent; only a mutant looks at it."""


class Faults(NamedTuple):
    """How many may still happen."""

    crashes: int = 0
    rebalances: int = 0
    cuts: int = 0


class World(NamedTuple):
    """Everything there is. What is in memory of a process is in `consumers` and `relays`, the rest survives it."""

    log: Log
    faults: Faults
    owners: tuple[int, ...]
    """By partition: the process that polls it."""

    positions: tuple[int, ...]
    """By partition: where its owner polls next."""

    offsets: tuple[int, ...]
    consumers: tuple[Consumer, ...] = (Consumer(), Consumer())
    relays: tuple[Relay, ...] = (Relay(), Relay())
    leader: int | None = None
    inbox: frozenset[str] = frozenset()
    states: tuple[tuple[Key, tuple[str, ...]], ...] = ()
    outbox: tuple[Row, ...] = ()
    topic: tuple[tuple[Key, tuple[str, ...]], ...] = ()
    """By key: the causes of what readers took, each fact once: a repeat is recognised by its id."""


class BrokenError(Exception):
    """A promise is broken."""


Next = tuple[str, World]


class Model:
    """The steps that are possible in a world; those of a mutant where one is named."""

    def __init__(self, mutant: str | None = None) -> None:
        self.mutant = mutant
        self.steps = STEPS if mutant is None else MUTANTS[mutant]

    def protocol(self, world: World) -> Iterator[Next]:
        """What the processes do by themselves."""
        for me, consumer in enumerate(world.consumers):
            for after in getattr(self, consumer.step)(world, me, consumer):
                yield f"{me}: {consumer.step}", after
        for me, relay in enumerate(world.relays):
            step = self.read if not relay.rows else self.send if relay.sent < len(relay.rows) else self.delete
            for after in step(world, me, relay):
                yield f"{me}: {step.__name__}", after

    def faults(self, world: World) -> Iterator[Next]:
        """What befalls them."""
        left = world.faults
        for me in range(2):
            if left.crashes:
                after = world._replace(faults=left._replace(crashes=left.crashes - 1))
                yield f"{me}: crash", _crashed(after, me)
            if left.cuts and world.leader == me:
                after = world._replace(faults=left._replace(cuts=left.cuts - 1), leader=None)
                yield f"{me}: cut", _with_relay(after, me, world.relays[me]._replace(cut=True))
        if left.rebalances:
            for partition, owner in enumerate(world.owners):
                # The old owner isn't asked: it may be frozen, and go on with its batch as a zombie.
                after = world._replace(
                    faults=left._replace(rebalances=left.rebalances - 1),
                    owners=_put(world.owners, partition, 1 - owner),
                    positions=_put(world.positions, partition, world.offsets[partition]),
                )
                yield f"rebalance {partition}", after

    # A batch, as in batch.py and source.py.

    def poll(self, world: World, me: int, _: Consumer) -> Iterator[World]:
        """Takes one record or more of a partition from its position on."""
        for partition, owner in enumerate(world.owners):
            begin, log = world.positions[partition], world.log[partition]
            for end in range(begin + 1, len(log) + 1) if owner == me else ():
                after = world._replace(positions=_put(world.positions, partition, end))
                batch = log[begin:end]
                claimed = () if "claim" in self.steps else batch
                yield _with(after, me, Consumer(self.steps[0], partition, batch, claimed=claimed))

    def claim(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """INSERT INTO inbox, in order of the ids; waits for a rival that has inserted the same and not committed."""
        ordered = sorted(consumer.batch)
        if consumer.tried == len(ordered):
            if consumer.claimed:
                yield self._go_on(world, me, consumer)
            else:
                yield self._skip_to_offsets(world, me, consumer)
            return
        record = ordered[consumer.tried]
        if record in world.consumers[1 - me].claimed:
            return
        new = (record,) if record.id not in world.inbox else ()
        yield _with(world, me, consumer._replace(tried=consumer.tried + 1, claimed=consumer.claimed + new))

    def lock(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """SELECT … FOR UPDATE, in order of the keys; a key without a state gets an empty one, and its lock."""
        seen, states = dict(consumer.seen), dict(world.states)
        wanted = sorted({record.key for record in consumer.claimed} - seen.keys())
        if not wanted:
            yield self._go_on(world, me, consumer)
            return
        key = wanted[0]
        unlocked = self.mutant == "a new key's state created without its lock" and key not in states
        if not unlocked and key in world.consumers[1 - me].locked:
            return
        seen[key] = states.get(key, ())
        locked = consumer.locked if unlocked else consumer.locked | {key}
        yield _with(world, me, consumer._replace(locked=locked, seen=tuple(sorted(seen.items()))))

    def draw(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """INSERT INTO outbox draws the ids: higher than all before, visible with the commit."""
        used = [row.id for row in world.outbox] + [id_ for other in world.consumers for id_ in other.drawn]
        used += [row.id for relay in world.relays for row in relay.rows] + [relay.last for relay in world.relays]
        first = max(used, default=0) + 1
        drawn = tuple(range(first, first + len(consumer.claimed)))
        yield self._go_on(world, me, consumer._replace(drawn=drawn))

    def publish(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """Only a mutant does: says it at once."""
        after = world
        for row in _rows(consumer):
            after = _said(after, row)
        yield self._go_on(after, me, consumer)

    def commit(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """Everything becomes true at once, and the locks go."""
        states = dict(world.states)
        for key, history in consumer.seen:
            added = tuple(record.id for record in consumer.claimed if record.key == key)
            if set(added) & set(states.get(key, ())):
                raise BrokenError(f"{added} was taken twice")
            states[key] = history + added
        rows = () if "publish" in self.steps else _rows(consumer)
        after = world._replace(
            states=tuple(sorted(states.items())),
            outbox=tuple(sorted(world.outbox + rows)),
            inbox=world.inbox | {record.id for record in consumer.claimed} if "claim" in self.steps else world.inbox,
        )
        yield self._go_on(after, me, Consumer(consumer.step, consumer.partition, consumer.batch))

    def offsets(self, world: World, me: int, consumer: Consumer) -> Iterator[World]:
        """Commits to the broker, or leaves it for later: once a second is enough. The broker may refuse it to who is no
        longer the owner, or may not."""
        end = world.log[consumer.partition].index(consumer.batch[-1]) + 1
        after = self._go_on(world, me, consumer)
        yield after._replace(offsets=_put(world.offsets, consumer.partition, end))
        yield after

    def _go_on(self, world: World, me: int, consumer: Consumer) -> World:
        at = self.steps.index(consumer.step) + 1
        if at == len(self.steps):
            return _with(world, me, Consumer())
        return _with(world, me, consumer._replace(step=self.steps[at]))

    def _skip_to_offsets(self, world: World, me: int, consumer: Consumer) -> World:
        """Nothing is new: an empty transaction."""
        if self.steps[-1] != "offsets":
            return _with(world, me, Consumer())
        return _with(world, me, Consumer("offsets", consumer.partition, consumer.batch))

    # Publishing, as in relay.py.

    def read(self, world: World, me: int, relay: Relay) -> Iterator[World]:
        """Takes the lead where nobody has it, and reads unsent rows in order of their ids."""
        skip_locked = self.mutant == "two relays with SKIP LOCKED"
        if not skip_locked and world.leader not in (None, me):
            return
        rows = [row for row in world.outbox if not skip_locked or row not in world.relays[1 - me].rows]
        if self.mutant == "relay cursor id > last":
            rows = [row for row in rows if row.id > relay.last]
        if rows:
            after = world if skip_locked else world._replace(leader=me)
            yield _with_relay(after, me, relay._replace(rows=tuple(rows[:RELAY_ROWS]), sent=0))

    def send(self, world: World, me: int, relay: Relay) -> Iterator[World]:
        """The next row to the topic; also where the connection, and the lead, are gone by now."""
        row = relay.rows[relay.sent]
        last = row.id if self.mutant == "relay cursor id > last" else 0
        yield _with_relay(_said(world, row), me, relay._replace(sent=relay.sent + 1, last=last))

    def delete(self, world: World, me: int, relay: Relay) -> Iterator[World]:
        """DELETE on the connection that holds the lock; fails where that is gone, and the relay begins anew."""
        kept = world.outbox if relay.cut else tuple(row for row in world.outbox if row not in relay.rows)
        yield _with_relay(world._replace(outbox=kept), me, Relay(last=relay.last))


def _rows(consumer: Consumer) -> tuple[Row, ...]:
    numbers = {key: len(history) for key, history in consumer.seen}
    rows = []
    for drawn, record in zip(consumer.drawn, consumer.claimed, strict=True):
        numbers[record.key] += 1
        rows.append(Row(drawn, record.key, numbers[record.key], record.id))
    return tuple(rows)


def _said(world: World, row: Row) -> World:
    """A fact reaches the topic. Readers drop what they know; of what they don't, the order must be right."""
    history, topic = dict(world.states).get(row.key, ()), dict(world.topic)
    if row.cause not in history:
        raise BrokenError(f"{row} is said, and is not true")
    heard = topic.get(row.key, ())
    if row.cause in heard and heard.index(row.cause) == row.sequence - 1:
        return world
    if history[: len(heard) + 1] != (*heard, row.cause) or row.sequence != len(heard) + 1:
        raise BrokenError(f"{row} after {heard}: the truth is {history}")
    topic[row.key] = (*heard, row.cause)
    return world._replace(topic=tuple(sorted(topic.items())))


def _crashed(world: World, me: int) -> World:
    """Gone is what was in memory, and the transaction; another process starts in its place from the offsets."""
    positions = tuple(
        world.offsets[partition] if owner == me else world.positions[partition]
        for partition, owner in enumerate(world.owners)
    )
    leader = None if world.leader == me else world.leader
    return _with_relay(_with(world._replace(positions=positions, leader=leader), me, Consumer()), me, Relay())


def _with(world: World, me: int, consumer: Consumer) -> World:
    return world._replace(consumers=_put(world.consumers, me, consumer))


def _with_relay(world: World, me: int, relay: Relay) -> World:
    return world._replace(relays=_put(world.relays, me, relay))


def _put(values: tuple[T, ...], at: int, value: T) -> tuple[T, ...]:
    return (*values[:at], value, *values[at + 1 :])
