"""Facts about one thing after the other, sound and hostile, so that what can be read meets what was read before."""

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from typing import Final

from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderCompleted, OrderConfirmed
from packhorse_contracts.payment import PaymentAuthorised
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted, StockReceived

from .hostile import spoiled
from .record import Record, plain
from .sound import sound

USUAL_WAY: Final[tuple[type[Fact], ...]] = (
    *(LocationChanged, ProductChanged, StockReceived, OrderPlaced, OrderAccepted, PaymentAuthorised, InventoryReserved),
    *(OrderConfirmed, PickListAccepted, PickCompleted, Packed, HandedOver, ShippingDispatched, TrackingUpdated),
    *(ShippingDelivered, OrderCompleted),
)


def stories(random: Random, heard: Sequence[type[Fact]], prefix: str) -> Iterator[Record]:
    """All these facts about one thing, half of them hostile; then about the next thing. Endless.

    Every other thing goes its usual way as far as it comes; the rest of the facts, or all, come in no order.
    """
    usual = [fact for fact in USUAL_WAY if fact in heard]
    for thing in count():
        first = usual if thing % 2 else []
        rest = [fact for fact in heard if fact not in first]
        for number, fact in enumerate(first + random.sample(rest, len(rest))):
            ground = sound(fact, f"{prefix}-{thing}", f"{prefix}-{thing}-{number}")
            yield spoiled(random, ground) if random.random() < 0.5 else plain(ground)
