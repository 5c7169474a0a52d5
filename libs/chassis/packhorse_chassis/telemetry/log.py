"""Log lines: JSON in production, readable on a terminal; order id and trace id on every line that has them.

What others sent stands in them, and steers no terminal: escape codes, line breaks and turned direction are shown, in
either form.
"""

import io
import json
import logging
import sys
from typing import TextIO

import structlog

from packhorse_chassis.settings import Settings


def configure(service: str, settings: Settings) -> None:
    """Sets structlog up, and routes the standard library's loggers through it."""
    readable = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Never the values of local variables: they hold customers' data and passwords.
    last: list[structlog.types.Processor] = (
        [_escape, structlog.dev.ConsoleRenderer(exception_formatter=_plain_traceback)]
        if readable
        else [
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
            ),
            structlog.processors.JSONRenderer(),
        ]
    )
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "faststream", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    structlog.contextvars.bind_contextvars(service=service)


def escaped(text: str) -> str:
    """Other people's text for a terminal: what would steer it is written as JSON writes it. JSON stays JSON."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escapes(char) for char in text)


def _escapes(char: str) -> str:
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def _escape(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    # All else than text is written by its repr, which escapes by itself.
    return {name: escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain_traceback(out: TextIO, exc_info: structlog.types.ExcInfo) -> None:
    whole = io.StringIO()
    structlog.dev.plain_traceback(whole, exc_info)
    out.write("\n".join(map(escaped, whole.getvalue().split("\n"))))
