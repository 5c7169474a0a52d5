"""Tables of one line a row. Pure: what is where at which width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Literal, TypeVar

from rich.cells import cell_len, split_graphemes

T = TypeVar("T")

_GAP: Final = "  "
_MOST: Final = 4_000
"""Characters of a cell that are looked at; nothing that long is read in a table."""

Cut = Literal["middle", "end"]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column: its heading, and what stands there for a row. Numbers stand to the right."""

    name: str
    of: Callable[[T], object]
    least: int | None = None
    """Cells that are left of it, however narrow the terminal; None: it is never shortened."""

    spare: int = 0
    """Where there isn't room for all, the column with the highest number is left out first; those with 0 stay."""

    cut: Cut = "middle"
    """Ids are known by both of their ends, sentences by their beginning."""

    right: bool = False
    """For numbers with a unit; those without stand to the right anyway."""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines as they are printed, each with the colour of its row."""

    heading: str
    lines: list[tuple[str, str | None]]
    left_out: list[str]


def laid_out(
    columns: Sequence[Column[T]], rows: Sequence[T], width: int | None, colour: Callable[[T], str | None] | None = None
) -> Table:
    """The table in so many cells; as wide as it is where `width` is None. Columns in which nothing stands go."""
    columns = [column for column in columns if any(column.of(row) not in {None, ""} for row in rows)]
    texts = {column.name: [shown(column.of(row), whole=width is None) for row in rows] for column in columns}
    natural = {c.name: max(map(cell_len, [c.name, *texts[c.name]])) for c in columns}
    there = _that_fit(columns, natural, width)
    widths = _widths(there, natural, width)
    right = {c.name for c in there if c.right or all(_is_number(c.of(row)) for row in rows)}
    cuts = {c.name: c.cut for c in there}

    def line(cells: dict[str, str]) -> str:
        told = [
            fit(text, widths[name], cuts[name], right=name in right, whole=width is None)
            for name, text in cells.items()
        ]
        whole_line = _GAP.join(told).rstrip()
        return whole_line if width is None else fit(whole_line, width, "end").rstrip()

    return Table(
        line({name: name for name in widths}),
        [
            (line({name: texts[name][number] for name in widths}), colour(row) if colour else None)
            for number, row in enumerate(rows)
        ],
        [column.name for column in columns if column not in there],
    )


def bare(columns: Sequence[Column[T]], row: T) -> str:
    """A row for programs: all of every cell, tabs between them."""
    return "\t".join(plain(column.of(row)) for column in columns)


def plain(value: object) -> str:
    """A cell for programs: nothing for None, times in RFC 3339."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return "" if value is None else visible(str(value))


def shown(value: object, *, whole: bool = False) -> str:
    """A cell for people."""
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" if whole else f"{value:%d %b %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return visible(str(value) if whole else str(value)[:_MOST])


def visible(text: str) -> str:
    """Other people's text for a terminal. What would steer it (escape codes, turned direction) is a replacement
    character; line breaks, tabs and the like are blanks."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def fit(text: str, width: int, cut: Cut = "middle", *, right: bool = False, whole: bool = False) -> str:
    """The text in so many cells of a terminal, wide characters counted as two: shortened, or filled up with blanks."""
    if not whole and cell_len(text) > width:
        text = _shortened(text, width, cut)
    room = " " * max(width - cell_len(text), 0)
    return room + text if right else text + room


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of so many cells, broken between words where it can."""
    lines = [""]
    for word in text.split():
        first, *more = _chopped(word, max(width, 2))
        joined = f"{lines[-1]} {first}".lstrip()
        if cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(first)
        lines += more
    return lines


def _chopped(word: str, width: int) -> list[str]:
    parts, room = [""], width
    for start, end, cells in split_graphemes(word)[0]:
        if cells > room:
            parts.append("")
            room = width
        parts[-1] += word[start:end]
        room -= cells
    return parts


def _shortened(text: str, width: int, cut: Cut) -> str:
    if width < 1:
        return ""
    back = (width - 1) // 2 if cut == "middle" else 0
    spans = split_graphemes(text)[0]
    tail, left = len(text), back
    for start, _, cells in reversed(spans):
        if cells > left:
            break
        tail, left = start, left - cells
    head, left = 0, width - 1 - back
    for _, end, cells in spans:
        if cells > left:
            break
        head, left = end, left - cells
    return f"{text[:head]}…{text[tail:]}"


def _that_fit(columns: Sequence[Column[T]], natural: dict[str, int], width: int | None) -> list[Column[T]]:
    there = list(columns)
    while width is not None and sum(_floor(c, natural) for c in there) + len(_GAP) * (len(there) - 1) > width:
        least_needed = max(there, key=lambda column: column.spare)
        if not least_needed.spare:
            break
        there.remove(least_needed)
    return there


def _floor(column: Column[T], natural: dict[str, int]) -> int:
    return natural[column.name] if column.least is None else min(column.least, natural[column.name])


def _widths(columns: Sequence[Column[T]], natural: dict[str, int], width: int | None) -> dict[str, int]:
    """Everybody's least; what is left goes, cell by cell, to whoever shows the smallest part of itself."""
    if width is None:
        return {column.name: natural[column.name] for column in columns}
    widths = {column.name: _floor(column, natural) for column in columns}
    room = width - len(_GAP) * (len(columns) - 1) - sum(widths.values())
    while room < 0 and (widest := max(widths, key=lambda name: widths[name])) and widths[widest] > 1:
        widths[widest] -= 1
        room += 1
    while room > 0:
        short = [name for name in widths if widths[name] < natural[name]]
        if not short:
            break
        widths[min(short, key=lambda name: widths[name] / natural[name])] += 1
        room -= 1
    return widths


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
