"""`packhorse dead`: what was given up, and what to do about it."""

import asyncio
from typing import Annotated, Any

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say, say_json, say_rows, screen
from packhorse_cli.table import Column, visible

app = typer.Typer(no_args_is_help=True, help="List, show, retry or discard what a service gave up.")
Letter = tuple[str, dict[str, Any]]
"""A service, and the row of its dead letter."""

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

_DECIDE = """
UPDATE dead_letter SET status = $1, decided_by = $4, decided_at = now(), why = $5
WHERE status = 'open' AND (id = $2 OR code = $3) AND ($1 = 'discard' OR emptied_at IS NULL) RETURNING id"""

_EMPTY = """
SELECT topic, count(*) AS letters FROM dead_letter
WHERE status = 'open' AND (id = $1 OR code = $2) AND emptied_at IS NOT NULL GROUP BY topic"""

_SHOWN = 50
"""Letters that are listed to people unless they ask for more."""

_NAMED = 20
"""Letters that are named one by one when many are decided on."""


def _from(letter: Letter) -> str:
    return str(letter[1]["topic"])


def _state(letter: Letter) -> str:
    row = letter[1]
    words = [row["status"], *(["parked"] if row["parked"] else [])]
    if row["emptied_at"]:
        words.append("content on the topic alone")
    if row["decided_by"]:
        words.append(f"by {row['decided_by']}" + (f": {row['why']}" if row["why"] else ""))
    return ", ".join(words)


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


_GROUP_COLUMNS: list[Column[Letter]] = [
    Column("service", lambda letter: letter[0], spare=1),
    Column("code", lambda letter: letter[1]["code"], least=12),
    Column("from", _from, least=8, spare=2),
    Column("letters", lambda letter: letter[1]["letters"]),
    Column("parked", lambda letter: letter[1]["parked"] or None),
    Column("oldest (UTC)", lambda letter: letter[1]["oldest"], spare=4),
    Column("newest (UTC)", lambda letter: letter[1]["newest"], spare=3),
    Column("for example", lambda letter: letter[1]["example"], least=9),
]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Option(help="Only this service's.", show_default="all")] = None,
    code: Annotated[
        str | None, typer.Option(help="Only those with this code, e.g. unknown_sku.", show_default="all")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those already retried or discarded.")] = False,
    groups: Annotated[bool, typer.Option("--groups", help="How many there are of each code and topic.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many at most.", show_default=f"{_SHOWN} on a terminal, else all")
    ] = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first, or sum them up.

    Exit code 0 also where there are none.

    \b
    Examples:
      packhorse dead list
      packhorse dead list --groups
      packhorse dead list --service inventory --wide
      packhorse dead list | cut -f1 | xargs -n1 packhorse dead show

    Behind a pipe a line is: id, since, service, topic, about, status, waiting behind it, why, with tabs between them.
    """
    if service is not None and service not in system.SERVICES:
        raise system.fail(f"there is no service {service}{system.perhaps(service, system.SERVICES)}", system.USAGE)
    most = limit or (_SHOWN if screen().width is not None and not as_json and not groups else None)
    if groups:
        found = asyncio.run(_everywhere(_GROUPS, service, everything, code))
    else:
        found = asyncio.run(_everywhere(_LIST, service, everything, code, most and most + 1))
        found.sort(key=lambda letter: letter[1]["at"])
    shown = found[:most]
    if as_json:
        for name, row in shown:
            say_json({"service": name, **row})
    elif shown:
        say_rows(_GROUP_COLUMNS if groups else _COLUMNS, shown, wide=wide)
    else:
        remark("No dead letters.")
    if len(found) > len(shown):
        remark(f"These are the oldest {len(shown)}: --limit shows more, --groups sums up all of them.")


@app.command()
def show(
    dead_letter_id: Annotated[str, typer.Argument(help="Its id; as a list shortened it, 0193…4f2a, will do.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs: one document.")] = False,
) -> None:
    """Show one dead letter whole.

    Reason, traceback, original headers and bytes. These may hold personal data.

    Example: packhorse dead show 0193…4f2a
    """
    from packhorse_chassis.core.inputs import unpack_headers

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


_By = Annotated[str | None, typer.Option("--by", help="Who decides.", show_default="you")]


@app.command()
def retry(
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code, e.g. unknown_sku.")] = None,
    why: Annotated[str | None, typer.Option(help="What has changed since; it is kept.")] = None,
    by: _By = None,
) -> None:
    """Try again what was given up.

    What waited behind it follows in its order.

    \b
    Examples:
      packhorse dead retry 0193…4f2a
      packhorse dead retry --code unknown_sku --why "the catalogue is complete"
    """
    _ask("retry", dead_letter_id, code, why, by)


@app.command()
def discard(
    why: Annotated[str, typer.Option(help="Why it may be given up; it is kept.")],
    dead_letter_id: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    code: Annotated[str | None, typer.Option(help="All open ones with this code.")] = None,
    by: _By = None,
) -> None:
    """Give it up for good.

    What waited behind it goes on without it. That it was, who decided and why stays on record.

    Example: packhorse dead discard 0193…4f2a --why "a test order"
    """
    if not why.strip():
        raise system.fail("say why: whoever asks for this order later will want to know", system.USAGE)
    _ask("discard", dead_letter_id, code, why, by)


def _ask(status: str, dead_letter_id: str | None, code: str | None, why: str | None, by: str | None) -> None:
    if (dead_letter_id is None) == (code is None):
        raise system.fail("name one dead letter, or use --code", system.USAGE)
    if dead_letter_id is not None and "…" in dead_letter_id.replace("...", "…"):
        dead_letter_id = _one(dead_letter_id)[1]["id"]
    asked = asyncio.run(_everywhere(_DECIDE, None, status, dead_letter_id, code, by or system.me(), why))
    empty = asyncio.run(_everywhere(_EMPTY, None, dead_letter_id, code)) if status == "retry" else []
    fate = "tried again" if status == "retry" else "discarded"
    for service, row in asked[:_NAMED]:
        say(f"{service}: {row['id']} will be {fate}")
    if len(asked) > _NAMED:
        say(f"… and {len(asked) - _NAMED:,} more will be {fate}")
    for service, row in empty:
        dead = f"{row['topic']}.{service}.dead"
        told = f"{service}: {row['letters']:,} can't be tried again from here, for their content is on {dead} alone"
        typer.secho(told, fg="red", err=True)
    if not asked:
        raise system.fail("no open dead letter is meant by that; see `packhorse dead list`", system.NOT_FOUND)


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
