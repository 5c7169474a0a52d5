"""Who runs beside whom, and when, where tests run side by side (`-n 4 --dist loadgroup`).

The tests of a file share what it has set up: they stay together on one worker, in their order. The files that last
longest begin first, else the run would end with one worker at work and the others idle. How long each lasts is known
from the last run (in pytest's own cache); of those that are new, what starts something of its own goes first, then what
needs the servers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

ONE_SYSTEM: Final = "tests/endtoend"
"""A folder whose files share one running system."""

_CACHE: Final = "packhorse/seconds"
_WIDE: Final = {"session", "package", "module"}


class _Node(Protocol):
    """A worker, as the controller knows it."""

    config: pytest.Config
    workerinput: dict[str, object]


def together(test: str) -> str:
    """What a test stays together with: equal for those that need the same worker."""
    return ONE_SYSTEM if test.startswith(f"{ONE_SYSTEM}/") else test.partition("::")[0]


class Seconds:
    """How long all that stays together lasts; kept by the process that the workers tell."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setting up, the test itself, tearing down."""
        self._seconds[together(report.nodeid)] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """For the next run."""
        if cache := _cache(session.config):
            lasted = {group: round(seconds, 1) for group, seconds in self._seconds.items()}
            cache.set(_CACHE, {**cache.get(_CACHE, {}), **lasted})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadScopeScheduling | None":
    """Not by marks of a group: under pytest 9.2 xdist 3.8 overlooks them, and says nothing."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    config.pluginmanager.register(Seconds())
    config.option.loadscopereorder = False  # it would begin with the file of most tests
    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = together
    return scheduling


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """All workers have to collect in one order: they are told, and don't look for themselves."""
    cache = _cache(node.config)
    node.workerinput["seconds"] = cache.get(_CACHE, {}) if cache else {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first; but a process alone keeps the order of the files."""
    worker: Mapping[str, Mapping[str, float]] | None = getattr(config, "workerinput", None)
    if worker is None:
        return
    groups: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[together(item.nodeid)].append(item)
    known = worker["seconds"]
    longest = sorted(groups, key=lambda group: -known.get(group, _guess(groups[group])))
    items[:] = [item for group in longest for item in groups[group]]


def _cache(config: pytest.Config) -> pytest.Cache | None:
    """None where it is switched off."""
    return getattr(config, "cache", None)


def _guess(items: Sequence[pytest.Item]) -> float:
    """Seconds that what never ran here may last."""
    tests = [item for item in items if isinstance(item, pytest.Function)]
    own = any(
        definition.scope in _WIDE and definition.baseid  # of a module or conftest.py, not of a plugin
        for test in tests
        for definitions in test._fixtureinfo.name2fixturedefs.values()
        for definition in definitions
    )
    return 60 * own + 2 * sum("stack" in test.fixturenames for test in tests) + 0.01 * len(items)
