"""The same scenario is the same run: in this process, in another one, and whatever strings hash to there."""

import gc
import hashlib
import os
import subprocess
import sys
import weakref

from packhorse_simulation.run import lived
from packhorse_simulation.scenario import drawn
from packhorse_simulation.story import story

SEEDS = range(3, 7)


def digest() -> str:
    """Everything that a person could see of some runs."""
    return hashlib.sha256("".join(story(drawn(seed)) for seed in SEEDS).encode()).hexdigest()


def test_a_run_can_be_repeated() -> None:
    """Same seed, same story."""
    assert digest() == digest()


def test_a_run_can_be_repeated_elsewhere() -> None:
    """A seed from a colleague's machine shows the same here."""
    code = f"from tests.simulation.{__name__.rpartition('.')[2]} import digest; print(digest())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {digest() + "\n"}


def test_seeds_differ() -> None:
    """Another seed is another run."""
    assert len({len(lived(drawn(seed)).log.records()) for seed in SEEDS}) > 1


def test_a_world_comes_apart() -> None:
    """Thousands are lived through in one process, which doesn't look for circles."""
    world = lived(drawn(SEEDS[0]))
    log, orders = weakref.ref(world.log), weakref.ref(world.nodes["order"])
    databases = [weakref.ref(node.db) for node in world.nodes.values()]
    gc.disable()
    try:
        world.forget()
        del world
        assert (log(), orders()) == (None, None)
        assert [database() for database in databases] == [None] * 5
    finally:
        gc.enable()
