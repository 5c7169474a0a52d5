"""The seeded defects fit the code, and the hunt tells a defect from none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from protocol_model import MUTANTS

from . import __main__ as command
from .checks import Check, simulation
from .defect import Defect, Edit, StaleError, edited
from .defects import ALL, DEFECTS
from .hunt import hunt
from .sandbox import PROJECT, HarnessError, Sandbox

FEW = simulation(300)
"""Enough for what shows in every order."""

NOTHING = Defect(
    "nothing",
    "Changes a comment.",
    [Edit("libs/chassis/packhorse_chassis/kafka/relay.py", '"""Publishes the outbox:', '"""It publishes the outbox:')],
    [FEW],
)


@pytest.mark.parametrize("defect", ALL, ids=lambda defect: defect.name)
def test_a_defect_fits_the_code(defect: Defect) -> None:
    """Each old text stands in its file exactly once; the file differs afterwards, and is still Python."""
    assert defect.checks
    assert defect.edits
    for name, text in edited(defect.edits, PROJECT).items():
        assert text != (PROJECT / name).read_text()
        if name.endswith(".py"):
            compile(text, name, "exec")


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    """A name repeats a run; the model's mutants are tried by the model's own test."""
    assert len(DEFECTS) == len(ALL) >= 16
    assert {defect.mutant for defect in ALL if defect.mutant} == set(MUTANTS)


def test_every_check_exists() -> None:
    """A test that was renamed is no check any more."""
    for check in {check.name: check for defect in ALL for check in defect.checks}.values():
        for path in check.arguments:
            assert not path.endswith(".py") or (PROJECT / path).exists(), path


@pytest.mark.parametrize("count", [0, 2])
def test_an_edit_that_no_longer_fits_is_an_error(count: int) -> None:
    """Once is meant: not gone, and not ambiguous."""
    with pytest.raises(StaleError, match=f"{count} times"):
        Edit("a.py", "old", "new").of("old " * count)


@pytest.fixture
def try_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Defect], tuple[int, str]]:
    """Runs the command with this one defect; gives its exit code and what it said."""

    def run(defect: Defect) -> tuple[int, str]:
        monkeypatch.setattr(command, "DEFECTS", {defect.name: defect})
        return command.main([defect.name]), capsys.readouterr().out

    return run


def test_a_defect_is_caught(try_one: Callable[[Defect], tuple[int, str]]) -> None:
    """In a copy of the code, by the simulation, which names what is broken."""
    known = DEFECTS["upcaster_dropped"]
    code, told = try_one(Defect(known.name, known.does, known.edits, [FEW]))
    assert code == 0, told
    assert "seed " in told


def test_a_survivor_is_told(try_one: Callable[[Defect], tuple[int, str]]) -> None:
    """What no check notices ends the run with an error, and with its name."""
    code, told = try_one(NOTHING)
    assert code == 1
    assert "SURVIVED: nothing" in told


def test_a_check_that_is_red_anyway_proves_nothing(try_one: Callable[[Defect], tuple[int, str]]) -> None:
    """It is run on the sound code first."""
    red = Check("red", "none", ("-c", "print('FAILED anyway'); raise SystemExit(1)"))
    code, told = try_one(Defect("nothing", "Nothing.", NOTHING.edits, [red]))
    assert code == 1
    assert "NOTHING PROVED: red is red on the sound code" in told


@pytest.mark.parametrize(
    "script",
    [
        "raise SystemExit(2)",
        "raise SystemExit(1)",
        "print('FAILED but fine')",
        "import sys; sys.path.insert(0, sys.argv[1]); import packhorse_contracts.ids",
    ],
    ids=["a wrong command", "an error that is no failed test", "red and yet green", "another copy of the code"],
)
def test_what_proves_nothing_is_an_error(script: str, tmp_path: Path) -> None:
    """Neither caught nor survived: the check itself didn't work."""
    check = Check("odd", "none", ("-c", script, str(PROJECT / "libs" / "contracts")))
    with pytest.raises(HarnessError, match="odd ended with"):
        Sandbox(tmp_path).run(check)


def test_the_copy_is_sound_again_after_a_defect(tmp_path: Path) -> None:
    """Each is tried alone."""
    sandbox, file = Sandbox(tmp_path), "libs/chassis/packhorse_chassis/kafka/relay.py"
    with sandbox.sabotaged(NOTHING.edits):
        assert (tmp_path / file).read_text() != (PROJECT / file).read_text()
    assert (tmp_path / file).read_text() == (PROJECT / file).read_text()


def test_nothing_is_tried_where_a_check_is_red_anyway() -> None:
    """The report says which."""
    red = Check("red", "none", ("-c", "print('FAILED anyway'); raise SystemExit(1)"))
    report = hunt([Defect("nothing", "Nothing.", NOTHING.edits, [red])], lambda _step: None)
    assert (report.exit_code, report.trials, len(report.faults)) == (1, [], 1)


def test_a_defect_that_no_longer_fits_is_told_before_anything_is_run() -> None:
    """The code moved on; a hunt takes minutes."""
    relay = "libs/chassis/packhorse_chassis/kafka/relay.py"
    stale = Defect("stale", "Nothing.", [Edit(relay, "no such text", "")], [FEW])
    report = hunt([stale], lambda _step: None)
    assert (report.exit_code, report.sound) == (1, {})
    assert "stale: libs/chassis/packhorse_chassis/kafka/relay.py has 0 times" in report.faults[0]
