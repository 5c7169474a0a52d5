"""Tests that run side by side: the longest files begin first."""

import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

QUICK = "import pytest\n\n@pytest.mark.parametrize('n', range(9))\ndef test_quick(n): pass\n"
SLOW = "import time\n\ndef test_slow(): time.sleep(0.2)\n"
SERVERS = "import pytest\n\n@pytest.fixture\ndef stack(): pass\n\ndef test_servers(stack): pass\n"
OWN = "import pytest\n\n@pytest.fixture(scope='module')\ndef own(): pass\n\ndef test_own(own): pass\n"


def pytest_in(folder: Path, *options: str) -> str:
    """What a run says that knows nothing of ours but the order."""
    plugins = ("-p", "packhorse_devstack.pytest_order", "-p", "xdist")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        (sys.executable, "-m", "pytest", "-v", *plugins, *options),
        cwd=folder,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def run(folder: Path, *options: str) -> list[str]:
    """The files in the order in which their tests ran, with the number of them."""
    said = pytest_in(folder, *options)
    ran = re.findall(r"^\[gw0\].*PASSED test_(\w+)\.py|^test_(\w+)\.py.*PASSED", said, re.MULTILINE)
    return [f"{name} {len(list(tests))}" for name, tests in groupby(beside or alone for beside, alone in ran)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, the quickest first by name and by number of tests."""
    for name, text in {"a": QUICK, "b": SLOW, "c": SERVERS, "d": OWN}.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    (tmp_path / "pytest.ini").touch()
    return tmp_path


def test_the_longest_of_the_last_run_begin_first(folder: Path) -> None:
    """The first run can but guess: who starts something of its own, then who needs servers. The next one knows."""
    beside = ("-n", "1", "--dist", "loadgroup")
    assert run(folder, *beside) == ["d 1", "c 1", "a 9", "b 1"]
    assert run(folder, *beside)[0] == "b 1"


def test_a_process_alone_keeps_the_order_of_the_files(folder: Path) -> None:
    """There is nobody to wait for, and a mistake shows sooner in what is quick."""
    assert run(folder) == ["a 9", "b 1", "c 1", "d 1"]
