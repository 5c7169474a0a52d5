"""What stands in the log, and what must not."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from packhorse_chassis import log
from packhorse_chassis.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is global: put back what was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values(form: Literal["json", "console"], capsys: pytest.CaptureFixture[str]) -> None:
    """Local variables hold customers' data and passwords."""
    log.configure("toy", Settings(log_format=form))

    def fails() -> None:
        password = "hunter2-" + "x"
        raise ValueError(len(password))

    try:
        fails()
    except ValueError:
        structlog.get_logger().exception("it failed")
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "fails" in told
    assert "hunter2-x" not in told


def test_a_line_says_which_order_and_which_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is bound is on every line, also on those of libraries."""
    log.configure("toy", Settings(log_format="json"))
    structlog.contextvars.bind_contextvars(order_id="O-1", trace_id="4bf92f")
    structlog.get_logger().info("ours")
    logging.getLogger("somebody").warning("theirs")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["ours", "theirs"]
    assert {(line["service"], line["order_id"], line["trace_id"]) for line in lines} == {("toy", "O-1", "4bf92f")}
