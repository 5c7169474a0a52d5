"""Who runs beside whom, and when, where tests run side by side (`-n 4 --dist loadgroup`).

The tests of a file share what it has set up: they stay together on one worker, in their order. The groups that last
longest begin first, else the run would end with one worker at work and the others idle. How long each lasts is known
from the last run (in pytest's own cache); of those that are new, what starts something of its own goes first, then what
needs the servers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import pytest

_CACHE: Final = "packhorse/seconds"
_WIDE: Final = {"session", "package", "module"}


class _Node(Protocol):
    """A worker, as the controller knows it."""

    config: pytest.Config
    workerinput: dict[str, object]


class Seconds:
    """How long each group lasts; kept by the process that the workers tell."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setting up, the test itself, tearing down. xdist writes the group behind the test's id."""
        self._seconds[report.nodeid.rpartition("@")[2]] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """For the next run."""
        if (cache := session.config.cache) is not None:
            known: Mapping[str, float] = cache.get(_CACHE, {})
            cache.set(_CACHE, {**known, **{group: round(seconds, 1) for group, seconds in self._seconds.items()}})


def pytest_configure(config: pytest.Config) -> None:
    """xdist itself would begin with the group of most tests."""
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.option.loadscopereorder = False
        config.pluginmanager.register(Seconds(), "packhorse-seconds")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """All workers have to collect in one order: they are told, and don't look for themselves."""
    node.workerinput["seconds"] = node.config.cache.get(_CACHE, {}) if node.config.cache is not None else {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups, and their order; a process alone keeps the order of the files.

    xdist reads the groups in this very hook: what is marked after it counts for nothing. A conftest.py that marks some
    tests itself says `tryfirst` as well, and then comes before.
    """
    groups: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        marker = item.get_closest_marker("xdist_group")
        group = item.nodeid.partition("::")[0] if marker is None else marker.args[0]
        if marker is None:
            item.add_marker(pytest.mark.xdist_group(group))
        groups[group].append(item)
    worker: Mapping[str, Mapping[str, float]] | None = getattr(config, "workerinput", None)
    if worker is not None:
        known = worker["seconds"]
        longest = sorted(groups, key=lambda group: -known.get(group, _guess(groups[group])))
        items[:] = [item for group in longest for item in groups[group]]


def _guess(items: Sequence[pytest.Item]) -> float:
    """Seconds that a group may last which never ran here."""
    own = any(
        definition.scope in _WIDE and definition.baseid  # of a module or conftest.py, not of a plugin
        for item in items
        if isinstance(item, pytest.Function)
        for definitions in item._fixtureinfo.name2fixturedefs.values()
        for definition in definitions
    )
    on_servers = sum("stack" in item.fixturenames for item in items if isinstance(item, pytest.Function))
    return 60 * own + 2 * on_servers + 0.01 * len(items)
