"""What holds whatever warehouses, carriers and customers say, in whatever order."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity, Parcel
from packhorse_contracts.carrier import TrackingStatus
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingPickListIssued,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)
from packhorse_contracts.warehouse import (
    HandedOver,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from .shipping_story import (
    LISBON,
    PORTO,
    TWO_PLACES,
    Shop,
    cancelled,
    package,
    packed,
    picked,
    put_off,
    stop,
    tracked,
)

ENDED = (ShippingDelivered, ShippingReturnedToSender, ShippingLost)

Step = Callable[[Shop], Fact]
PLACES = st.sampled_from([LISBON, PORTO])
PIECES = st.integers(0, 2)
STATUSES: list[TrackingStatus] = [
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "delivery_failed",
    "lost",
    "cancelled",
    "delivered",
    "return_to_sender",
]


NUMBERS = st.sampled_from(["A", "B", "C"])
"""Few: shipments share them."""

BOXES = [(package("P1", mug=1),), (package("P1"), package("P2")), (package("P1", mug=1), package("P2"))]
PARCELS = st.lists(
    st.builds(
        lambda number, box: Parcel(tracking_number=number, package_id=box),
        NUMBERS,
        st.sampled_from([None, "P1", "P2", "P3"]),
    ),
    min_size=1,
    max_size=3,
)


def _left(shop: Shop, place: str, parcels: list[Parcel]) -> Fact:
    return HandedOver(pick_list_id=shop.pick_list(place), carrier="POST", parcels=tuple(parcels))


def _picked(shop: Shop, place: str, mug: int, pot: int) -> Fact:
    if place == PORTO:
        return picked(shop.pick_list(place), mug=mug, pot=min(pot, 1))
    return picked(shop.pick_list(place), mug=mug)


def _rejected(shop: Shop, place: str, pieces: int) -> Fact:
    lines = (LineQuantity(line_id="mug", quantity=pieces),) if pieces else None
    return PickListRejected(pick_list_id=shop.pick_list(place), reason="other", lines=lines)


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda place: lambda shop: PickListAccepted(pick_list_id=shop.pick_list(place)), PLACES),
    st.builds(lambda place, pieces: lambda shop: _rejected(shop, place, pieces), PLACES, PIECES),
    st.builds(lambda place, mug, pot: lambda shop: _picked(shop, place, mug, pot), PLACES, PIECES, PIECES),
    st.builds(lambda place, boxes: lambda shop: packed(shop.pick_list(place), *boxes), PLACES, st.sampled_from(BOXES)),
    st.builds(lambda place, parcels: lambda shop: _left(shop, place, parcels), PLACES, PARCELS),
    st.builds(lambda place: lambda shop: WithdrawalAccepted(pick_list_id=shop.pick_list(place)), PLACES),
    st.builds(lambda place: lambda shop: WithdrawalRejected(pick_list_id=shop.pick_list(place)), PLACES),
    st.builds(
        lambda number, status, minute: lambda _: tracked(status, minute, number),
        NUMBERS,
        st.sampled_from(STATUSES),
        st.integers(0, 9),
    ),
    st.builds(lambda minute: lambda _: stop(minute), st.integers(1, 3)),
)
CANCELLED: st.SearchStrategy[Step] = st.just(lambda _: cancelled())
DUE: st.SearchStrategy[Step | None] = st.none()


def _told(shop: Shop, *facts: Step | None) -> Shop:
    """Hears these, and where there is None issues what was put off. What is refused leaves no trace."""
    for step in facts:
        try:
            shop.issue() if step is None else shop.then(step(shop))
        except RefusedError:
            continue
    return shop


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS | CANCELLED | DUE, max_size=25))
def test_every_shipment_goes_its_way_once(steps: list[Step | None]) -> None:
    """One pick list, one dispatch unless labels are corrected, and no end before it. A short pick that is said again
    names more. What is dispatched and what was short never exceed what was wanted."""
    shop = _told(Shop(put_off(TWO_PLACES)), *steps, None)
    assert all(count == 1 for count in Counter(f.shipment_id for f in shop.said(ShippingPickListIssued)).values())
    gone: dict[str, ShippingDispatched] = {}
    for event in shop.events:
        if isinstance(event, ShippingDispatched):
            before = gone.setdefault(event.shipment_id, event)
            assert event.lines == before.lines
        if isinstance(event, ENDED):
            assert event.shipment_id in gone
    for shipment in shop.order.shipments:
        pieces = Counter({line.line_id: -line.quantity for line in shipment.lines})
        if (sent := gone.get(shipment.shipment_id)) is not None:
            pieces.update({line.line_id: line.quantity for line in sent.lines})
        missing: Counter[str] = Counter()
        for short in shop.said(ShippingShortPicked):
            if short.shipment_id == shipment.shipment_id:
                earlier, missing = missing, Counter({line.line_id: line.wanted - line.picked for line in short.lines})
                assert earlier < missing
        pieces.update(missing)
        assert all(balance <= 0 for balance in pieces.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS | CANCELLED, max_size=25))
def test_readers_hear_of_the_end_of_every_parcel(steps: list[Step]) -> None:
    """Who waits for the numbers of the last dispatch has heard of all of them exactly when the shipment has ended; what
    was delivered is never told to have ended otherwise later."""
    shop = _told(Shop(TWO_PLACES), *steps)
    awaited = {fact.shipment_id: fact.tracking_numbers for fact in shop.said(ShippingDispatched)}
    for shipment in shop.order.shipments:
        ends = [fact for fact in shop.events if isinstance(fact, ENDED) and fact.shipment_id == shipment.shipment_id]
        best: dict[str | None, int] = {}
        for end in ends:
            assert best.get(end.tracking_number) != 0 or type(end) is ShippingDelivered
            best[end.tracking_number] = ENDED.index(type(end))
        if shipment.left:
            assert (shipment.state in ("delivered", "closed")) == best.keys().__ge__(set(awaited[shipment.shipment_id]))
            arrived = all(best.get(number) == 0 for number in awaited[shipment.shipment_id])
            assert (shipment.state == "delivered") == arrived


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS | DUE, max_size=25))
def test_every_request_gets_one_answer_from_every_fulfilment_order(steps: list[Step | None]) -> None:
    """Once the warehouses have spoken. A request that comes while one of them still thinks shares its answer there."""
    shop = Shop(put_off(TWO_PLACES))
    owed: Counter[str] = Counter()
    for step in steps:
        waiting = {one.shipment_id for one in shop.order.shipments if one.request == "withdrawal_requested"}
        asked = len(shop.order.asked)
        _told(shop, step)
        if len(shop.order.asked) > asked:
            owed.update(one.shipment_id for one in shop.order.shipments if one.shipment_id not in waiting)
    _told(shop, None)
    for one in shop.order.shipments:
        if one.request == "withdrawal_requested":
            shop.then(WithdrawalAccepted(pick_list_id=one.pick_list_id))
    answers = [event for event in shop.events if isinstance(event, ShippingWithdrawn | ShippingWithdrawalRefused)]
    assert Counter(answer.shipment_id for answer in answers) == owed


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS | CANCELLED, max_size=12), st.data())
def test_a_repeat_under_another_id_changes_nothing(steps: list[Step], data: st.DataObject) -> None:
    """Of anything, at once or later: it says nothing, and leaves every row as it was."""
    shop, heard = Shop(TWO_PLACES), []
    for step in steps:
        fact = step(shop)
        try:
            shop.then(fact)
        except RefusedError:
            continue
        heard.append(fact)
    if not heard:
        return
    again = data.draw(st.sampled_from(heard))
    before, said = dict(shop.states), len(shop.events)
    with suppress(RefusedError):
        shop.then(again)
    assert shop.states == before
    assert len(shop.events) == said
