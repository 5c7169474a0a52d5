"""A store in which many finished orders lie: the rows of real ones, copied under other ids.

All orders of a year are there; of what is dropped earlier (inbox, effects) only as many rows as would be left. The
copies go through COPY into the real tables, with their checks, generated columns and indexes.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from packhorse_devstack.stack import Stack

from .stage import databases

PREFIX: Final = "grown_"
YEAR_DAYS: Final = 365
KEPT_DAYS: Final = {"inbox": 14, "effect": 90}
"""What is dropped before the year is over."""

_ORDERS: Final = "(SELECT greatest(1, count(*)) FROM sequence)::numeric"
_ROWS_AT_ONCE: Final = 2_000
_UUID: Final = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)[0-9a-f]{12}")
_NUMBER: Final = b"@number@"
_ORDER: Final = b"@order@"

_TABLES = """
SELECT c.relname, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname NOT IN ('migration', 'outbox', 'dead_letter', 'parked', 'waiting')
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.relname ORDER BY c.relname"""

_SIZES = """
SELECT coalesce(inhparent::regclass::text, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint AS bytes
FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY 1"""


@dataclass(frozen=True)
class Template:
    """The rows of a table that tell of one order, as lines of COPY."""

    table: str
    columns: Sequence[str]
    lines: Sequence[bytes]

    def copies(self, number: int) -> bytes:
        """The same rows of order number `number`."""
        if number % YEAR_DAYS >= KEPT_DAYS.get(self.table, YEAR_DAYS):
            return b""
        digits = b"%012d" % number
        return b"".join(line.replace(_ORDER, b"s" + digits).replace(_NUMBER, digits) for line in self.lines)


async def copied(stack: Stack) -> dict[str, str]:
    """Databases that hold what the usual ones do. No service may run."""
    fresh = await databases(stack, PREFIX)
    admin = await asyncpg.connect(stack.admin_dsn)
    try:
        for service in fresh:
            name, source = f"packhorse_{PREFIX}{service}", f"packhorse_{service}"
            await admin.execute(f"DROP DATABASE {name}")
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {source} OWNER {name}")
            await admin.execute(f"GRANT {source} TO {name}")
    finally:
        await admin.close()
    return fresh


async def fill(addresses: Mapping[str, str], orders: Sequence[str], numbers: range) -> None:
    """Stores finished orders under these numbers, made from the `orders` that have ended; 2 databases at a time."""
    at_once = asyncio.Semaphore(2)

    async def one(dsn: str) -> None:
        async with at_once:
            db = await asyncpg.connect(dsn)
            try:
                for template in await _templates(db, orders):
                    await _copy(db, template, numbers)
                await db.execute("VACUUM (ANALYZE)")
            finally:
                await db.close()

    await asyncio.gather(*[one(dsn) for dsn in addresses.values()])


async def sizes(addresses: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Bytes of every table with its indexes, by service."""
    found = {}
    for service, dsn in addresses.items():
        db = await asyncpg.connect(dsn)
        try:
            found[service] = {row["name"]: row["bytes"] for row in await db.fetch(_SIZES)}
        finally:
            await db.close()
    return found


async def _templates(db: asyncpg.Connection, orders: Sequence[str]) -> list[list[Template]]:
    """By table, one template an order."""
    tables = [(row[0], list(row[1])) for row in await db.fetch(_TABLES)]
    return [
        [Template(name, columns, await _lines(db, name, columns, order)) for order in orders]
        for name, columns in tables
    ]


async def _lines(db: asyncpg.Connection, table: str, columns: Sequence[str], order: str) -> list[bytes]:
    chosen = ", ".join(columns)
    if table == "inbox":  # it doesn't say what a record was about: an order's share of it
        query = f"SELECT {chosen} FROM inbox LIMIT (SELECT round(count(*) / {_ORDERS}) FROM inbox)"
    else:
        query = f"SELECT {chosen} FROM {table} t WHERE t::text LIKE '%{order}%'"
    told = bytearray()

    async def keep(data: bytes) -> None:
        told.extend(data)

    await db.copy_from_query(query, output=keep)
    lines = [_UUID.sub(rb"\g<1>" + _NUMBER, line) for line in bytes(told).splitlines(keepends=True)]
    lines = [line.replace(order.encode(), _ORDER) for line in lines]
    if "number" in columns:  # gapless by SKU and location: copies are counted downwards from zero
        place = list(columns).index("number")
        lines = [_numbered(line, place, count) for count, line in enumerate(lines, 1)]
    return lines


def _numbered(line: bytes, place: int, count: int) -> bytes:
    fields = line.rstrip(b"\n").split(b"\t")
    fields[place] = b"-%d" % count + _NUMBER
    return b"\t".join(fields) + b"\n"


async def _copy(db: asyncpg.Connection, templates: Sequence[Template], numbers: range) -> None:
    if not any(one.lines for one in templates):
        return

    async def lines() -> AsyncIterator[bytes]:
        for start in range(numbers.start, numbers.stop, _ROWS_AT_ONCE):
            part = range(start, min(start + _ROWS_AT_ONCE, numbers.stop))
            yield b"".join(templates[number % len(templates)].copies(number) for number in part)

    first = templates[0]
    columns = [name.strip('"') for name in first.columns]
    await db.copy_to_table(first.table, source=lines(), columns=columns)
