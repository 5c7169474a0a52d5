"""No interleaving loses, doubles or overtakes: every reachable world of the protocol's model is looked at."""

from collections import deque

import pytest
from protocol_model import MUTANTS, BrokenError, Faults, Log, Model, Record, World

A1, A2, B1 = Record("1", "a"), Record("2", "a"), Record("3", "b")
ONE_PARTITION: Log = ((A1, B1),)
TWO_PARTITIONS: Log = ((A1, B1), (A2,))
"""Facts about one key also come over two partitions: those of two topics."""

ONE_KEY: Log = ((A1,), (A2,))

BREAKS = {
    "no inbox": (Faults(rebalances=1), "taken twice"),
    "offsets committed before the transaction": (Faults(crashes=1), "never taken"),
    "outbox id drawn before the lock": (Faults(), "the truth is"),
    "published before the commit": (Faults(), "is not true"),
    "a new key's state created without its lock": (Faults(), "is not true"),
    "relay cursor id > last": (Faults(), "was kept"),
    "two relays with SKIP LOCKED": (Faults(), "the truth is"),
}
"""The faults that it takes to show what is wrong with each mutant, and the promise that it breaks."""


def world(log: Log, faults: Faults) -> World:
    """The beginning: each process owns a partition, as far as there are enough."""
    zeros = (0,) * len(log)
    return World(log, faults, owners=tuple(range(len(log))), positions=zeros, offsets=zeros)


def explore(model: Model, start: World) -> int:
    """Looks at every world that can come of this one; gives their number. BrokenError tells the way to a bad one."""
    before: dict[World, tuple[World, str] | None] = {start: None}
    open_ = deque([start])
    while open_:
        here = open_.popleft()
        try:
            steps = list(model.protocol(here))
            if not steps:
                check_end(here)
            steps += model.faults(here)
        except BrokenError as broken:
            raise BrokenError(f"{broken}: {', '.join(way(before, here))}") from None
        for label, there in steps:
            if there not in before:
                before[there] = here, label
                open_.append(there)
    return len(before)


def check_end(end: World) -> None:
    """Where no process has anything left to do, everything was taken once and said in order."""
    for records in end.log:
        for record in records:
            if record.id not in dict(end.states).get(record.key, ()):
                raise BrokenError(f"{record} was never taken")
    if end.topic != end.states:
        raise BrokenError(f"{end.states} was kept, {end.topic} was said")
    if end.outbox:
        raise BrokenError(f"{end.outbox} is never published")


def way(before: dict[World, tuple[World, str] | None], to: World) -> list[str]:
    """The steps that lead to a world."""
    labels: list[str] = []
    while (came := before[to]) is not None:
        to, label = came
        labels.append(label)
    return labels[::-1]


@pytest.mark.parametrize(
    ("log", "faults"),
    [
        (TWO_PARTITIONS, Faults(crashes=1)),
        (TWO_PARTITIONS, Faults(rebalances=1)),
        (TWO_PARTITIONS, Faults(cuts=1)),
        (ONE_PARTITION, Faults(crashes=1, rebalances=1, cuts=1)),
        (ONE_PARTITION, Faults(rebalances=2)),
        (ONE_KEY, Faults(crashes=1, rebalances=1, cuts=1)),
    ],
    ids=["a crash", "a zombie", "two leaders", "all three", "a zombie comes back", "all three, one key"],
)
def test_nothing_is_lost_doubled_or_overtaken(log: Log, faults: Faults) -> None:
    """In no interleaving of the two processes, with these faults at any moment."""
    assert explore(Model(), world(log, faults)) > 5_000


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_model_tells_right_from_wrong(mutant: str) -> None:
    """Each part of the protocol is there for a reason: without it there is a way to break a promise."""
    faults, promise = BREAKS[mutant]
    with pytest.raises(BrokenError, match=promise):
        explore(Model(mutant), world(TWO_PARTITIONS, faults))


def test_every_mutant_is_tried() -> None:
    """None is forgotten."""
    assert BREAKS.keys() == MUTANTS.keys()
