"""Says which seed a run has, so that any failure can be repeated."""

from .budget import FACTOR, SEED


def pytest_report_header() -> str:
    """One line before the tests."""
    return f"fuzz: FUZZ_SEED={SEED} FUZZ_FACTOR={FACTOR:g}"
