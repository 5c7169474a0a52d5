"""The records of releases, as files: `<release>/<service>.json`, and `<release>/facts.json`."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packhorse_chassis.core.kinds import Kind
from packhorse_simulation.services import routes
from pydantic import TypeAdapter

from .samples import Samples, Shelf, collected

HERE: Final = Path(__file__).parent
_PARTS: Final = ("states", "timers", "requests", "answers")


@dataclass(frozen=True, slots=True)
class Release:
    """What one release has written down: the documents of each service by part and name, the facts by type, and what
    its states were made of."""

    name: str
    documents: Mapping[str, Mapping[str, Shelf]]
    facts: Shelf
    kinds: Mapping[str, Mapping[str, Any]]
    """By service and kind: `version` and `schema`."""


def current() -> str:
    """The release that is being made."""
    return str(tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())["project"]["version"])


def recorded() -> list[Release]:
    """Every release that this one promises to live beside."""
    return [_read(folder) for folder in sorted(HERE.iterdir()) if (folder / "facts.json").exists()]


def record() -> Path:
    """Writes down the release that is being made, anew."""
    folder = HERE / current()
    folder.mkdir(exist_ok=True)
    services, facts = collected()
    for name, samples in services.items():
        _write(folder / f"{name}.json", _file(name, samples))
    _write(folder / "facts.json", {"facts": _plain(facts)})
    return folder


def schema(kind: Kind[Any]) -> Any:
    """What a state is made of."""
    return shape(TypeAdapter(kind.state).json_schema())


def _file(service: str, samples: Samples) -> dict[str, Any]:
    kinds = routes()[service].kinds.values()
    return {
        "kinds": {kind.name: {"version": kind.version, "schema": schema(kind)} for kind in kinds},
        **{part: _plain(getattr(samples, part)) for part in _PARTS},
    }


def _plain(shelf: Shelf) -> dict[str, list[Any]]:
    return {name: [json.loads(text) for text in texts] for name, texts in sorted(shelf.items())}


def _write(file: Path, content: Mapping[str, Mapping[str, Any]]) -> None:
    """A document a line, so that a change can be read."""
    parts = []
    for part, shelf in content.items():
        names = []
        for name, value in shelf.items():
            listed = isinstance(value, list)
            lines = ",\n".join(f"   {json.dumps(each, ensure_ascii=False)}" for each in (value if listed else [value]))
            names.append(f"  {json.dumps(name)}: [\n{lines}\n  ]" if listed else f"  {json.dumps(name)}:\n{lines}")
        inner = ",\n".join(names)
        parts.append(f" {json.dumps(part)}: {{\n{inner}\n }}")
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _read(folder: Path) -> Release:
    files = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    facts = files.pop("facts")["facts"]
    documents = {name: {part: _texts(file[part]) for part in _PARTS} for name, file in files.items()}
    return Release(folder.name, documents, _texts(facts), {name: file["kinds"] for name, file in files.items()})


def _texts(shelf: Mapping[str, list[Any]]) -> Shelf:
    return {name: [json.dumps(value) for value in values] for name, values in shelf.items()}


def shape(schema: Any) -> Any:
    """A schema without the words about it, and without empty objects for defaults: one that is a value is named there,
    one that a dataclass's factory makes isn't."""
    if isinstance(schema, dict):
        return {name: shape(inner) for name, inner in schema.items() if not _beside(name, inner)}
    return [shape(inner) for inner in schema] if isinstance(schema, list) else schema


def _beside(name: str, inner: Any) -> bool:
    return inner == {} if name == "default" else name in ("description", "title") and not isinstance(inner, dict)
