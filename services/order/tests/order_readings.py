"""Orders as a checkout writes them: JSON on its topic, read as the service reads it."""

import json
from datetime import datetime

from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts.blocks import Fault
from packhorse_contracts.order import OrderRejected
from pydantic import JsonValue

from .test_order_stories import ID, NOON, ROUTES, placed

READER = Reader(ROUTES)


def order(**changes: JsonValue) -> dict[str, JsonValue]:
    """A sound order, as JSON, with other fields; a name with dots goes inside."""
    body: dict[str, JsonValue] = json.loads(placed().model_dump_json(exclude_none=True))
    for path, value in changes.items():
        *outer, last = path.split("__")
        place: JsonValue = body
        for step in outer:
            place = place[int(step)] if isinstance(place, list) else place[step]  # type: ignore[index]
        assert isinstance(place, dict)
        place[last] = value
    return body


def read(body: JsonValue, key: str = ID) -> Arrival:
    """The order's record as the service reads it."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "1",
        "ce_source": "/checkout",
        "ce_type": "packhorse.checkout.order_placed.v1",
        "ce_time": NOON.isoformat(),
    }
    raw = Raw(
        "record",
        "checkout.orders",
        0,
        0,
        key.encode(),
        [(name, text.encode()) for name, text in headers.items()],
        json.dumps(body).encode(),
    )
    arrival = READER.record(raw)
    assert arrival is not None
    return arrival


def told(*bodies: JsonValue, at: datetime = NOON) -> Memory:
    """The service after it has heard these orders. None of them is a dead letter."""
    service = Memory(ROUTES)
    for body in bodies:
        hear(service, body, at)
    return service


def hear(service: Memory, body: JsonValue, at: datetime = NOON) -> None:
    """One more order."""
    heard = read(body).heard
    assert heard is not None
    service.hear(heard, at)


def reasons(service: Memory) -> list[Fault]:
    """Why the order is rejected, which is said once."""
    [rejected] = service.said(OrderRejected)
    return list(rejected.reasons)


def found(service: Memory) -> set[tuple[str, str | None]]:
    """The same by code and field."""
    return {(fault.code, fault.field) for fault in reasons(service)}
