"""Whose fault it is when a transaction fails: the input's, which is given up, or nobody's, which is waited for."""

from typing import Final

import asyncpg

from packhorse_chassis.core.kinds import NewerError, Ref, RefusedError

_OF_THE_INPUT: Final = ("21", "22", "23", "44", "54")
"""SQLSTATE classes: the data, or a constraint that they violate, or a limit that they exceed. Another input would pass.
"""

_UNCLEAR: Final = ("P0", "XX", "38", "39")
"""What a trigger or function raises, and internal errors: one row may be damaged, or all of it."""


class BrokerAwayError(ConnectionError):
    """Nothing could be published for a while. What was handed to the producer may still arrive."""


class NobodysFaultError(Exception):
    """Different inputs fail alike, one after the other: none of them is to blame."""


class OvertakenError(Exception):
    """What was read without a lock, or not at all, isn't so any more: the batch is taken anew, as things are now."""

    def __init__(self, refs: set[Ref]) -> None:
        super().__init__(f"some of these lead elsewhere by now: {', '.join(f'{ref.kind} {ref.key}' for ref in refs)}")
        self.refs = refs


_CLOSED = "the handler is closed"
"""uvloop's words for a transport that was lost a moment ago."""


def is_transient(error: BaseException) -> bool:
    """True where the same work may succeed later without a change of the input: the database is away, full, read-only,
    or lacks a table, a column, a function or a privilege that somebody has to give back."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "XX")[:2] not in (*_OF_THE_INPUT, *_UNCLEAR)
    if isinstance(error, RuntimeError) and _CLOSED in str(error):
        return True
    # asyncpg's internal error: a connection that was lost between two steps of one statement.
    passing = OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, passing | NewerError | NobodysFaultError)


def sign(error: BaseException) -> str | None:
    """By what an error is known again where it isn't clear whose fault it is; None where it is the input's."""
    if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "XX")[:2] in _OF_THE_INPUT:
        return None
    if isinstance(error, RefusedError):
        return None
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
