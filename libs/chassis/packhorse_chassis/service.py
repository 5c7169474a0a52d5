"""What a service is: its routes, its tables, and how it reaches the outside. `run.run` makes a process of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packhorse_contracts import topics

from packhorse_chassis.core.effect import Performer
from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.postgres.store import Journal


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that the chassis needs to know of a service.

    `performers` maps each effect's request class to who performs it; called once, inside the running event loop.
    `migrations` is the folder of numbered SQL files. `queries` reckon the tallies of its routes, by name.
    """

    routes: Routes
    migrations: Path
    journals: Sequence[Journal] = ()
    queries: Mapping[str, str] = field(default_factory=dict)
    performers: Callable[[], Mapping[type[Internal], Performer[Any, Internal]]] = dict

    @property
    def name(self) -> str:
        """The service's name: its consumer group, its database, and the source of what it says."""
        return self.routes.service

    @property
    def topics(self) -> set[str]:
        """All that it needs: what it hears, its dead letters, and what it says."""
        heard = set(self.routes.topics)
        dead = {topics.dead_letters(topic, self.name) for topic in heard}
        return heard | dead | {topic.name for topic in topics.ALL.values() if self.name in topic.writers}
