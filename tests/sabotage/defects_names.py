"""Defects of names: facts that know their subject by an alias."""

from typing import Final

from .checks import CONTRACT
from .defect import Defect, Edit

_CHASSIS: Final = "libs/chassis/packhorse_chassis"
_DECIDE: Final = f"{_CHASSIS}/core/decide.py"

NAMES: Final = (
    Defect(
        "name_unknown_is_dropped",
        "A fact whose subject's name isn't known yet is passed over.",
        [
            Edit(
                _DECIDE,
                "            self.outcome.parked[at] = Queue()\n            self._queues(arrival, at)\n",
                "            pass\n",
            )
        ],
        [CONTRACT],
    ),
    Defect(
        "name_overtaken",
        "A fact goes before those that wait for its subject's name.",
        [
            Edit(
                _DECIDE,
                "        if self._queues(arrival, at):\n            return\n        ref = at\n",
                "        ref = at\n",
            )
        ],
        [CONTRACT],
    ),
    Defect(
        "name_waited_for_without_end",
        "What waits for a name that never comes is told to nobody.",
        [Edit(f"{_CHASSIS}/process/pump.py", 'arrival.overdue = row["overdue"]', "arrival.overdue = False")],
        [CONTRACT],
    ),
    Defect(
        "name_first_wins",
        "A name that led somewhere once leads there for ever: a tracking number that is used again.",
        [
            Edit(
                f"{_CHASSIS}/postgres/store.py",
                'ON CONFLICT (id) DO UPDATE SET state = excluded.state "',
                'ON CONFLICT (id) DO UPDATE SET state = t.state "',
            )
        ],
        [CONTRACT],
    ),
    Defect(
        "name_known_after_all_stays_dead",
        "What was given up for want of a name stays so, though it is known by now.",
        [Edit(f"{_CHASSIS}/process/pump.py", "SET status = 'retry', decided_at = now(), decided_by", "SET decided_by")],
        [CONTRACT],
    ),
)
