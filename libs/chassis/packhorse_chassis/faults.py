"""Which database errors are nobody's fault and pass by themselves."""

import asyncpg

_TRANSIENT_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes: connection, transaction rollback (serialisation, deadlock), resources (disk full, too many
connections), operator intervention (shutdown, recovery, cancelled by a time-out)."""

_TRANSIENT_STATES = ("55P03", "25006", "25P03")
"""Lock not available in time; a read-only server (a standby during fail-over); idle-in-transaction time-out."""


class BrokerAwayError(ConnectionError):
    """Nothing could be published for a while. What was handed to the producer may still arrive."""


_CLOSED = "the handler is closed"
"""uvloop's words for a transport that was lost a moment ago."""


def is_transient(error: BaseException) -> bool:
    """True where the same work may succeed later without anybody changing it."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES
    if isinstance(error, RuntimeError) and _CLOSED in str(error):
        return True
    # asyncpg's internal error: a connection that was lost between two steps of one statement.
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)
