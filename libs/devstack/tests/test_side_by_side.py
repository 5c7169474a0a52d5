"""Tests run side by side, and those that share what was set up stay together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from packhorse_devstack.pytest_order import ONE_SYSTEM, together

_TEST = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(8))
def test_where(number):
    with pathlib.Path(__file__).with_suffix(".txt").open("a") as said:
        said.write(f"{os.environ['PYTEST_XDIST_WORKER']} {number}\\n")
"""


def test_a_file_stays_on_one_worker_in_its_order(tmp_path: Path) -> None:
    """Whatever else runs, and also where xdist overlooks a group's marks."""
    files = [tmp_path / f"test_{name}.py" for name in "abc"]
    for file in files:
        file.write_text(_TEST)
    command = [sys.executable, "-m", "pytest", "-p", "packhorse_devstack.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "-n", "2", "--dist", "loadgroup", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    workers = []
    for file in files:
        said = [line.split() for line in file.with_suffix(".txt").read_text().splitlines()]
        assert [number for _, number in said] == [str(number) for number in range(8)]
        workers.append({worker for worker, _ in said})
    assert [len(one) for one in workers] == [1, 1, 1]
    assert set.union(*workers) == {"gw0", "gw1"}


@pytest.mark.parametrize("name", ["test_roads", "test_tampering"])
def test_a_folder_that_shares_a_system_is_one(name: str) -> None:
    """It takes half a minute to start."""
    assert together(f"tests/endtoend/{name}.py::test_x[a::b]") == ONE_SYSTEM
    assert together(f"tests/other/{name}.py::test_x[a::b]") == f"tests/other/{name}.py"
