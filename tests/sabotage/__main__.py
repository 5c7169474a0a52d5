"""`make sabotage`: tests of the tests. Seeded defects in a copy of the code, and which check catches each.

Exit code 1 where one survives, or where a check is red without any.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .defect import Defect
from .defects import DEFECTS
from .hunt import Report, Trial, checks_of, hunt


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, hunts, and tells."""
    parser = argparse.ArgumentParser(prog="make sabotage", description=__doc__)
    parser.add_argument("name", nargs="*", help="defects to try (default: all)")
    parser.add_argument("--list", action="store_true", help="say which defects there are, and end")
    parser.add_argument("--json", type=Path, help="write the report to this file as well")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if Console().is_terminal else 160)
    if unknown := set(chosen.name) - DEFECTS.keys():
        parser.error(f"no such defect: {', '.join(sorted(unknown))}")
    defects = [DEFECTS[name] for name in chosen.name] or list(DEFECTS.values())
    if chosen.list:
        console.print(catalogue(defects))
        return 0
    report = run(defects, console)
    tell(report, console)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(plain(report), indent=1) + "\n")
    return report.exit_code


def run(defects: Sequence[Defect], console: Console) -> Report:
    """The hunt, under a progress bar."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("copying", total=len(checks_of(defects)) + len(defects))
        done = -1

        def step(what: str) -> None:
            nonlocal done
            done += 1
            progress.update(task, description=what, completed=done)
            if not console.is_terminal:
                console.print(f"  {what}", highlight=False)

        def tried(trial: Trial) -> None:
            if not console.is_terminal:
                how = f"{trial.seconds:.0f} s, {trial.check.kind}" if trial.check else "survived"
                console.print(f"    {how}", highlight=False)

        return hunt(defects, step, tried)


def catalogue(defects: Sequence[Defect]) -> Table:
    """What there is."""
    table = Table("defect", "what it does", "checks", "in the model", title=f"{len(defects)} defects")
    for defect in defects:
        table.add_row(defect.name, defect.does, ", ".join(check.name for check in defect.checks), defect.mutant or "")
    return table


def tell(report: Report, console: Console) -> None:
    """The table, and what is wrong."""
    table = Table(show_lines=True)
    for heading in ("defect", "what it does", "kind", "caught by", "s", "in the model"):
        table.add_column(heading, overflow="fold")
    for trial in report.trials:
        if trial.check is None:
            kind, caught = "", Text(f"survived {', '.join(trial.passed)}", style="bold red")
        else:
            kind, caught = trial.check.kind, Text(trial.red.rpartition("/")[2])
        seconds = f"{trial.seconds:.0f}"
        table.add_row(trial.defect.name, trial.defect.does, kind, caught, seconds, trial.defect.mutant or "")
    console.print(table)
    sound = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in report.sound.items())
    console.print(f"On the sound code: {sound}", highlight=False)
    for fault in report.faults:
        console.print(f"NOTHING PROVED: {fault}", style="red", markup=False, highlight=False)
    for defect in report.survivors:
        console.print(f"SURVIVED: {defect.name}: {defect.does}", style="red", markup=False, highlight=False)
    if not report.exit_code:
        console.print(f"All {len(report.trials)} defects were caught.", highlight=False)


def plain(report: Report) -> dict[str, object]:
    """The report as JSON has it; times in seconds."""
    return {
        "sound": {name: round(seconds, 1) for name, seconds in report.sound.items()},
        "faults": report.faults,
        "survivors": [defect.name for defect in report.survivors],
        "defects": [
            {
                "name": trial.defect.name,
                "does": trial.defect.does,
                "kind": trial.check.kind if trial.check else None,
                "check": trial.check.name if trial.check else None,
                "caught_by": trial.red or None,
                "seconds": round(trial.seconds, 1),
                "passed": list(trial.passed),
                "mutant": trial.defect.mutant,
            }
            for trial in report.trials
        ],
    }


if __name__ == "__main__":
    raise SystemExit(main())
