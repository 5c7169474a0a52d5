"""Says which seed a run has, so that any failure can be repeated."""

from .budget import LIVES, SEED


def pytest_report_header() -> str:
    """One line before the tests."""
    return f"simulation: SIMULATION_SEED={SEED} SIMULATION_LIVES={LIVES}"
