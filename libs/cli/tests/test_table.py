"""Tables are one line a row at any width, and rows alone behind a pipe."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_cli.table import Column, bare, fit, laid_out, visible, wrapped
from rich.cells import cell_len

Row = tuple[str, str, datetime, int, str]
ID = "0193a7b2-6600-7877-b890-d8bb495d25c2"
WHY = "unknown_sku: nobody has named this SKU; say it on catalogue.products, then retry"
ROWS: list[Row] = [
    (ID, "inventory", datetime(2026, 11, 28, 9, 5, tzinfo=UTC), 3, WHY),
    ("x", "order", datetime(2026, 11, 28, 9, 6, tzinfo=UTC), 1_200, "short"),
]
COLUMNS: list[Column[Row]] = [
    Column("id", lambda row: row[0], least=9),
    Column("service", lambda row: row[1], spare=1),
    Column("since", lambda row: row[2], spare=2),
    Column("waiting", lambda row: row[3], spare=3),
    Column("why", lambda row: row[4], least=20, cut="end"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text("日本🙂é\u0301a\u200d", max_size=30)


@pytest.mark.parametrize("width", [1, 5, 20, 40, 80, 200])
def test_a_row_is_one_line_at_any_width(width: int) -> None:
    """Nothing is wrapped, and nothing is wider than the terminal."""
    table = laid_out(COLUMNS, ROWS, width)
    assert len(table.lines) == len(ROWS)
    assert all(cell_len(line) <= width and "\n" not in line for line in [table.heading, *(t for t, _ in table.lines)])


def test_at_80_columns_all_columns_are_there() -> None:
    """Ids keep both ends, reasons their beginning, numbers stand to the right."""
    table = laid_out(COLUMNS, ROWS, 80)
    first, second = (line for line, _ in table.lines)
    assert table.heading == "id              service    since         waiting  why"
    assert first == "0193a7b…5d25c2  inventory  28 Nov 09:05        3  unknown_sku: nobody has named…"
    assert second == "x               order      28 Nov 09:06    1,200  short"


def test_at_200_columns_nothing_is_shortened() -> None:
    """Where there is room, cells are whole."""
    table = laid_out(COLUMNS, ROWS, 200)
    assert "…" not in "".join(line for line, _ in table.lines)
    assert table.left_out == []


def test_at_40_columns_what_can_be_spared_is_left_out_and_named() -> None:
    """The id and the reason stay."""
    table = laid_out(COLUMNS, ROWS, 40)
    assert table.left_out == ["service", "since", "waiting"]
    assert table.heading.split() == ["id", "why"]


def test_a_column_in_which_nothing_stands_takes_no_room() -> None:
    """Behind a pipe it is there, for programs count fields."""
    empty: Column[Row] = Column("status", lambda _: None)
    assert "status" not in laid_out([*COLUMNS, empty], ROWS, 80).heading
    assert bare([*COLUMNS, empty], ROWS[0]).count("\t") == len(COLUMNS)


def test_wide_shows_all() -> None:
    """However long the lines get."""
    assert WHY in laid_out(COLUMNS, ROWS, None).lines[0][0]


def test_behind_a_pipe_a_row_is_whole_and_has_tabs() -> None:
    """No heading, no blanks to align it; times in RFC 3339; no tab or line break of other people's."""
    assert bare(COLUMNS, ROWS[0]) == f"{ID}\tinventory\t2026-11-28T09:05:00.000Z\t3\t{WHY}"
    assert bare([Column("x", lambda row: row[0])], ("a\tb\nc",)) == "a b c"
    assert bare([Column("x", lambda row: row[0])], (None,)) == ""


@given(TEXTS, st.integers(1, 30), st.sampled_from(["middle", "end"]))
def test_a_cell_has_the_width_it_was_given(text: str, width: int, cut: str) -> None:
    """Wide characters are two cells, combined ones none; none of them is cut apart."""
    shown = fit(visible(text), width, "middle" if cut == "middle" else "end")
    assert cell_len(shown) == width


@given(TEXTS, st.integers(2, 30))
def test_wrapped_text_loses_nothing(text: str, width: int) -> None:
    """But blanks."""
    lines = wrapped(visible(text), width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_steers_a_terminal(text: str) -> None:
    """Escape codes, bells, turned direction, line breaks."""
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown) == len(text)


def test_what_steers_is_replaced_and_blanks_are_blanks() -> None:
    """A no-break space is a space; a bidi override is not."""
    assert visible("10\N{NO-BREAK SPACE}cm\r\n\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}x") == "10 cm  \ufffd[2J\ufffdx"
    assert json.loads(json.dumps(visible("日本"))) == "日本"


def test_a_number_that_is_missing_moves_no_other() -> None:
    """Numbers stand to the right also where one of them is unknown."""
    column: Column[int | None] = Column("waiting", lambda row: row)
    assert [line for line, _ in laid_out([column], [5, None], 80).lines] == ["      5", "      –"]
