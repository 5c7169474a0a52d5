"""What goes to whom: aligned and coloured for people at a terminal, bare for programs behind a pipe."""

import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TextIO, TypeVar

import typer

from packhorse_cli.table import Column, bare, fit, laid_out

T = TypeVar("T")

PIPE_CLOSED: Final = 141
"""Exit code where whoever read our output went away, as of a process that SIGPIPE ends."""

AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs: one object a line.")]
Personal = Annotated[bool, typer.Option("--personal", help="Also names, addresses and customers' own words.")]
Wide = Annotated[bool, typer.Option("--wide", help="Whole cells and all columns, however long the lines get.")]

_CODES: Final = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "grey": 90, "bold": 1}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where the output goes."""

    width: int | None
    """Cells of a line on a terminal; None where it is no terminal: a pipe, a file."""

    colour: bool = False

    def paint(self, text: str, colour: str | None) -> str:
        """The text in a colour, where there are any."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.colour and colour else text


def screen(to: TextIO | None = None) -> Screen:
    """Standard output, or another stream. Colours by https://no-color.org."""
    out = to or sys.stdout
    if not out.isatty():
        return Screen(None)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(max(shutil.get_terminal_size().columns, 1), colour)


def say(line: str, colour: str | None = None) -> None:
    """A line on standard output, at once: whoever reads a pipe waits for it."""
    _write(screen().paint(line, colour))


def remark(line: str, colour: str | None = None) -> None:
    """A line for people. Behind a pipe are only rows, so there it goes to standard error."""
    to = sys.stdout if sys.stdout.isatty() else sys.stderr
    to.write(screen(to).paint(line, colour) + "\n")


def say_json(value: object) -> None:
    """One JSON document on one line. What is not printable is escaped: JSON is looked at on terminals, too."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:  # JSON may hold 1e999, but has no word for what that is read as
        text = json.dumps(_finite(value), ensure_ascii=False, default=str)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
    _write(text)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _write(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. What is left in the buffer must not fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(PIPE_CLOSED) from None


def say_rows(
    columns: Sequence[Column[T]],
    rows: Iterable[T],
    *,
    wide: bool = False,
    colour: Callable[[T], str | None] | None = None,
) -> None:
    """A table: one line a row. On a terminal with a heading, and shortened to its width unless it shall be wide; else
    tab-separated, whole, and without a heading."""
    here, found = screen(), list(rows)
    if here.width is None:
        for row in found:
            say(bare(columns, row))
    elif found:
        table = laid_out(columns, found, None if wide else here.width, colour)
        say(table.heading, "bold")
        for line, its_colour in table.lines:
            say(line, its_colour)
        if table.left_out:
            say(fit(f"{len(table.left_out)} columns left out: --wide shows all", here.width, "end").rstrip(), "grey")
