"""The table in README.md tells the truth: its rows lead to tests, and every test has a row."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def documented() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each row: where it was seen, and its tests."""
    table = (HERE / "README.md").read_text("utf-8").split("## Waiting")[0]
    for line in table.splitlines():
        if line.startswith("|") and "`test_" in line:
            yield line.split("|")[1].strip(), tuple(re.findall(r"`(test_\w+)`", line))


def written() -> dict[str, str]:
    """Docstrings of all tests of this folder, by name."""
    return {
        node.name: ast.get_docstring(node) or ""
        for path in HERE.glob("test_failures_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("seen_in", "tests"), list(documented()))
def test_each_row_has_tests_that_tell_of_it(seen_in: str, tests: tuple[str, ...]) -> None:
    """A test exists under its name, and its docstring names where it was seen."""
    told = written()
    assert set(tests) <= told.keys()
    for test in tests:
        assert seen_in in told[test]


def test_each_test_has_a_row() -> None:
    """None is forgotten."""
    assert written().keys() == {test for _, tests in documented() for test in tests}
