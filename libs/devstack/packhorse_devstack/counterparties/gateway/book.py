"""The gateway's book in SQLite: it survives `kill -9`, because an answer is committed before it is given."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from packhorse_devstack.counterparties.gateway.rules import Authorisation

Kind = Literal["capture", "void", "refund"]
Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_COLUMNS = [field.name for field in fields(Authorisation)]
_AUTHORISATION = TypeAdapter(Authorisation)


@dataclass(frozen=True, slots=True)
class Movement:
    """A capture, a void or a refund.

    `parts`: which captures a refund gave back; `refunded`: how much of a capture was given back.
    """

    id: str
    kind: Kind
    authorisation_id: str
    reference: str | None
    amount: int
    currency: str
    created_at: datetime
    final: bool = False
    refunded: int = 0
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """How the request with one idempotency key ended."""

    key: str
    fingerprint: str
    operation: str
    status_code: int
    answer: Json
    finished_at: datetime


class Book:
    """One connection, used by one thread: every method is short and synchronous, so requests never interleave in it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL with NORMAL: a commit outlives the process at once, and the machine from the next checkpoint on.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript((files(__package__) / "schema.sql").read_text())

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def operation(self, key: str) -> Operation | None:
        """How a key was answered, if it was."""
        row = self._db.execute("SELECT * FROM operation WHERE key = ?", (key,)).fetchone()
        return row and Operation(
            row["key"],
            row["fingerprint"],
            row["operation"],
            row["status_code"],
            json.loads(row["answer"]),
            datetime.fromisoformat(row["finished_at"]),
        )

    def add_operation(self, operation: Operation) -> None:
        """Stores an answer under its key."""
        self._db.execute(
            "INSERT INTO operation VALUES (?, ?, ?, ?, ?, ?)",
            (
                operation.key,
                operation.fingerprint,
                operation.operation,
                operation.status_code,
                json.dumps(operation.answer),
                operation.finished_at.isoformat(),
            ),
        )

    def authorisation(self, identifier: str) -> Authorisation | None:
        """One authorisation as it is stored."""
        row = self._db.execute("SELECT * FROM authorisation WHERE id = ?", (identifier,)).fetchone()
        return row and _authorisation(row)

    def save_authorisation(self, authorisation: Authorisation) -> None:
        """Inserts it, or replaces its amounts."""
        values = [getattr(authorisation, name) for name in _COLUMNS]
        self._db.execute(
            f"INSERT INTO authorisation ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET captured = excluded.captured, refunded = excluded.refunded,"
            " voided = excluded.voided",
            [value.isoformat() if isinstance(value, datetime) else value for value in values],
        )

    def add_movement(self, movement: Movement) -> None:
        """Appends a movement; a refund also counts on the captures that it gives back."""
        self._db.execute(
            "INSERT INTO movement (id, kind, authorisation_id, reference, amount, currency, final, details, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                movement.id,
                movement.kind,
                movement.authorisation_id,
                movement.reference,
                movement.amount,
                movement.currency,
                int(movement.final),
                json.dumps(movement.parts),
                movement.created_at.isoformat(),
            ),
        )
        for capture_id, amount in movement.parts:
            self._db.execute("UPDATE movement SET refunded = refunded + ? WHERE id = ?", (amount, capture_id))

    def movement(self, identifier: str, kind: Kind) -> Movement | None:
        """One capture, void or refund."""
        row = self._db.execute("SELECT * FROM movement WHERE id = ? AND kind = ?", (identifier, kind)).fetchone()
        return row and _movement(row)

    def movements(self, kind: Kind, *, authorisation_id: str | None = None) -> list[Movement]:
        """All movements of a kind, or those of one authorisation, oldest first."""
        query, values = "SELECT * FROM movement WHERE kind = ?", [str(kind)]
        if authorisation_id is not None:
            query, values = query + " AND authorisation_id = ?", [str(kind), authorisation_id]
        return [_movement(row) for row in self._db.execute(query + " ORDER BY number", values)]

    def authorisations(self, reference: str | None = None) -> list[Authorisation]:
        """All authorisations, or those of one reference, oldest first."""
        query, values = "SELECT * FROM authorisation", []
        if reference is not None:
            query, values = query + " WHERE reference = ?", [reference]
        return [_authorisation(row) for row in self._db.execute(query + " ORDER BY rowid", values)]


def _authorisation(row: sqlite3.Row) -> Authorisation:
    return _AUTHORISATION.validate_python(dict(row))


def _movement(row: sqlite3.Row) -> Movement:
    return Movement(
        row["id"],
        row["kind"],
        row["authorisation_id"],
        row["reference"],
        row["amount"],
        row["currency"],
        datetime.fromisoformat(row["created_at"]),
        bool(row["final"]),
        row["refunded"],
        tuple((str(identifier), int(amount)) for identifier, amount in json.loads(row["details"])),
    )
