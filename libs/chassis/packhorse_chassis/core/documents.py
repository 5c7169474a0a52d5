"""How a state is written down: JSON, with its version as the first member `v` where that is above 1.

Two releases live side by side for a while. What an older one wrote is upcast as it is read, and written as new when it
changes. What a newer one wrote, be it by its version or by a field that isn't known here, is left to the newer one's
processes: written back from here it would have lost a part.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from packhorse_contracts.base import Model
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from packhorse_chassis.core.kinds import Kind, NewerError, Ref, RefusedError

MAX_STATE_BYTES: Final = 4_194_304
"""A state is read and written as a whole, each time: a larger one would hold up all others."""

# jsonb puts short keys first, and nothing else in a state has a key of one character.
_VERSION: Final = re.compile(r'\{"v": ?([0-9]{1,9})(?:, ?|(?=\}))')
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True, slots=True)
class Damaged:
    """Stands for a state that this release can't read."""

    error: Exception


class UnreadableStateError(Exception):
    """What lies in a row isn't what the service keeps there."""


def sound(state: object) -> object:
    """The state itself; raises where it couldn't be read."""
    if isinstance(state, Damaged):
        raise state.error
    return state


def unknown_field(error: ValidationError) -> str | None:
    """The first field that this release doesn't know; None where something else is wrong."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return next((str(fault["loc"][-1]) for fault in faults if fault["type"] in _UNKNOWN), None)


class Documents:
    """Reads and writes the states of one kind."""

    def __init__(self, kind: Kind[Any]) -> None:
        if short := [name for name in _fields(kind.state) if len(name) < 2]:
            raise ValueError(f"{kind.name}: a field needs a longer name than {short[0]!r}")
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind.state)
        self._stamp = b'{"v":%d' % kind.version if kind.version > 1 else b""

    def write(self, key: str, state: object) -> bytes:
        """The state as JSON. Raises RefusedError where it has grown too large."""
        plain = self._adapter.dump_json(state)
        if len(plain) > MAX_STATE_BYTES:
            told = f"{self.kind.name} {key} would have {len(plain)} bytes; at most {MAX_STATE_BYTES} are kept"
            raise RefusedError("state_too_large", told)
        if not self._stamp:
            return plain
        return self._stamp + (plain[1:] if plain == b"{}" else b"," + plain[1:])

    def read(self, key: str, raw: str) -> object:
        """The state; `Damaged` where it can't be read. Raises NewerError for what is left to a newer release."""
        version = 1
        if raw.startswith('{"v"') and (stamp := _VERSION.match(raw)):
            version, raw = int(stamp[1]), "{" + raw[stamp.end() :]
        if version > self.kind.version:
            raise NewerError(f"{self.kind.name} {key} has version {version}, this release knows {self.kind.version}")
        try:
            if version < self.kind.version:
                raw = to_json(self.kind.upcast(from_json(raw), version)).decode()
            return self._adapter.validate_json(raw, extra="forbid")
        except ValidationError as error:
            if (field := unknown_field(error)) is not None:
                raise NewerError(f"{self.kind.name} {key} holds {field!r}, which this release doesn't know") from None
            return self._damaged(key, _told(error))
        except Exception as error:  # an upcast that doesn't know this one
            return self._damaged(key, f"its upcast fails with {type(error).__name__}")

    def _damaged(self, key: str, why: str) -> Damaged:
        return Damaged(UnreadableStateError(f"{self.kind.name} {key} can't be read by this release: {why}"))


def fingerprint(states: Mapping[Ref, object], kinds: Mapping[str, Kind[Any]]) -> str:
    """Of these states together. The same states have the same, in any process of this release, whether they were just
    made or lay in their rows."""
    told = [[*ref, _adapter(kinds[ref.kind]).dump_python(states[ref], mode="json")] for ref in sorted(states)]
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def _adapter(kind: Kind[Any]) -> TypeAdapter[Any]:
    """Making one takes longer than most reactions."""
    return TypeAdapter(kind.state)


def _told(error: ValidationError) -> str:
    """Without the values, which may be personal."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:5])


def _fields(state: type) -> list[str]:
    if issubclass(state, Model):
        return list(state.model_fields)
    return [field.name for field in dataclasses.fields(state)] if dataclasses.is_dataclass(state) else []
