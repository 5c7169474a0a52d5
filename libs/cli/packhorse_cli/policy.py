"""`packhorse policy`: what the business has set for a service, and setting it anew."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say, say_json, say_rows, screen
from packhorse_cli.policy_shown import (
    COLOURS,
    FIELDS,
    SHORT,
    VERSIONS,
    document,
    plainly,
    rows,
    say_changes,
    say_faults,
    say_headline,
)
from packhorse_cli.table import plain

if TYPE_CHECKING:
    from packhorse_contracts.operations import OperationsPolicySet

    from packhorse_cli.policy_file import PolicyFile
    from packhorse_cli.policy_versions import Change, Version

app = typer.Typer(no_args_is_help=True, help="Show, check, compare and set what a business tunes.")
_PATIENCE: Final = 10.0

_File = Annotated[Path, typer.Argument(help="A policy: YAML or JSON. Examples lie in deploy/policies.")]
_Service = Annotated[str | None, typer.Option(help="Whose it is.", show_default="as `service:` in the file says")]


@app.command()
def show(
    service: Annotated[str | None, typer.Argument(help="One service.", show_default="all")] = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Show what is in force: each field, and whether somebody has set it.

    Version 0 is that of the code: nobody has set anything.

    \b
    Examples:
      packhorse policy show
      packhorse policy show order --wide

    Behind a pipe a line is: service, field, value, set or default, version, since, by, why, with tabs between them.
    """
    from packhorse_cli.policy_versions import in_force

    _known(service)
    for name, found in _all(service).items():
        version = in_force(name, found)
        if as_json:
            say_json(document(version))
        elif screen().width is None:
            say_rows(FIELDS, rows(version))
        else:
            say_headline(version)
            say_rows(SHORT, rows(version), wide=wide, colour=lambda row: "yellow" if row.state == "set" else None)
            say("")


@app.command()
def check(file: _File, service: _Service = None, wide: Wide = False, as_json: AsJson = False) -> None:
    """Check a policy file, without any system.

    Names every fault with its line and column, and what would be right. Exit code 1 where there are any.

    Example: packhorse policy check deploy/policies/order.yaml

    Behind a pipe there are the faults alone: file, line, column, field, what is wrong, what would be right.
    """
    found = _sound(file, service, wide=wide, as_json=as_json)
    from packhorse_cli.policy_file import differing

    assert found.policy is not None  # noqa: S101 -- it is sound
    told = ", ".join(differing(found.policy)) or "nothing"
    remark(f"{file} is a policy of {found.service}; {told} differs from the defaults")


@app.command()
def diff(file: _File, service: _Service = None, wide: Wide = False, as_json: AsJson = False) -> None:
    """Compare a policy file with what is in force.

    What the file doesn't name would be as by default. Exit code 1 where anything differs.

    Example: packhorse policy diff order.yaml

    Behind a pipe a line is: field, value in force, value by the file, default.
    """
    found = _sound(file, service, wide=wide, as_json=as_json)
    version, changed = _against(found)
    say_changes(changed, wide=wide, as_json=as_json)
    if changed:
        raise typer.Exit(system.WRONG)
    remark(f"{found.service} goes by this already: version {version.number}")


@app.command("set")
def set_(
    file: _File,
    why: Annotated[str | None, typer.Option(help="What for; it is kept. Needed unless it's a dry run.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who sets it.", show_default="you")] = None,
    service: _Service = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask the service what would come of it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: for scripts.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds that the service has to take it.")] = _PATIENCE,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs: one document.")] = False,
) -> None:
    """Set the policy of a service: it goes by it from then on, without a restart.

    The file stands for all that was set before: what it doesn't name is as by default again. Shows what changes, and
    asks. Exit code 1 where the file is wrong, or the service refuses it.

    \b
    Examples:
      packhorse policy set order.yaml --why "Christmas" --dry-run
      packhorse policy set order.yaml --why "Christmas" --by emma --yes
    """
    found = _sound(file, service, wide=wide, as_json=as_json)
    if not (dry_run or (why or "").strip()):
        raise system.fail("say why (--why): whoever looks at an old decision will want to know", system.USAGE)
    if not (dry_run or yes or sys.stdin.isatty()):
        raise system.fail("nobody can be asked here: add --yes", system.USAGE)
    version, changed = _against(found)
    name, running = version.service, system.find()
    if not changed:
        _told_already(version, as_json=as_json)
        return
    if not as_json:
        say_changes(changed, wide=wide, as_json=False)
    fact = _fact(found, version.number + 1, by, why)
    if dry_run:
        _ask(running.kafka, fact, changed, wait, as_json=as_json)
        return
    if not yes and not typer.confirm(f"Set version {fact.policy_version} of {name}?", err=True):
        raise system.fail("nothing was set", system.USAGE)
    _set(running.kafka, fact, changed, wait, as_json=as_json)


@app.command()
def history(
    service: Annotated[str, typer.Argument(help="One service.")], wide: Wide = False, as_json: AsJson = False
) -> None:
    """Show all versions of a service's policy, the oldest first.

    With each what changed. The topic keeps a year of them; services keep all, in their table policy_version.

    Example: packhorse policy history order

    Behind a pipe a line is: version, at, by, state, what changed, why.
    """
    from packhorse_cli.policy_versions import stories

    _known(service)
    found = list(stories(_all(service)[service]))
    if as_json:
        for version, changed in found:
            say_json({**document(version), "state": version.fate, "changes": [plainly(one) for one in changed]})
    elif found:
        say_rows(VERSIONS, found, wide=wide, colour=lambda row: COLOURS.get(row[0].fate))
    else:
        remark(f"Nobody has set a policy of {service}: it goes by the defaults.")


# What is looked at


def _known(service: str | None) -> None:
    if service is not None and service not in system.SERVICES:
        raise system.fail(f"there is no service {service}{system.perhaps(service, system.SERVICES)}", system.USAGE)


def _sound(file: Path, service: str | None, *, wide: bool, as_json: bool) -> "PolicyFile":
    """The file, read; where it is wrong all its faults are said, and the command ends."""
    from packhorse_cli.policy_file import MOST_CHARS, read

    _known(service)
    try:
        with file.open("rb") as opened:
            text = opened.read(8 * MOST_CHARS).decode()
    except OSError as error:
        raise system.fail(f"{file} can't be read: {error.strerror or error}", system.USAGE) from error
    except UnicodeDecodeError as error:
        raise system.fail(f"{file} is no text in UTF-8 (byte {error.start})", system.WRONG) from error
    found = read(text, service)
    if found.faults:
        say_faults(file, found.faults, wide=wide, as_json=as_json)
        remark(f"{len(found.faults)} faults" if len(found.faults) > 1 else "one fault")
        raise typer.Exit(system.WRONG)
    return found


def _all(service: str | None) -> "dict[str, list[Version]]":
    from packhorse_cli.policy_topic import all_versions

    return asyncio.run(all_versions(system.find().kafka, [service] if service else system.SERVICES))


def _against(found: "PolicyFile") -> "tuple[Version, list[Change]]":
    """What is in force, and what would change."""
    from packhorse_cli.policy_versions import changes, in_force

    assert found.service is not None and found.policy is not None  # noqa: S101, PT018 -- it is sound
    version = in_force(found.service, _all(found.service)[found.service])
    return version, changes(found.service, version.values, found.policy.model_dump(mode="json"))


# Setting it


def _fact(found: "PolicyFile", number: int, by: str | None, why: str | None) -> "OperationsPolicySet":
    from packhorse_contracts.operations import OperationsPolicySet
    from pydantic import ValidationError

    from packhorse_cli.policy_file import differing

    assert found.policy is not None  # noqa: S101 -- it is sound
    given = {"service": found.service, "policy_version": number, "at": datetime.now(UTC), "why": why or ""}
    try:
        return OperationsPolicySet.model_validate({**given, "policy": differing(found.policy), "by": by or system.me()})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise system.fail(f"--{'.'.join(map(str, first['loc']))}: {first['msg']}", system.USAGE) from None


def _told_already(version: "Version", *, as_json: bool) -> None:
    if as_json:
        say_json({**document(version), "changes": []})
    remark(f"{version.service} goes by this already: version {version.number}. Nothing was set.")


def _ask(kafka: str, fact: "OperationsPolicySet", changed: "Sequence[Change]", wait: float, *, as_json: bool) -> None:
    from packhorse_cli import policy_topic

    answer = asyncio.run(policy_topic.ask(kafka, fact, wait))
    if answer is None:
        raise system.fail(
            f"{fact.service} doesn't answer within {wait:g} s: is it running? By itself the file is sound, and nothing "
            "was set"
        )
    if as_json:
        refusal = None if answer.refusal is None else answer.refusal.model_dump(mode="json")
        told = {"service": fact.service, "version": fact.policy_version, "refusal": refusal}
        say_json({**told, "changes": [plainly(one) for one in changed]})
    if answer.refusal is not None:
        raise system.fail(f"{fact.service} would refuse it: {answer.refusal.message}", system.WRONG)
    remark(f"{fact.service} would take it as version {fact.policy_version}. Nothing was set.")


def _set(kafka: str, fact: "OperationsPolicySet", changed: "Sequence[Change]", wait: float, *, as_json: bool) -> None:
    from packhorse_cli import policy_topic
    from packhorse_cli.policy_versions import in_force

    name, number = fact.service, fact.policy_version
    place = asyncio.run(policy_topic.publish(kafka, fact))
    found = _all(name)[name]
    ours = next(version for version in found if version.place == str(place))
    if ours.fate == "refused" and not ours.refusal.startswith("version_taken"):
        raise system.fail(f"{name} refuses it: {ours.refusal}", system.WRONG)
    if ours.fate == "refused":
        first = in_force(name, found)
        raise system.fail(
            f"{first.by} has set version {first.number} of {name} at the same time, and it came first: this one isn't "
            "in force. Compare with `packhorse policy diff`, and set it again",
            system.WRONG,
        )
    taken = asyncio.run(policy_topic.taken(kafka, name, place, wait))
    if taken and (reason := asyncio.run(policy_topic.refused(kafka, name, place))) is not None:
        raise system.fail(f"{name} has refused version {number}, see `packhorse dead list`: {reason}", system.WRONG)
    if as_json:
        told = {"service": name, "version": number, "at": plain(fact.at), "by": fact.by, "why": fact.why}
        say_json({**told, "changes": [plainly(one) for one in changed], "taken": taken})
    since = f"version {number} of {name} is on the topic since {place.at:%H:%M:%S} UTC"
    if taken:
        remark(f"{since}, and in force: {name} has taken it", "green")
    else:
        remark(f"{since}; {name} hasn't taken it yet, and goes by it as soon as it runs: see `packhorse lag`")
