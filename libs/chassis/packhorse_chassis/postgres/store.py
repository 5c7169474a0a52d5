"""How states and journals lie in PostgreSQL: one table a kind, one statement a batch.

A kind's table, named as the kind, is `(id text PRIMARY KEY, state jsonb)`. The service's migration creates it and
adds what people search by as generated columns, and what must never be true as CHECK constraints. The locked row
holds the whole state: a state spread over rows beside the locked one would be read from the statement's old
snapshot after the wait for the lock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packhorse_contracts.base import Model

from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.kinds import Alias, Kind, Ref
from packhorse_chassis.core.policy import PolicyEntry
from packhorse_chassis.postgres.db import Connection
from packhorse_chassis.postgres.faults import OvertakenError


def named_queries(path: Path) -> dict[str, str]:
    """Reads a `.sql` file of statements that each begin with a line `-- name: something`."""
    queries: dict[str, str] = {}
    for block in path.read_text().split("-- name: ")[1:]:
        name, _, sql = block.partition("\n")
        queries[name.strip()] = sql.strip().rstrip(";")
    return queries


class Table:
    """The table of one kind of state."""

    def __init__(self, kind: Kind[Any]) -> None:
        if not kind.name.isidentifier():
            raise ValueError(f"{kind.name!r} can't be a table's name")
        self.kind = kind
        self._documents = Documents(kind)
        # ruff: noqa: S608 -- a kind's name is an identifier, checked above
        self._create = (
            f"INSERT INTO {kind.name} (id) SELECT unnest($1::text[]) ON CONFLICT (id) DO NOTHING RETURNING id"
        )
        self._read = f"SELECT id, state FROM {kind.name} WHERE id = ANY($1::text[])"
        self._forget = f"DELETE FROM {kind.name} WHERE id = ANY($1::text[]) AND state IS NULL"
        self._lock = f"{self._read} ORDER BY id FOR UPDATE"
        self._save = (
            f"UPDATE {kind.name} t SET state = new.state FROM unnest($1::text[], $2::jsonb[]) AS new (id, state) "
            "WHERE t.id = new.id"
        )

    async def lock(self, db: Connection, keys: Iterable[str]) -> dict[str, object]:
        """The states of these keys, locked in key order; `Damaged` where one can't be read. Raises NewerError.

        What is missing gets an empty row first: two creators of one key would otherwise both find nothing to lock, and
        the second would overwrite the first.
        """
        ids = sorted(keys)
        rows = {row["id"]: row["state"] for row in await db.fetch(self._lock, ids)}
        if missing := [key for key in ids if key not in rows]:
            # Those that we create are ours until the commit; those that somebody else creates meanwhile are read anew.
            rows |= {row["id"]: None for row in await db.fetch(self._create, missing)}
            if raced := [key for key in missing if key not in rows]:
                rows |= {row["id"]: row["state"] for row in await db.fetch(self._lock, raced)}
        return {key: self._state(key, rows[key]) for key in ids}

    async def read(self, db: Connection, keys: Iterable[str]) -> dict[str, object]:
        """The states of these keys without a lock; empty states for those that have none."""
        ids = list(keys)
        rows = await db.fetch(self._read, ids)
        return self.states(ids, {row["id"]: row["state"] for row in rows})

    def reading(self, number: int) -> str:
        """The statement of `read` as a part of a larger one, with its keys as this parameter."""
        return f"SELECT '{self.kind.name}' AS kind, id, state FROM {self.kind.name} WHERE id = ANY(${number}::text[])"

    def states(self, keys: Iterable[str], rows: Mapping[str, str]) -> dict[str, object]:
        """What lies in these rows, as states; empty ones where there is none."""
        return {key: self._state(key, rows.get(key)) for key in keys}

    async def save(self, db: Connection, states: Mapping[str, tuple[object, object]]) -> None:
        """Writes states back, each with what it was before, all in one statement."""
        keys = sorted(states)
        await db.execute(self._save, keys, self._written(keys, states))

    def _written(self, keys: Sequence[str], states: Mapping[str, tuple[object, object]]) -> list[str]:
        return [self._documents.write(key, states[key][0]).decode() for key in keys]

    async def forget_empty(self, db: Connection, keys: Iterable[str]) -> None:
        """Takes away those of these rows that hold nothing: they were made to be locked. The caller has them locked."""
        await db.execute(self._forget, sorted(keys))

    def _state(self, key: str, raw: str | None) -> object:
        return self.kind.empty(key) if raw is None else self._documents.read(key, raw)


class Names(Table):
    """The table of an alias, in which nothing is locked: who reads a name, and then writes another one, loses where it
    has changed meanwhile. A row that isn't there leads nowhere."""

    def __init__(self, alias: Alias[Any]) -> None:
        super().__init__(alias)
        self.alias = alias
        self._save = (
            f"INSERT INTO {alias.name} AS t (id, state) SELECT id, state FROM "
            "unnest($1::text[], $2::jsonb[], $3::text[]) AS new (id, state, was) ORDER BY id "
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state "
            "WHERE coalesce(t.state->>'subject', '') = "
            "(SELECT was FROM unnest($1::text[], $3::text[]) AS old (id, was) WHERE old.id = t.id)"
        )

    async def save(self, db: Connection, states: Mapping[str, tuple[object, object]]) -> None:
        """Raises OvertakenError where a name leads elsewhere by now."""
        keys = sorted(states)
        before = (states[key][1] for key in keys)
        was = ["" if state is None else self.alias.leads_to(state) for state in before]
        done = await db.execute(self._save, keys, self._written(keys, states), was)
        if int(done.rpartition(" ")[2]) < len(keys):
            raise OvertakenError({self.alias.ref(key) for key in keys})


class Tally(Table):
    """What a query makes of a journal: `reckon` ($1 text[], keys) gives `id` and `sum`. No table lies behind it."""

    def __init__(self, kind: Kind[Any], reckon: str) -> None:
        super().__init__(kind)
        self._reckon = reckon

    async def read(self, db: Connection, keys: Iterable[str]) -> dict[str, object]:
        """The sums for these keys, of all that is stored; 0 where nothing is."""
        ids = list(keys)
        found = {row["id"]: row["sum"] for row in await db.fetch(self._reckon, ids)}
        return {key: found.get(key, 0) for key in ids}


async def read_together(db: Connection, wanted: Sequence[tuple[Table, Sequence[str]]]) -> dict[Ref, object]:
    """The states of several kinds without a lock, in one statement. None of them is a tally."""
    if len(wanted) == 1:
        ((one, keys),) = wanted
        return {one.kind.ref(key): state for key, state in (await one.read(db, keys)).items()}
    query = " UNION ALL ".join(table.reading(number) for number, (table, _) in enumerate(wanted, 1))
    found: dict[str, dict[str, str]] = {}
    for row in await db.fetch(query, *(keys for _, keys in wanted)):
        found.setdefault(row["kind"], {})[row["id"]] = row["state"]
    return {
        table.kind.ref(key): state
        for table, keys in wanted
        for key, state in table.states(keys, found.get(table.kind.name, {})).items()
    }


def table(kind: Kind[Any], queries: Mapping[str, str]) -> Table:
    """How a kind lies in the database. Raises KeyError for a tally without its query."""
    if isinstance(kind, Alias):
        return Names(kind)
    return Table(kind) if kind.tally is None else Tally(kind, queries[kind.name])


@dataclass(frozen=True, slots=True)
class Journal:
    """An append-only table. `append` ($1 jsonb, a list of entries) inserts them all, in order."""

    entry: type[Model]
    append: str

    async def write(self, db: Connection, entries: Sequence[Model]) -> None:
        """Appends entries in the order given."""
        await db.execute(self.append, json.dumps([entry.model_dump(mode="json") for entry in entries]))


POLICY_VERSIONS: Final = Journal(
    PolicyEntry,
    "INSERT INTO policy_version (version, at, policy, by, why) "
    "SELECT version, at, policy::jsonb, by, why "
    "FROM jsonb_to_recordset($1) AS new (version int, at timestamptz, policy text, by text, why text)",
)
