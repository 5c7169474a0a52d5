"""`packhorse audit`: holds the books to the invariants."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from packhorse_audit.run import INVARIANTS, audit_system
from rich.console import Console

from packhorse_cli import system
from packhorse_cli.watch import visible


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a violation.")] = False,
) -> None:
    """Compares databases, the gateway's book, mails and topics. Exit code 1 and a list where an invariant fails.

    Meant for a system at rest: what is under way may show as a difference that is gone a moment later.

    Example: `packhorse audit && echo sound`
    """
    violations = asyncio.run(audit_system(system.find()))
    if as_json:
        for violation in violations:
            typer.echo(json.dumps(asdict(violation)))
    else:
        console = Console()
        failed = {violation.invariant for violation in violations}
        for invariant in INVARIANTS:
            console.print(f"{'[red]✗[/]' if invariant in failed else '[green]✓[/]'} {invariant}")
        for violation in violations:
            told = visible(f"{violation.invariant}: {violation.subject}: {violation.found}")
            console.print(told, style="red", markup=False)
    if violations:
        raise typer.Exit(1)
