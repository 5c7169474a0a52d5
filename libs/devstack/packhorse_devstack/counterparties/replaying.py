"""From the lines of a replay file to what is said: rounds, kinds, and when each is due. Pure."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from packhorse_contracts import facts, registry
from packhorse_contracts.checkout import OrderPlaced

from packhorse_devstack.counterparties.voice import Raw, Saying
from packhorse_devstack.data.records import Json, Record

Kind = Literal["order", "request", "malformed", "other"]

KNOWN = facts.MODULES
"""Importing them makes every fact known to the registry."""

RENEWED = ("order_id", "receipt_id")
"""Ids that another round replaces; customers, products and locations stay who they are."""


@dataclass(frozen=True, slots=True)
class Due:
    """A line and the second, counted from the start of the replay, at which it is sent."""

    at: float
    record: Record


def renew(record: Record, number: int) -> Record:
    """The same line in another round: fresh ids, the same story. Round 0 is the file as it is."""
    if not number:
        return record
    suffix = f"-R{number}"
    order_id = record.get("order_id")
    renewed = {**record, "order_id": f"{order_id}{suffix}"} if order_id is not None else {**record}
    if "fact" in record:
        data = cast("dict[str, Json]", record["data"])
        ids: dict[str, Json] = {name: f"{data[name]}{suffix}" for name in RENEWED if name in data}
        return {**renewed, "id": f"{record['id']}{suffix}", "data": {**data, **ids}}
    return {**renewed, "key": f"{record['key']}{suffix}", "renew": [str(order_id), f"{order_id}{suffix}"]}


def kind(record: Record) -> Kind:
    """What a line is, for counting."""
    if record.get("note"):
        return "malformed"
    if "after_ms" in record:
        return "request"
    return "order" if record.get("fact") == OrderPlaced.TYPE else "other"


def schedule(records: Iterable[Record], rate: float) -> list[Due]:
    """Orders and malformed records at `rate` a second, each request so long after its order."""
    due: list[Due] = []
    sent: dict[str, float] = {}
    now = 0.0
    for record in records:
        order_id = str(record.get("order_id", ""))
        if "after_ms" in record:
            due.append(Due(sent.get(order_id, now) + int(str(record["after_ms"])) / 1000, record))
            continue
        due.append(Due(now, record))
        sent.setdefault(order_id, now)
        now += 1 / rate
    return sorted(due, key=lambda one: one.at)  # stable: what is due together keeps the file's order


def limit(records: Iterable[Record], orders: int | None) -> Iterator[Record]:
    """The lines up to and with so many orders, and what belongs to the last of them."""
    count = 0
    for record in records:
        count += kind(record) == "order"
        if orders is not None and count > orders:
            return
        yield record


def speak(record: Record, at: datetime) -> Saying | Raw:
    """A line as it goes out. A fact is built by its class, so that a fault in the file shows here and not there."""
    if "fact" in record:
        fact = registry.facts[str(record["fact"])].model_validate(record["data"])
        return Saying(fact, str(record["id"]), at, structured=bool(record.get("structured")))
    old, new = (part.encode() for part in cast("list[str]", record.get("renew") or ["", ""]))
    packed = record["raw_base64"]
    value = None if packed is None else b64decode(str(packed))
    headers = [(name, b64decode(content)) for name, content in cast("list[tuple[str, str]]", record["headers"])]
    if old:
        value = value and value.replace(old, new)
        headers = [(name, content.replace(old, new)) for name, content in headers]
    return Raw(str(record["topic"]), str(record["key"]).encode(), value, tuple(headers))
