"""What stands in the log, and what must not."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from packhorse_chassis.settings import Settings
from packhorse_chassis.telemetry import log


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


STEERING = "\x1b[2J\x1b]0;title\x07\x9b1m\r\n\x00\u202e\u2028"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("where", ["value", "event", "nested", "error", "cause", "theirs", "bound"])
def test_what_others_sent_steers_no_terminal(
    form: Literal["json", "console"], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it stands: escape codes, line breaks and turned direction are shown as what they are."""
    log.configure("toy", Settings(log_format=form))
    logger, evil = structlog.get_logger(), f"O-1{STEERING}"
    if where == "value":
        logger.info("heard", order_id=evil)
    elif where == "event":
        logger.info(evil)
    elif where == "nested":
        logger.info("heard", headers=[(evil, {"a": evil})], raw=evil.encode())
    elif where == "theirs":
        logging.getLogger("somebody").warning("a topic called %s", evil)
    elif where == "bound":
        structlog.contextvars.bind_contextvars(order_id=evil)
        logger.info("heard")
    else:
        try:
            try:
                raise ValueError(evil)
            except ValueError as error:
                raise (LookupError("sound") if where == "cause" else LookupError(evil)) from error
        except LookupError:
            logger.exception("it failed")
    told = re.sub("\x1b\\[[0-9]+m", "", capsys.readouterr().err)  # the renderer's own colours
    assert "O-1" in told
    lines = told.split("\n")
    assert all(char.isprintable() for line in lines for char in line), repr(told)
    if where not in {"error", "cause"}:
        assert len(lines) == 2, "one line, and its end"


def test_escaped_json_is_the_same_json() -> None:
    """So that output for programs can be shown to people, too."""
    evil = f"é{STEERING}\x7f\U000e0001"
    assert json.loads(log.escaped(json.dumps(evil, ensure_ascii=False))) == evil
    assert log.escaped(json.dumps(evil, ensure_ascii=False)).isprintable()
    assert log.escaped(evil).isprintable()
    assert log.escaped("é – 東京") == "é – 東京"
