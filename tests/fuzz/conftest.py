"""Says which seed a run has, so that any failure can be repeated."""

from _pytest.terminal import TerminalReporter

from .budget import FACTOR, SEED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line behind the tests."""
    terminalreporter.write_line(f"fuzz: repeat with FUZZ_SEED={SEED} FUZZ_FACTOR={FACTOR:g}")
