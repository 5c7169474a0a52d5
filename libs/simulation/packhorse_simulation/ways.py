"""Which status leads to which, as the simulation's orders live: `make diagrams` draws it on the services' pages.

A table of reactions says what follows from an input in each status, and not which status that leads to, for status is
derived. So it is looked up where it happens.
"""

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from packhorse_chassis.core.kinds import Kind
from packhorse_chassis.core.reaction import Cell
from packhorse_chassis.core.turn import Turn
from packhorse_contracts.base import Fact

from packhorse_simulation.run import lived
from packhorse_simulation.scenario import drawn
from packhorse_simulation.services import routes

_SEEDS: Final = 300
"""Scenarios that are lived. Later ones hardly ever show a way that none of these did."""

Ways = dict[tuple[str, str], set[str]]
"""The inputs that lead from one status to another."""


def ways(seeds: Iterable[int]) -> dict[tuple[str, str], Ways]:
    """By service and kind, of all kinds that have more than one status, in these scenarios. Changes the routes of this
    process: they tell from then on what they see."""
    found: dict[tuple[str, str], Ways] = {}
    for service, table in routes().items():
        for heard, route in table.by_input.items():
            if len(route.kind.statuses) > 1:
                seen = found.setdefault((service, route.kind.name), {})
                watched = {status: _Watched(cell, route.kind, seen) for status, cell in route.cells.items()}
                table.by_input[heard] = replace(route, cells=watched)
    for seed in seeds:
        lived(drawn(seed))
    return found


def diagram(found: Ways) -> str:
    """The ways as a Mermaid diagram."""
    lines = [
        f"    {before} --> {after}: {', '.join(sorted(inputs))}" for (before, after), inputs in sorted(found.items())
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def drawn_on(page: str) -> set[tuple[str, str]]:
    """The ways that a page's generated diagrams show."""
    parts = re.findall(r"<!-- generated: ways \w+ -->(.*?)<!-- end -->", page, re.DOTALL)
    return {(way[1], way[2]) for part in parts for way in re.finditer(r"^ *(\w+) --> (\w+):", part, re.MULTILINE)}


def main() -> int:
    """Draws the diagrams anew on each page that has a place for one; returns the exit code."""
    services = Path(__file__).parents[3] / "services"
    for (service, kind), found in ways(range(_SEEDS)).items():
        page = services / service / "README.md"
        begin, end = f"<!-- generated: ways {kind} -->\n", "<!-- end -->"
        text = page.read_text("utf-8")
        if begin in text:
            before, _, rest = text.partition(begin)
            page.write_text(before + begin + diagram(found) + rest[rest.index(end) :], "utf-8")
            sys.stdout.write(f"{page.relative_to(services.parent)}: {len(found)} ways of {kind}\n")
    return 0


class _Watched:
    """A cell that writes down where it leads."""

    def __init__(self, cell: Cell, kind: Kind[Any], seen: Ways) -> None:
        self.__name__ = cell.__name__
        self._react = partial(cell)
        self._kind, self._seen = kind, seen

    def __call__(self, turn: Turn[Any], state: Any, heard: Any) -> Any:
        after = self._react(turn, state, heard)
        way = self._kind.status(state), self._kind.status(after)
        if way[0] != way[1]:
            self._seen.setdefault(way, set()).add(_named(heard))
        return after


def _named(heard: object) -> str:
    if isinstance(heard, Fact):
        return heard.TYPE.removeprefix("packhorse.").rsplit(".v", 1)[0]
    return type(heard).__name__


if __name__ == "__main__":
    raise SystemExit(main())
