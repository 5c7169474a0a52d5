"""Sums of pieces by line, as facts name them: a line may come more than once."""

from collections.abc import Iterable, Mapping


def by_line(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Pieces by line id, in the order in which the lines are first named."""
    sums: dict[str, int] = {}
    for line_id, pieces in lines:
        sums[line_id] = sums.get(line_id, 0) + pieces
    return sums


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several counts of pieces by line id."""
    return by_line(pair for count in counts for pair in count.items())
