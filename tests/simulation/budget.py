"""How much is tried, and from which seed. Both can be set from outside, to repeat a run or to lengthen it."""

import os

from packhorse_simulation.run import new_seed

SEED = int(os.environ.get("SIMULATION_SEED") or new_seed())
LIVES = int(os.environ.get("SIMULATION_LIVES") or 2_000)
