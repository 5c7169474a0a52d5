"""What an order still waits for, and what is stuck: from the services' databases."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import asyncpg

from packhorse_cli.sentences.words import many
from packhorse_cli.table import visible

TIMERS: Final = {
    "PaymentDeadline": "payment and stock, else it is cancelled",
    "NeverCame": "the order itself, which was only asked about so far",
    "Overdue": "its end, else it counts as overdue",
    "AskAgain": "the gateway to be asked again",
    "AuthorisationLapses": "the end of its authorisation",
    "TryAgain": "another try at a refund or a release",
    "Overtook": "a step that overtook it",
    "IssuePickList": "its pick list to be issued",
    "ClaimParcel": "a tracking number to be noted",
    "WarehouseSilent": "the warehouse's answer, else somebody is told",
    "ParcelUnclaimed": "a warehouse to hand over this parcel",
    "Unexplained": "news of pieces that are reserved and not there, else somebody is told",
    "ParcelForgotten": "a warehouse to hand over this parcel, else it is forgotten",
}
"""What a timer of this name waits for, in words."""

EFFECTS: Final = {"AskGateway": "the payment gateway", "SendMail": "the mail server"}
"""Whom a pending effect of this name asks."""

_TIMERS: Final = "SELECT type, due FROM timer WHERE correlation_id = $1 OR key = ANY($2) ORDER BY due"
_EFFECTS: Final = """
SELECT type, attempts, deadline, last_error FROM effect
WHERE done_at IS NULL AND correlation_id = $1 ORDER BY requested_at"""
_LETTERS: Final = """
SELECT id, code, reason FROM dead_letter
WHERE status = 'open' AND (correlation_id = $1 OR subject_key = ANY($2) OR key = ANY($3)) ORDER BY at LIMIT 20"""
_PARKED: Final = """
SELECT kind, key, dead_letter_id,
    (SELECT count(*) FROM waiting WHERE subject_kind = kind AND subject_key = parked.key) AS waiting
FROM parked WHERE key = ANY($1)"""


@dataclass
class OpenEnds:
    """What is still to come, and what won't come by itself."""

    waits_for: list[tuple[str, str, datetime]] = field(default_factory=list)
    """Service, what, and until when."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Services whose database nobody could ask."""


async def look(databases: Mapping[str, str], order_id: str, ids: set[str]) -> OpenEnds:
    """The open ends of an order; `ids` are its own and those of its pick lists, shipments and parcels."""
    found = OpenEnds()
    for service, dsn in databases.items():
        try:
            db = await asyncpg.connect(dsn, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            found.unknown.append(service)
            continue
        try:
            await _look(db, service, order_id, sorted(ids), found)
        except asyncpg.PostgresError:  # another release's tables, or no right to read them
            found.unknown.append(service)
        finally:
            await db.close()
    found.waits_for.sort(key=lambda one: one[2])
    return found


async def _look(db: "asyncpg.Connection", service: str, order_id: str, ids: list[str], found: OpenEnds) -> None:
    for row in await db.fetch(_TIMERS, order_id, ids):
        found.waits_for.append((service, TIMERS.get(row["type"], row["type"]), row["due"]))
    for row in await db.fetch(_EFFECTS, order_id):
        asked = f", asked {many(row['attempts'], 'time')}" if row["attempts"] else ""
        trouble = visible(f" ({row['last_error']})"[:200]) if row["last_error"] else ""
        whom = EFFECTS.get(row["type"], row["type"])
        found.waits_for.append((service, f"{whom}{asked}{trouble}", row["deadline"]))
    for row in await db.fetch(_LETTERS, order_id, ids, [one.encode() for one in ids]):
        found.wrong.append(
            visible(f"{service} gave up ({row['code']}): {row['reason']}; packhorse dead show {row['id']}")
        )
    for row in await db.fetch(_PARKED, ids):
        stuck = f"{service} keeps {row['kind']} {row['key']} parked, {many(row['waiting'], 'input')} behind it"
        found.wrong.append(visible(f"{stuck}; packhorse dead retry {row['dead_letter_id']}"))


def look_now(databases: Mapping[str, str], order_id: str, ids: set[str]) -> OpenEnds:
    """The same, outside of a loop."""
    return asyncio.run(look(databases, order_id, ids))
