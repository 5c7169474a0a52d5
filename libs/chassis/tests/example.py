"""The example of the chassis's page."""

from datetime import timedelta

from packhorse_chassis.core.kinds import Internal, Kind
from packhorse_chassis.core.reaction import Routes, ignored, on, refused
from packhorse_chassis.core.turn import Turn
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


def status(till: Till) -> str:
    """Where a till stands."""
    return "closed" if till.closed else "open"


TILLS: Kind[Till] = Kind("till", Till, lambda _: Till(), statuses=("open", "closed"), status=status)


def note(turn: Turn[None], till: Till, heard: HoldRequested) -> Till:
    """Counts, says so, and closes in an hour unless somebody asks again."""
    turn.say(OrderHeld(order_id=turn.key, at=turn.now, hold="manual", holder="example", note=heard.note))
    turn.remind(Close(order_id=turn.key), turn.now + timedelta(hours=1))
    return Till(asked=till.asked + 1)


def close(_turn: Turn[None], till: Till, _timer: Close) -> Till:
    """Nobody asked for an hour."""
    return till.model_copy(update={"closed": True})


ROUTES = Routes(
    "order",
    on(
        HoldRequested, TILLS, "order_id", {"open": note, "closed": refused("closed", "this till is closed", "order_id")}
    ),
    on(Close, TILLS, "order_id", {"open": close, "closed": ignored("it is closed already")}),
)
