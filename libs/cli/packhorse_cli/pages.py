"""The generated parts of the pages: `python -m packhorse_cli.pages [--check]`.

Between markers in each README stand the service's table of reactions, its policy and its settings; in the project's
README, an order's story. All the rest is written by hand.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path

from packhorse_chassis.core.reaction import Cell, Ignored, Refused, Route, Routes
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Settings
from packhorse_contracts.base import Fact
from packhorse_contracts.lenient import Unsound
from packhorse_contracts.policies import POLICIES
from packhorse_devstack.places import project
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from packhorse_cli import example, order
from packhorse_cli import story as stories
from packhorse_cli.open_ends import OpenEnds
from packhorse_cli.output import Screen
from packhorse_cli.standing import standing
from packhorse_cli.system import SERVICES

_PART = "<!-- generated: {} -->\n{}<!-- end -->"


def main() -> int:
    """Writes what is stale, or with `--check` names it; returns the exit code."""
    stale = [(page, text) for page, text in _pages() if page.read_text("utf-8") != text]
    for page, text in stale:
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{page} is stale: run `make pages`\n")
        else:
            page.write_text(text, "utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


def _pages() -> Iterator[tuple[Path, str]]:
    for service in SERVICES:
        page = project() / "services" / service / "README.md"
        yield (
            page,
            fill(
                page.read_text("utf-8"),
                {"hears": hears(service), "policy": policy(service), "settings": settings(service)},
            ),
        )
    page = project() / "README.md"
    yield page, fill(page.read_text("utf-8"), {"story": story()})
    page = project() / "libs" / "chassis" / "README.md"
    yield page, fill(page.read_text("utf-8"), {"settings": _settings_table([Settings])})


def fill(page: str, parts: dict[str, str]) -> str:
    """The page with its generated parts as they should be. Raises ValueError where a marker is missing."""
    for name, text in parts.items():
        pattern = re.compile(_PART.format(re.escape(name), "(?:.*?)"), re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"the page has no part {name!r}: add <!-- generated: {name} --><!-- end -->")
        page = pattern.sub(lambda _, name=name, text=text: _PART.format(name, text), page)  # type: ignore[misc]
    return page


def story() -> str:
    """What `packhorse order` shows at 80 columns of an order that is picked short."""
    steps = stories.steps(stories.in_order(example.short()))
    stands = standing(step.fact for step in steps if step.fact is not None)
    here = Screen(80)
    lines = [*order.summary(example.ORDER, stands, OpenEnds(), here, example.BEGAN), "", *order.told(steps, here)]
    return "".join(f"{line}\n" for line in ["```", f"$ packhorse order {example.ORDER}", *lines, "```"])


def hears(service: str) -> str:
    """The service's table: for each input, and each status of what it is about, what follows."""
    rows = []
    for heard, route in sorted(_routes(service), key=lambda pair: _what(pair[0])):
        named, about = _what(heard), f"`{route.kind.name}`{_named_by(route)}"
        for statuses, cell in _cells(route):
            rows.append((named, about, statuses, *_follows(cell)))
            named = about = ""
    return _table(("hears", "about", "where that is", "follows", "what it does"), rows)


def policy(service: str) -> str:
    """A table of what a business tunes."""
    fields = POLICIES[service].model_fields.items()
    rows = [
        (f"`{name}`", _shown(field.default), (field.description or "").replace("|", "\\|")) for name, field in fields
    ]
    return _table(("field", "default", "meaning"), rows)


def _cells(route: Route) -> list[tuple[str, Cell]]:
    """The statuses that lead to one cell, together, in the order of the table."""
    groups: list[tuple[list[str], Cell]] = []
    for status, cell in route.cells.items():
        found = next((names for names, other in groups if other == cell), None)
        if found is None:
            groups.append(([status], cell))
        else:
            found.append(status)
    if len(groups) == 1:
        return [("–" if route.kind.statuses == ("",) else "anywhere", groups[0][1])]
    return [(", ".join(names), cell) for names, cell in groups]


def _follows(cell: Cell) -> tuple[str, str]:
    if isinstance(cell, Ignored):
        return "–", cell.why
    if isinstance(cell, Refused):
        return f"refused: `{cell.code}`", cell.message
    first = inspect.cleandoc(cell.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return f"`{cell.__name__}`", first.replace("|", "\\|")


def _named_by(route: Route) -> str:
    return "" if route.alias is None else f", by `{route.alias.name}`"


def settings(service: str) -> str:
    """A table of the service's own settings."""
    found: list[type[BaseSettings]] = []
    for name in ("settings", "service"):
        try:
            module = importlib.import_module(f"packhorse_{service}.{name}")
        except ModuleNotFoundError:
            continue
        found += [kind for _, kind in inspect.getmembers(module, _is_own_settings) if kind not in found]
    return _settings_table(found)


def _is_own_settings(kind: object) -> bool:
    own = (BaseSettings, Settings)
    return inspect.isclass(kind) and issubclass(kind, BaseSettings) and kind not in own


def _settings_table(kinds: list[type[BaseSettings]]) -> str:
    rows = []
    for kind in kinds:
        prefix = str(kind.model_config.get("env_prefix", ""))
        for name, field in kind.model_fields.items():
            variable = f"`{prefix.upper()}{name.upper()}`"
            rows.append((variable, _shown(field.default), (field.description or "").replace("|", "\\|")))
    return _table(("variable", "default", "meaning"), rows) if rows else ""


def _shown(default: object) -> str:
    if default is None:
        return "–"
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, SecretStr):
        return f"`{default.get_secret_value()}`"
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g} s"
    if isinstance(default, dict):
        return ", ".join(f"{name} {value}" for name, value in default.items())
    return f"`{default.value if isinstance(default, Enum) else default}`"


def _routes(service: str) -> list[tuple[type, Route]]:
    module = importlib.import_module(f"packhorse_{service}.service")
    build: Callable[..., Service] = module.build
    parameters = inspect.signature(build).parameters.values()
    needs = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    built = build(*(parameter.annotation() for parameter in needs))
    routes: Routes = built.routes
    return list(routes.by_input.items())


def _what(heard: type) -> str:
    if issubclass(heard, Fact):
        named = f"`{heard.TYPE.removeprefix('packhorse.').rsplit('.v', 1)[0]}`"
        return f"{named} that breaks its contract" if issubclass(heard, Unsound) else named
    return f"its own `{heard.__name__}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
