"""Where things lie, and which ports are free."""

import os
import socket
from pathlib import Path


def project() -> Path:
    """The project's folder: the nearest one above here, or above the current folder, with `deploy/topics.toml`."""
    for start in (Path(__file__).resolve(), Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "deploy" / "topics.toml").exists():
                return folder
    raise FileNotFoundError("deploy/topics.toml is not found from here: run this inside a clone of the project")


def data_folder() -> Path:
    """`PACKHORSE_DATA`, else `.packhorse` in the project; git ignores it."""
    return Path(os.environ.get("PACKHORSE_DATA") or project() / ".packhorse").resolve()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_free(port: int) -> bool:
    """True where nobody listens on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
