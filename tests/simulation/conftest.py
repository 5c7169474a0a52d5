"""Says which seed a run has, so that any failure can be repeated."""

from _pytest.terminal import TerminalReporter

from .budget import LIVES, SEED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line behind the tests."""
    terminalreporter.write_line(f"simulation: repeat with SIMULATION_SEED={SEED} SIMULATION_LIVES={LIVES}")
