"""How policies are shown: to people, and to programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packhorse_cli.output import say, say_json, say_rows, screen
from packhorse_cli.table import Column, plain, wrapped

if TYPE_CHECKING:
    from packhorse_cli.policy_file import Fault
    from packhorse_cli.policy_versions import Change, Version


def say_headline(version: "Version") -> None:
    """Whose policy, which version, since when, by whom and why."""
    told = f"{version.service}: version {version.number}"
    if version.at is None:
        told += ", the defaults"
    else:
        why = f": {version.why}" if version.why else ""
        told += f", since {version.at:%Y-%m-%d %H:%M:%S} UTC, by {version.by}{why}"
    for line in wrapped(told, screen().width or len(told)):
        say(plain(line), "bold")


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of what is in force."""

    name: str
    value: str
    state: str
    usual: str | None
    meaning: str | None
    version: "Version"


def rows(version: "Version") -> list[Shown]:
    """All fields of a version."""
    from packhorse_contracts.policies import POLICIES

    from packhorse_cli.policy_versions import every_value, told

    usual, fields = every_value(version.service, {}), POLICIES[version.service].model_fields
    shown = []
    for name, value in version.values.items():
        is_set = name in (version.policy or {})
        meaning = fields[name].description if name in fields else "this release doesn't know it"
        by_default = told(usual.get(name)) if is_set else None
        shown.append(Shown(name, told(value), "set" if is_set else "default", by_default, meaning, version))
    return shown


SHORT: list[Column[Shown]] = [
    Column("field", lambda row: row.name),
    Column("value", lambda row: row.value, least=8),
    Column("is", lambda row: row.state),
    Column("default", lambda row: row.usual, least=7, spare=2),
    Column("meaning", lambda row: row.meaning, least=20, spare=1, cut="end"),
]
FIELDS: list[Column[Shown]] = [
    Column("service", lambda row: row.version.service),
    Column("field", lambda row: row.name),
    Column("value", lambda row: row.value),
    Column("is", lambda row: row.state),
    Column("version", lambda row: row.version.number),
    Column("since", lambda row: row.version.at),
    Column("by", lambda row: row.version.by),
    Column("why", lambda row: row.version.why),
]
VERSIONS: "list[Column[tuple[Version, list[Change]]]]" = [
    Column("version", lambda row: row[0].number),
    Column("at (UTC)", lambda row: row[0].at),
    Column("by", lambda row: row[0].by, least=6, spare=2),
    Column("state", lambda row: row[0].fate, spare=1),
    Column("what changed", lambda row: _what(row[1]) or row[0].refusal or "nothing", least=24, cut="end"),
    Column("why", lambda row: row[0].why, least=12, spare=3, cut="end"),
]
COLOURS: Final = {"in force": "green", "refused": "red"}
_FAULTS: "list[Column[tuple[Path, Fault]]]" = [
    Column("file", lambda row: row[0]),
    Column("line", lambda row: row[1].line),
    Column("column", lambda row: row[1].column),
    Column("field", lambda row: row[1].field),
    Column("wrong", lambda row: row[1].wrong),
    Column("right", lambda row: row[1].right),
]


def _what(changed: "Sequence[Change]") -> str:
    from packhorse_cli.policy_versions import told

    return "; ".join(f"{one.field}: {told(one.before)} → {told(one.after)}" for one in changed)


def plainly(change: "Change") -> Mapping[str, object]:
    """For programs."""
    return {"field": change.field, "before": change.before, "after": change.after, "default": change.usual}


def document(version: "Version") -> dict[str, object]:
    """A version, for programs."""
    return {
        "service": version.service,
        "version": version.number,
        "at": None if version.at is None else plain(version.at),
        "by": version.by,
        "why": version.why,
        "policy": version.values,
        "set": version.policy or {},
        **({"refusal": version.refusal} if version.refusal else {}),
    }


def say_changes(changed: "Sequence[Change]", *, wide: bool, as_json: bool) -> None:
    """What differs from what is in force."""
    from packhorse_cli.policy_versions import told

    columns: list[Column[Change]] = [
        Column("field", lambda one: one.field),
        Column("in force", lambda one: told(one.before), least=10),
        Column("by the file", lambda one: told(one.after), least=10),
        Column("default", lambda one: told(one.usual), least=7, spare=1),
    ]
    if as_json:
        for one in changed:
            say_json(plainly(one))
    else:
        say_rows(columns, changed, wide=wide)


def say_faults(file: Path, faults: "Sequence[Fault]", *, wide: bool, as_json: bool) -> None:
    """All that is wrong with a file."""
    width = screen().width
    for one in faults:
        if as_json:
            told = {"line": one.line, "column": one.column, "field": one.field, "wrong": one.wrong, "right": one.right}
            say_json({"file": str(file), **told})
        elif width is not None:
            name = f"{one.field}: " if one.field else ""
            line = f"{file}:{one.line}:{one.column}: {name}{one.wrong}; right would be {one.right}"
            for part in [line] if wide else wrapped(line, width):
                say(plain(part), "red")
    if not as_json and width is None:
        say_rows(_FAULTS, [(file, one) for one in faults])
