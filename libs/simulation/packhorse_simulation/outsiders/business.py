"""People who set policies: again, late, twice, and in two consoles at once."""

from random import Random
from typing import Any, Final

from packhorse_contracts.operations import OperationsPolicySet

from packhorse_simulation.outsiders.voice import Voice
from packhorse_simulation.scheduler import Scheduler

CONSOLE: Final = "/packhorse/console"
_WITHIN: Final = 4 * 3_600.0
"""Seconds in which all of them are set."""

_CHOICES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "order": ({"cut_off": "11:00"}, {"payment_deadline": "PT2H"}, {"grace": "P2D", "transit_days": {"express": 2}}),
    "payment": ({"ask_again_after": "PT3M"}, {"attempts": 5}, {"repeat_after": "PT6H", "ask_for": "PT10M"}),
    "inventory": ({"low_stock": 1}, {"explain_within": "PT3H"}),
    "shipping": ({"answer_within": "PT1H"}, {"express_priority": 9, "economy_priority": 0}),
    "notification": ({"fallback_language": "pl"}, {"patience": "P3D"}),
}


class Business:
    """Sets a few policies in the course of a run. Has chance of its own, so that no other choice depends on it."""

    def __init__(self, scheduler: Scheduler, voice: Voice, seed: int) -> None:
        self._scheduler, self._voice, self._random = scheduler, voice, Random(f"business {seed}")

    def open(self) -> None:
        """Plans what will be set."""
        for service, choices in _CHOICES.items():
            last = 0
            for _ in range(self._random.choice((0, 0, 1, 3))):
                # Two who look at one time set one version; a late one is older than what is in force.
                version = max(1, last + self._random.choice((1, 1, 1, 0, -1)))
                last = max(last, version)
                self._set(service, version, self._random.choice(choices))

    def _set(self, service: str, version: int, policy: dict[str, Any]) -> None:
        def say() -> None:
            at = self._scheduler.clock()
            self._voice.say(
                CONSOLE,
                OperationsPolicySet(
                    service=service, policy_version=version, at=at, policy=policy, by="simulation", why="to see"
                ),
                f"policy-{service}-{version}-{at.isoformat()}",
            )

        self._scheduler.at(self._random.random() * _WITHIN, say)
