"""For tests: a command at a terminal of so many columns."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping


def terminal(command: list[str], env: Mapping[str, str], columns: int) -> tuple[int, str]:
    """Its exit code, and all that it writes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(env))
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            some = os.read(ours, 65_536)
        except OSError:  # as Linux says that nobody has the other end any more
            break
        if not some:
            break
        shown += some
    os.close(ours)
    return child.wait(), shown.decode().replace("\r\n", "\n")
