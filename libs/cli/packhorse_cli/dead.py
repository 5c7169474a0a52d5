"""`packhorse dead`: what was given up, and what to do about it."""

import asyncio
from typing import Annotated, Any

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say, say_json, say_rows
from packhorse_cli.table import Column, visible

app = typer.Typer(no_args_is_help=True, help="List, show, retry or discard what a service gave up.")
Letter = tuple[str, dict[str, Any]]
"""A service, and the row of its dead letter."""

_LIST = """
SELECT d.id, d.at, d.topic, d.origin, d.code, d.reason, d.field, d.status, d.correlation_id, d.subject_key, d.parked,
    (SELECT count(*) FROM waiting w WHERE d.parked
        AND w.subject_kind = d.subject_kind AND w.subject_key = d.subject_key) AS waiting
FROM dead_letter d WHERE $1 OR d.status = 'open' ORDER BY d.at"""


def _from(letter: Letter) -> str:
    return str(letter[1]["topic"])


def _state(letter: Letter) -> str:
    return f"{letter[1]['status']}{', parked' if letter[1]['parked'] else ''}"


_COLUMNS: list[Column[Letter]] = [
    Column("id", lambda letter: letter[1]["id"], least=9),
    Column("since (UTC)", lambda letter: letter[1]["at"], spare=2),
    Column("service", lambda letter: letter[0], spare=1),
    Column("from", _from, least=8, spare=5),
    Column("about", lambda letter: letter[1]["correlation_id"] or letter[1]["subject_key"], least=9, spare=3),
    Column("status", _state, least=4, spare=6),
    Column("waiting", lambda letter: letter[1]["waiting"] or None, spare=4),
    Column("why", lambda letter: f"{letter[1]['code']}: {letter[1]['reason']}", least=28, cut="end"),
]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only this service's.", show_default="all")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those already retried or discarded.")] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first.

    Exit code 0 also where there are none.

    \b
    Examples:
      packhorse dead list
      packhorse dead list --service inventory --wide
      packhorse dead list | cut -f1 | xargs -n1 packhorse dead show

    Behind a pipe a line is: id, since, service, topic, about, status, waiting behind it, why, with tabs between them.
    """
    if service is not None and service not in system.SERVICES:
        raise system.fail(f"there is no service {service}{system.perhaps(service, system.SERVICES)}", system.USAGE)
    found = asyncio.run(_everywhere(_LIST, service, everything))
    if as_json:
        for name, row in found:
            say_json({"service": name, **row})
    elif found:
        say_rows(_COLUMNS, found, wide=wide)
    else:
        remark("No dead letters.")


@app.command()
def show(
    dead_letter_id: Annotated[str, typer.Argument(help="Its id; as a list shortened it, 0193…4f2a, will do.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs: one document.")] = False,
) -> None:
    """Show one dead letter whole.

    Reason, traceback, original headers and bytes. These may hold personal data.

    Example: packhorse dead show 0193…4f2a
    """
    from packhorse_chassis.inputs import unpack_headers

    service, row = _one(dead_letter_id)
    headers = [(name, content) for name, content in unpack_headers(row["headers"])]
    if as_json:
        told = {"headers": [[name, repr(content)] for name, content in headers]}
        say_json({"service": service, **row, **told})
        return
    say(f"service: {service}")
    for name in (name for name in row if name not in {"headers", "value", "key", "traceback"}):
        say(f"{name}: {'–' if row[name] is None else visible(str(row[name]))}")
    say(f"key: {row['key']!r}")
    for name, content in headers:
        say(f"  {visible(name)}: {content!r}")
    say(repr(row["value"]))
    for line in (row["traceback"] or "").splitlines():
        say(visible(line))


def _one(shown: str) -> Letter:
    """The dead letter of this id, whole or as a list shows it."""
    begin, cut, end = shown.replace("...", "…").partition("…")
    sql = (
        "SELECT * FROM dead_letter WHERE id = $1 OR ($2 AND starts_with(id, $3) AND right(id, length($4)) = $4) LIMIT 2"
    )
    found = asyncio.run(_everywhere(sql, None, shown, bool(cut) and len(begin + end) > 5, begin, end))
    if len(found) == 1:
        return found[0]
    if found:
        raise system.fail(f"more than one dead letter is {shown}: name it whole (`--wide` shows it)", system.USAGE)
    raise system.fail(f"no service has a dead letter {shown}; see `packhorse dead list --all`", system.NOT_FOUND)


@app.command()
def retry(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code, e.g. unknown_sku.")] = None,
) -> None:
    """Try again what was given up.

    What waited behind it follows in its order.

    \b
    Examples:
      packhorse dead retry 0193…4f2a
      packhorse dead retry --code unknown_sku
    """
    _ask("retry", dead_letter_id, code)


@app.command()
def discard(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code.")] = None,
) -> None:
    """Give it up for good.

    What waited behind it goes on without it. The record stays for the books.

    Example: packhorse dead discard 0193…4f2a
    """
    _ask("discard", dead_letter_id, code)


def _ask(status: str, dead_letter_id: str | None, code: str | None) -> None:
    if (dead_letter_id is None) == (code is None):
        raise system.fail("name one dead letter, or use --code", system.USAGE)
    if dead_letter_id is not None and "…" in dead_letter_id.replace("...", "…"):
        dead_letter_id = _one(dead_letter_id)[1]["id"]
    sql = "UPDATE dead_letter SET status = $1 WHERE status = 'open' AND (id = $2 OR code = $3) RETURNING id"
    asked = asyncio.run(_everywhere(sql, None, status, dead_letter_id, code))
    if not asked:
        raise system.fail("no open dead letter is meant by that; see `packhorse dead list`", system.NOT_FOUND)
    for service, row in asked:
        say(f"{service}: {row['id']} will be {'tried again' if status == 'retry' else 'discarded'}")


async def _everywhere(sql: str, service: str | None, *args: object) -> list[Letter]:
    import asyncpg

    running = system.find()
    found: list[Letter] = []
    for name in [service] if service else list(system.SERVICES):
        db = await asyncpg.connect(running.database(name), timeout=5)
        try:
            found += [(name, dict(row)) for row in await db.fetch(sql, *args)]
        finally:
            await db.close()
    return found
