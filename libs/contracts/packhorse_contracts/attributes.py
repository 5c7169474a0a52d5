"""Reads a Kafka record's CloudEvents attributes and data, in binary or in structured mode.

Source: the CloudEvents specification 1.0.2, its Kafka protocol binding and its JSON event format.
"""

import base64
import binascii
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Final

from pydantic_core import from_json, to_json

JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
MAX_ATTRIBUTE_CHARS: Final = 1_024

Headers = Sequence[tuple[str, bytes]]


class UnreadableError(Exception):
    """A record that can't be read: a short code, a sentence, and the header or field at fault."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
        self.attributes: dict[str, str] = {}
        """Those of the record, where they could be read."""


def attributes_and_data(value: bytes, headers: Headers) -> tuple[dict[str, str], bytes]:
    """The attributes by their names without `ce_`, and the data as JSON text. Raises UnreadableError."""
    texts = _texts(headers)
    value = _without_mark(value)
    content_type = _media_type(texts.get("content-type", ""))
    if content_type == STRUCTURED:
        attributes, data = _structured(value, texts)
    elif not content_type or _is_json(content_type):
        attributes, data = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}, value
    else:
        message = f"content-type {content_type[:100]!r} is neither JSON nor {STRUCTURED}, one event a record"
        raise UnreadableError("content_type", message, "content-type")
    if "traceparent" in texts:
        attributes.setdefault("traceparent", texts["traceparent"])
    for name, text in attributes.items():
        if len(text) > MAX_ATTRIBUTE_CHARS or "\x00" in text:
            message = f"attribute {name[:100]!r} is longer than {MAX_ATTRIBUTE_CHARS} characters or holds NUL"
            raise UnreadableError("attribute", message, f"ce_{name[:100]}")
    return attributes, data


def _texts(headers: Headers) -> dict[str, str]:
    """The headers that are ours to read; others may hold what they like."""
    texts: dict[str, str] = {}
    for name, raw in headers:
        lower = name.lower()
        if not lower.startswith("ce_") and lower not in {"content-type", "traceparent"}:
            continue
        shown = lower[:100]
        try:
            text = raw.decode()
        except (UnicodeDecodeError, AttributeError):
            raise UnreadableError("header_encoding", f"header {shown!r} is not UTF-8", shown) from None
        if texts.setdefault(lower, text) != text:
            raise UnreadableError("header_conflict", f"header {shown!r} comes twice and differs", shown)
    return texts


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    """By the rule of the CloudEvents JSON format: any type whose subtype is JSON, or is written in it."""
    subtype = media_type.rpartition("/")[2]
    return subtype == "json" or (subtype.endswith("+json") and not subtype.startswith("cloudevents"))


def _without_mark(text: bytes) -> bytes:
    """Some writers, most of them on Windows, begin UTF-8 with a mark; RFC 8259 lets a reader ignore it."""
    return text.removeprefix(BOM_UTF8)


def _structured(value: bytes, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    try:
        body = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise UnreadableError("not_json", f"the value is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise UnreadableError("not_an_object", "a structured CloudEvent is a JSON object")
    data = _data(body.pop("data", None), body.pop("data_base64", None))
    attributes = {str(name): _attribute(str(name), text) for name, text in body.items() if text is not None}
    if not _is_json(_media_type(attributes.pop("datacontenttype", JSON))):
        raise UnreadableError("content_type", "datacontenttype is not JSON", "datacontenttype")
    for name in ("id", "source", "type"):
        outside = headers.get(f"ce_{name}")
        if outside is not None and outside != attributes.get(name):
            raise UnreadableError("header_conflict", f"ce_{name} differs from the event's {name}", f"ce_{name}")
    return attributes, data


def _data(plain: object, encoded: object) -> bytes:
    if plain is not None and encoded is None:
        return to_json(plain)
    if plain is None and isinstance(encoded, str):
        try:
            return _without_mark(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            raise UnreadableError("no_data", "data_base64 is not base64", "data_base64") from None
    raise UnreadableError("no_data", "a structured CloudEvent needs either data or data_base64", "data")


def _attribute(name: str, value: object) -> str:
    """CloudEvents knows strings, integers and booleans; `id` and the like are strings."""
    if isinstance(value, str):
        return value
    shown = name[:100]
    if name not in {"id", "source", "type", "specversion"} and isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            raise UnreadableError("attribute", f"attribute {shown!r} is no integer of 32 bits", f"ce_{shown}")
        return str(value).lower()
    raise UnreadableError("attribute", f"attribute {shown!r} is not a string", f"ce_{shown}")
