"""The example of the chassis's page."""

from datetime import datetime, timedelta

from packhorse_chassis.core.reaction import Decisions, Internal, Kind, RefusedError, Routes, SetTimer, on
from packhorse_contracts.base import Model
from packhorse_contracts.customer import HoldRequested
from packhorse_contracts.order import OrderHeld


class Till(Model):
    """What the example keeps about an order."""

    asked: int = 0
    closed: bool = False


class Close(Internal):
    """A timer: nobody asked for a while."""

    order_id: str


TILLS: Kind[Till] = Kind("till", Till, lambda _: Till())


def note(till: Till, heard: HoldRequested, now: datetime) -> Decisions[Till]:
    """Counts, says so, and closes in an hour unless somebody asks again."""
    if till.closed:
        raise RefusedError("closed", "this till is closed", "order_id")
    key = heard.order_id
    return Decisions(
        Till(asked=till.asked + 1),
        events=[OrderHeld(order_id=key, at=now, hold="manual", holder="example", note=heard.note)],
        timers=[SetTimer(Close(order_id=key), key, now + timedelta(hours=1))],
    )


def close(till: Till, _timer: Close, _now: datetime) -> Decisions[Till]:
    """Nobody asked for an hour."""
    return Decisions(till.model_copy(update={"closed": True}))


ROUTES = Routes("order", on(HoldRequested, TILLS, "order_id", note), on(Close, TILLS, "order_id", close))
