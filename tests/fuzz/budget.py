"""How much is tried, and from which seed. Both are set from outside, to repeat a run or to lengthen it."""

import os
from random import Random, SystemRandom

SEED = int(os.environ.get("FUZZ_SEED") or SystemRandom().randrange(1 << 32))
FACTOR = float(os.environ.get("FUZZ_FACTOR") or 1)


def records(count: int) -> int:
    """This many in an everyday run; `FUZZ_FACTOR` times as many in a longer one."""
    return int(count * FACTOR)


def drawn(of: str) -> Random:
    """Chance for one test; the same for the same seed, whichever tests run beside it."""
    return Random(f"{SEED} {of}")
