"""Migrations: numbered SQL files, run once each at start, in order, by one process at a time."""

import hashlib
from pathlib import Path

import structlog

from packhorse_chassis.postgres.db import Connection

_LOCK = 7_223_301
_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    part text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (part, name)
)"""

CHASSIS = Path(__file__).parents[1] / "migrations"
log = structlog.get_logger(__name__)


class ChangedMigrationError(Exception):
    """A migration that ran here is not the file that lies there now. Write a new one instead of changing it."""


async def migrate(db: Connection, service: str, folder: Path) -> list[str]:
    """Brings the database to the newest state: the chassis's tables, then the service's. Names what it applied."""
    applied: list[str] = []
    async with db.transaction():
        # Held to the commit: a second process waits here and then finds everything done.
        await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await db.execute(_TABLE)
        known = {
            (row["part"], row["name"]): row["checksum"]
            for row in await db.fetch("SELECT part, name, checksum FROM migration")
        }
        for part, directory in (("chassis", CHASSIS), (service, folder)):
            for file in sorted(directory.glob("[0-9]*.sql")):
                sql = file.read_text()
                checksum = hashlib.sha256(sql.encode()).hexdigest()
                before = known.get((part, file.name))
                if before is None:
                    await db.execute(sql)
                    await db.execute(
                        "INSERT INTO migration (part, name, checksum) VALUES ($1, $2, $3)",
                        part,
                        file.name,
                        checksum,
                    )
                    applied.append(f"{part}/{file.name}")
                elif before != checksum:
                    raise ChangedMigrationError(
                        f"{part}/{file.name} was applied with another content; put it back and add a new migration"
                    )
    if applied:
        log.info("migrations applied", migrations=applied)
    return applied
