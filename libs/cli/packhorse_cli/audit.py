"""`packhorse audit`: holds the books to the invariants."""

import asyncio
from typing import TYPE_CHECKING

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say_json, say_rows
from packhorse_cli.table import Column

if TYPE_CHECKING:
    from packhorse_audit.verdict import Violation


def audit(wide: Wide = False, as_json: AsJson = False) -> None:
    """Hold the books to the invariants.

    Compares databases, the gateway's book, mails and topics. Exit code 1 and a list where an invariant fails. Meant
    for a system at rest: what is under way may show as a difference that is gone a moment later.

    Example: packhorse audit && echo sound

    Behind a pipe there are the violations alone, a line each: invariant, subject, what was found, with tabs between.
    """
    from dataclasses import asdict

    from packhorse_audit.run import audit_system

    violations = asyncio.run(audit_system(system.find()))
    if as_json:
        for violation in violations:
            say_json(asdict(violation))
    else:
        verdict(violations, wide=wide)
    if violations:
        raise typer.Exit(system.WRONG)


def verdict(violations: "list[Violation]", *, wide: bool = False) -> None:
    """Every invariant, held or not; then what violates them."""
    from packhorse_audit.run import INVARIANTS

    failed = {violation.invariant for violation in violations}
    for invariant in INVARIANTS:
        remark(f"{'✗' if invariant in failed else '✓'} {invariant}", "red" if invariant in failed else "green")
    columns: list[Column[Violation]] = [
        Column("invariant", lambda found: found.invariant, least=12, cut="end", spare=1),
        Column("subject", lambda found: found.subject, least=9),
        Column("found", lambda found: found.found, least=20, cut="end"),
    ]
    say_rows(columns, violations, wide=wide, colour=lambda _: "red")
