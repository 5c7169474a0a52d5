"""A store in which many finished orders lie: the rows of real ones, copied under other ids.

All orders of a year are there; of what is dropped earlier (inbox, effects) only as many rows as would be left. The
server itself writes the copies into the real tables, with their checks, generated columns and indexes.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from packhorse_devstack.stack import Stack

from .stage import databases

FEW: Final = "few_"
MANY: Final = "many_"
"""Databases of services with hardly anything stored, and with very much."""

YEAR_DAYS: Final = 365
KEPT_DAYS: Final = {"inbox": 14, "effect": 90}
"""What is dropped before the year is over."""

_ORDERS: Final = "(SELECT greatest(1, count(*)) FROM sequence)::numeric"
_UUID: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)[0-9a-f]{12}")
_NUMBER: Final = "@number@"
_ORDER: Final = "@order@"

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
    """The rows of a table that tell of one order, as PostgreSQL writes a whole row."""

    table: str
    columns: Sequence[str]
    rows: Sequence[str]

    @property
    def copying(self) -> str:
        """Inserts $1, the rows, once for every number from $2 to below $3, each $4th. A `number` is gapless by SKU and
        location: copies are counted downwards from zero."""
        values = [f"(x.copy).{one}" if one != "number" else "-(line.count || n.digits)::bigint" for one in self.columns]
        return f"""
            INSERT INTO {self.table} ({", ".join(self.columns)}) OVERRIDING SYSTEM VALUE SELECT {", ".join(values)}
            FROM (SELECT lpad(n::text, 12, '0') AS digits FROM generate_series($2::bigint, $3::bigint - 1, $4) AS n
                WHERE n % {YEAR_DAYS} < {KEPT_DAYS.get(self.table, YEAR_DAYS)}) AS n,
                unnest($1::text[]) WITH ORDINALITY AS line (row, count),
                LATERAL (SELECT replace(replace(line.row, '{_ORDER}', 's' || n.digits), '{_NUMBER}', n.digits)
                    ::{self.table} AS copy OFFSET 0) AS x"""


async def copied(stack: Stack, prefix: str) -> dict[str, str]:
    """Databases that hold what the usual ones do. No service may run."""
    fresh = await databases(stack, prefix)
    admin = await asyncpg.connect(stack.admin_dsn)
    try:
        for service in fresh:
            name, source = f"packhorse_{prefix}{service}", f"packhorse_{service}"
            await admin.execute(f"DROP DATABASE {name}")
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {source} OWNER {name}")
            await admin.execute(f"GRANT {source} TO {name}")
    finally:
        await admin.close()
    return fresh


async def templates(addresses: Mapping[str, str], orders: Sequence[str]) -> dict[str, list[list[Template]]]:
    """What these orders, which have ended, left in each service: by table, one template an order. To be made while
    few are stored, for every row is looked at."""
    found = {}
    for service, dsn in addresses.items():
        db = await asyncpg.connect(dsn)
        try:
            tables = [(row[0], list(row[1])) for row in await db.fetch(_TABLES)]
            found[service] = [
                [Template(name, columns, await _rows(db, name, order)) for order in orders] for name, columns in tables
            ]
        finally:
            await db.close()
    return found


async def fill(
    addresses: Mapping[str, str], templates: Mapping[str, Sequence[Sequence[Template]]], numbers: range
) -> None:
    """Stores finished orders under these numbers, made from the templates of each service; 3 databases at a time."""
    at_once = asyncio.Semaphore(3)

    async def one(service: str) -> None:
        async with at_once:
            db = await asyncpg.connect(addresses[service])
            try:
                for each_order in templates[service]:
                    await _multiply(db, each_order, numbers)
                await db.execute("VACUUM (ANALYZE)")
            finally:
                await db.close()

    await asyncio.gather(*[one(service) for service in addresses])


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


async def _rows(db: asyncpg.Connection, table: str, order: str) -> list[str]:
    if table == "inbox":  # it doesn't say what a record was about: an order's share of it
        query = f"SELECT t::text FROM inbox t LIMIT (SELECT round(count(*) / {_ORDERS}) FROM inbox)"
    else:
        query = f"SELECT t::text FROM {table} t WHERE t::text LIKE '%{order}%'"
    found = [row[0] for row in await db.fetch(query)]
    return [_UUID.sub(rf"\g<1>{_NUMBER}", row).replace(order, _ORDER) for row in found]


async def _multiply(db: asyncpg.Connection, templates: Sequence[Template], numbers: range) -> None:
    """Every template in turn has an equal share of the numbers."""
    for position, template in enumerate(templates):
        if template.rows:
            first = numbers.start + position
            await db.execute(template.copying, template.rows, first, numbers.stop, len(templates))
