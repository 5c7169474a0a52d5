"""`packhorse dead`: what was given up, and what to do about it."""

import asyncio
import getpass
import json
import os
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
    d.emptied_at, d.decided_by, d.decided_at, d.why,
    (SELECT count(*) FROM waiting w WHERE d.parked
        AND w.subject_kind = d.subject_kind AND w.subject_key = d.subject_key) AS waiting
FROM dead_letter d WHERE ($1 OR d.status = 'open') AND ($2::text IS NULL OR d.code = $2) ORDER BY d.at LIMIT $3"""

_GROUPS = """
SELECT code, topic, count(*) AS letters, count(*) FILTER (WHERE parked) AS parked, count(emptied_at) AS emptied,
    min(at) AS oldest, max(at) AS newest, min(id) AS example
FROM dead_letter WHERE ($1 OR status = 'open') AND ($2::text IS NULL OR code = $2)
GROUP BY code, topic ORDER BY count(*) DESC, code, topic"""

_SHOWN = 50
"""Letters that are listed to people unless they ask for more."""


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    code: Annotated[str | None, typer.Option(help="Only those with this code, e.g. unknown_sku.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those already retried or discarded.")] = False,
    groups: Annotated[bool, typer.Option("--groups", help="How many there are of each code and topic.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"So many at most; {_SHOWN} where people read, else all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Lists dead letters, oldest first, or sums them up. Exit code 0 also where there are none.

    Examples: `packhorse dead list --groups`, `packhorse dead list --code unknown_sku --limit 500`
    """
    if groups:
        _sum_up(asyncio.run(_everywhere(_GROUPS, service, everything, code)), as_json=as_json)
        return
    most = limit or (None if as_json else _SHOWN)
    found = asyncio.run(_everywhere(_LIST, service, everything, code, most and most + 1))
    found.sort(key=lambda one: one[1]["at"])
    shown = found[:most]
    if as_json:
        for name, row in shown:
            typer.echo(json.dumps({"service": name, **row}, default=str))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("service", "id", "since (UTC)", "from", "order or subject", "why", "status", "waiting"):
        table.add_column(column, overflow="fold")
    for name, row in shown:
        subject = visible(row["correlation_id"] or row["subject_key"] or "")
        why = Text(visible(f"{row['code']}: {row['reason']}"))
        table.add_row(
            name,
            row["id"],
            f"{row['at']:%d %b %H:%M:%S}",
            row["topic"],
            Text(subject),
            why,
            Text(_status(row)),
            str(row["waiting"]),
        )
    Console().print(table if found else "No dead letters.")
    if len(found) > len(shown):
        typer.echo(f"\nThese are the oldest {len(shown)}: --limit shows more, --groups sums up all of them.")


def _status(row: dict[str, Any]) -> str:
    words = [row["status"]]
    if row["parked"]:
        words.append("parked")
    if row["emptied_at"]:
        words.append("content on the topic alone")
    if row["decided_by"]:
        words.append(f"by {row['decided_by']}" + (f": {row['why']}" if row["why"] else ""))
    return visible(", ".join(words))


def _sum_up(found: list[tuple[str, dict[str, Any]]], *, as_json: bool) -> None:
    if as_json:
        for name, row in found:
            typer.echo(json.dumps({"service": name, **row}, default=str))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("service", "code", "from", "letters", "parked", "oldest (UTC)", "newest (UTC)", "for example"):
        table.add_column(column, overflow="fold")
    for name, row in found:
        times = [f"{row[which]:%d %b %H:%M:%S}" for which in ("oldest", "newest")]
        table.add_row(
            name, row["code"], row["topic"], f"{row['letters']:,}", f"{row['parked']:,}", *times, row["example"]
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
            console.print("\n".join(map(visible, row["traceback"].splitlines())), markup=False)
        return
    raise system.fail(f"no service has a dead letter {dead_letter_id}", 4)


_By = Annotated[str | None, typer.Option("--by", help="Who decides; you, where it isn't said.", show_default=False)]


@app.command()
def retry(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code, e.g. unknown_sku.")] = None,
    why: Annotated[str | None, typer.Option(help="What has changed since; it is kept.")] = None,
    by: _By = None,
) -> None:
    """Tries again what was given up; what waited behind it follows in its order.

    Examples: `packhorse dead retry 0193…`, `packhorse dead retry --code unknown_sku --why "the catalogue is complete"`
    """
    _ask("retry", dead_letter_id, code, why, by)


@app.command()
def discard(
    why: Annotated[str, typer.Option(help="Why it may be given up; it is kept.")],
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code.")] = None,
    by: _By = None,
) -> None:
    """Gives it up for good; what waited behind it goes on without it. That it was, who decided and why stays on record.

    Example: `packhorse dead discard 0193… --why "a test order"`
    """
    if not why.strip():
        raise system.fail("say why: whoever asks for this order later will want to know", 2)
    _ask("discard", dead_letter_id, code, why, by)


_DECIDE = """
UPDATE dead_letter SET status = $1, decided_by = $4, decided_at = now(), why = $5
WHERE status = 'open' AND (id = $2 OR code = $3) AND ($1 = 'discard' OR emptied_at IS NULL) RETURNING id"""

_EMPTY = """
SELECT topic, count(*) AS letters FROM dead_letter
WHERE status = 'open' AND (id = $1 OR code = $2) AND emptied_at IS NOT NULL GROUP BY topic"""

_NAMED = 20
"""Letters that are named one by one."""


def _ask(status: str, dead_letter_id: str | None, code: str | None, why: str | None, by: str | None) -> None:
    if (dead_letter_id is None) == (code is None):
        raise system.fail("name one dead letter, or use --code", 2)
    who = by or _me()
    asked = asyncio.run(_everywhere(_DECIDE, None, status, dead_letter_id, code, who, why))
    empty = asyncio.run(_everywhere(_EMPTY, None, dead_letter_id, code)) if status == "retry" else []
    fate = "tried again" if status == "retry" else "discarded"
    for service, row in asked[:_NAMED]:
        typer.echo(f"{service}: {row['id']} will be {fate}")
    if len(asked) > _NAMED:
        typer.echo(f"… and {len(asked) - _NAMED:,} more will be {fate}")
    for service, row in empty:
        dead = f"{row['topic']}.{service}.dead"
        told = f"{service}: {row['letters']:,} can't be tried again from here, for their content is on {dead} alone"
        typer.secho(told, fg="red", err=True)
    if not asked:
        raise system.fail("no open dead letter is meant by that; see `packhorse dead list`", 4)


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody has this number here, as in a container
        return f"uid {os.getuid()}"


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
