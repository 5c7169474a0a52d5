"""Puts defects in, one at a time, and looks which check notices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from .checks import MODEL, Check
from .defect import Defect, StaleError, edited
from .sandbox import HarnessError, Sandbox

Tell = Callable[[str], None]
"""Called with what is done next, before each step."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one defect. `check` is None for a survivor; `seconds` are those of all checks that were tried."""

    defect: Defect
    check: Check | None
    red: str
    seconds: float
    passed: tuple[str, ...]
    """Checks that didn't notice."""


Tried = Callable[[Trial], None]
"""Called with what became of a defect."""


@dataclass(slots=True)
class Report:
    """What a hunt found. Only where both lists of faults are empty is anything proved."""

    sound: dict[str, float] = field(default_factory=dict)
    """Seconds of each check on the sound code."""

    trials: list[Trial] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Checks that are red anyway, and whatever else kept a check from proving something."""

    @property
    def survivors(self) -> list[Defect]:
        """Defects that no check noticed."""
        return [trial.defect for trial in self.trials if trial.check is None]

    @property
    def exit_code(self) -> int:
        """0 where every defect was caught by checks that are green without it."""
        return 1 if self.survivors or self.faults else 0


def hunt(defects: Sequence[Defect], tell: Tell, tried: Tried = lambda _trial: None) -> Report:
    """First every check on the sound copy, for one that is red anyway proves nothing; then each defect.

    Nothing is run where a defect no longer fits the code.
    """
    report = Report()
    with TemporaryDirectory(prefix="packhorse-sabotage-") as name:
        sandbox = Sandbox(Path(name).resolve())
        for defect in defects:
            try:
                edited(defect.edits, sandbox.folder)
            except StaleError as stale:
                report.faults.append(f"{defect.name}: {stale}")
        if report.faults:
            return report
        for check in checks_of(defects):
            tell(f"sound: {check.name}")
            _on_sound_code(sandbox, check, report)
        if report.faults:
            return report
        for defect in defects:
            tell(defect.name)
            try:
                report.trials.append(_tried(sandbox, defect))
                tried(report.trials[-1])
            except HarnessError as error:
                report.faults.append(f"{defect.name}: {error}")
    return report


def checks_of(defects: Sequence[Defect]) -> list[Check]:
    """All that are needed, each once."""
    wanted = [check for defect in defects for check in defect.checks]
    if any(defect.mutant for defect in defects):
        wanted.append(MODEL)
    return list({check.name: check for check in wanted}.values())


def _on_sound_code(sandbox: Sandbox, check: Check, report: Report) -> None:
    try:
        ran = sandbox.run(check)
    except HarnessError as error:
        report.faults.append(f"on the sound code, {error}")
        return
    report.sound[check.name] = ran.seconds
    if ran.red is not None:
        report.faults.append(f"{check.name} is red on the sound code: {ran.red}\n{ran.output[-2_000:]}")


def _tried(sandbox: Sandbox, defect: Defect) -> Trial:
    seconds = 0.0
    passed: list[str] = []
    with sandbox.sabotaged(defect.edits):
        for check in defect.checks:
            ran = sandbox.run(check)
            seconds += ran.seconds
            if ran.red is not None:
                return Trial(defect, check, ran.red, seconds, tuple(passed))
            passed.append(check.name)
    return Trial(defect, None, "", seconds, tuple(passed))
