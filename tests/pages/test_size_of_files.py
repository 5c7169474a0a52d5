"""A file that nobody can hold in mind is split by theme."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MOST: Final = 400


def test_no_file_is_longer_than_can_be_held_in_mind() -> None:
    """Ours, tests included."""
    files = [file for part in ("libs", "services", "tests", "deploy") for file in (ROOT / part).rglob("*.py")]
    lines = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert len(lines) > 100
    assert {name: count for name, count in lines.items() if count > MOST} == {}
