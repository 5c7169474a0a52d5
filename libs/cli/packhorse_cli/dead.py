"""`packhorse dead`: what was given up, and what to do about it."""

import asyncio
import json
from typing import Annotated, Any

import asyncpg
import typer
from packhorse_chassis.inputs import unpack_headers
from rich.console import Console
from rich.table import Table
from rich.text import Text

from packhorse_cli import system
from packhorse_cli.watch import visible

app = typer.Typer(no_args_is_help=True, help="List, show, retry or discard what a service gave up.")
Record = asyncpg.Record

_LIST = """
SELECT d.id, d.at, d.topic, d.origin, d.code, d.reason, d.field, d.status, d.correlation_id, d.subject_key, d.parked,
    (SELECT count(*) FROM waiting w WHERE d.parked
        AND w.subject_kind = d.subject_kind AND w.subject_key = d.subject_key) AS waiting
FROM dead_letter d WHERE $1 OR d.status = 'open' ORDER BY d.at"""


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those already retried or discarded.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Lists dead letters, oldest first. Exit code 0 also where there are none."""
    found = asyncio.run(_everywhere(_LIST, service, everything))
    if as_json:
        for name, row in found:
            typer.echo(json.dumps({"service": name, **row}, default=str))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("service", "id", "since (UTC)", "from", "order or subject", "why", "status", "waiting"):
        table.add_column(column, overflow="fold")
    for name, row in found:
        subject = visible(row["correlation_id"] or row["subject_key"] or "")
        why = Text(visible(f"{row['code']}: {row['reason']}"))
        status = f"{row['status']}{', parked' if row['parked'] else ''}"
        table.add_row(
            name,
            row["id"],
            f"{row['at']:%d %b %H:%M:%S}",
            row["topic"],
            Text(subject),
            why,
            status,
            str(row["waiting"]),
        )
    Console().print(table if found else "No dead letters.")


@app.command()
def show(dead_letter_id: str) -> None:
    """Shows one dead letter whole: reason, traceback, original headers and bytes."""
    for service, row in asyncio.run(_everywhere("SELECT * FROM dead_letter WHERE id = $1", None, dead_letter_id)):
        console = Console()
        console.print(f"[bold]service[/]: {service}")
        for name in (name for name in row if name not in {"headers", "value", "key", "traceback"}):
            value = "–" if row[name] is None else visible(str(row[name]))
            console.print(Text.assemble((name, "bold"), f": {value}"))
        for name, content in unpack_headers(row["headers"]):
            console.print(f"  {visible(name)}: {content!r}", markup=False)
        console.print(repr(row["value"]), markup=False)
        if row["traceback"]:
            console.print(row["traceback"], markup=False)
        return
    raise system.fail(f"no service has a dead letter {dead_letter_id}", 4)


@app.command()
def retry(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code, e.g. unknown_sku.")] = None,
) -> None:
    """Tries again what was given up; what waited behind it follows in its order.

    Examples: `packhorse dead retry 0193…`, `packhorse dead retry --code unknown_sku`
    """
    _ask("retry", dead_letter_id, code)


@app.command()
def discard(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code.")] = None,
) -> None:
    """Gives it up for good; what waited behind it goes on without it. The record stays for the books."""
    _ask("discard", dead_letter_id, code)


def _ask(status: str, dead_letter_id: str | None, code: str | None) -> None:
    if (dead_letter_id is None) == (code is None):
        raise system.fail("name one dead letter, or use --code", 2)
    sql = "UPDATE dead_letter SET status = $1 WHERE status = 'open' AND (id = $2 OR code = $3) RETURNING id"
    asked = asyncio.run(_everywhere(sql, None, status, dead_letter_id, code))
    if not asked:
        raise system.fail("no open dead letter is meant by that; see `packhorse dead list`", 4)
    for service, row in asked:
        typer.echo(f"{service}: {row['id']} will be {'tried again' if status == 'retry' else 'discarded'}")


async def _everywhere(sql: str, service: str | None, *args: object) -> list[tuple[str, dict[str, Any]]]:
    running = system.find()
    found: list[tuple[str, dict[str, Any]]] = []
    for name in [service] if service else list(system.SERVICES):
        db = await asyncpg.connect(running.database(name), timeout=5)
        try:
            found += [(name, dict(row)) for row in await db.fetch(sql, *args)]
        finally:
            await db.close()
    return found
