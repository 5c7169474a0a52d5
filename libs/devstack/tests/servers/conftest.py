"""Folders to run servers in."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packhorse_devstack.places import data_folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, with the broker's jars at hand; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="packhorse-servers-"))
    folder.chmod(0o755)
    (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(data_folder() / "cache")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
