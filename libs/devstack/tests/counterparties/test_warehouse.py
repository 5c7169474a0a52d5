"""The warehouse's decisions: pure, so no broker is needed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Address
from packhorse_contracts.envelope import Envelope
from packhorse_contracts.shipping import PickLine, ShippingPickListIssued, ShippingPickListWithdrawn
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickedLine,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)
from packhorse_devstack.counterparties.voice import Heard, Saying
from packhorse_devstack.counterparties.warehouse.floor import Floor
from packhorse_devstack.counterparties.warehouse.picking import Habits, pack, steps, tracking_number
from packhorse_devstack.data.gs1 import with_check_digit

AT = datetime(2026, 11, 23, tzinfo=UTC)
LATER = timedelta(minutes=1)
GOOD = Habits(reject_rate=0, short_rate=0)
PICK_LIST = ids.derive(AT, "pick list")
SHIP_TO = Address(name="Zoë", lines=("1 High Street",), city="Leeds", country="GB")


def issued(identifier: str = PICK_LIST, *quantities: int) -> ShippingPickListIssued:
    lines = tuple(
        PickLine(line_id=str(number), sku=f"SKU{number}", quantity=quantity)
        for number, quantity in enumerate(quantities or (2, 3), start=1)
    )
    return ShippingPickListIssued(
        pick_list_id=identifier, order_id="OR1", shipment_id="S1", location="WH-GB", priority=5,
        ship_by=AT, service="standard", ship_to=SHIP_TO, lines=lines,
    )  # fmt: skip


def withdrawn() -> ShippingPickListWithdrawn:
    return ShippingPickListWithdrawn(pick_list_id=PICK_LIST, order_id="OR1", location="WH-GB", reason="cancelled")


def heard(fact: Fact) -> Heard:
    return Heard(Envelope(f"event-{fact.TYPE}", "/packhorse/shipping", fact.TYPE, fact.subject, AT), fact)


def types(sayings: list[Saying]) -> list[type[Fact]]:
    return [type(saying.fact) for saying in sayings]


def test_a_pick_list_goes_its_way_in_order() -> None:
    """Accepted, picked, packed, handed over: each in its time, caused by the pick list."""
    floor = Floor(GOOD)
    floor.hear(heard(issued()), AT)
    assert floor.due(AT) == []
    said = floor.due(AT + LATER)
    assert types(said) == [PickListAccepted, PickCompleted, Packed, HandedOver]
    assert {saying.causation_id for saying in said} == {f"event-{ShippingPickListIssued.TYPE}"}
    assert len({saying.id for saying in said}) == 4
    assert floor.due(AT + 2 * LATER) == []


def test_a_pick_list_issued_twice_is_picked_once() -> None:
    """Whether it is still worked on or long gone."""
    floor = Floor(GOOD)
    floor.hear(heard(issued()), AT)
    floor.hear(heard(issued()), AT)
    assert len(floor.due(AT + LATER)) == 4
    floor.hear(heard(issued()), AT + LATER)
    assert floor.due(AT + 2 * LATER) == []


def test_a_withdrawal_before_packing_is_accepted_and_stops_everything() -> None:
    """Nothing of the pick list is said afterwards, not even when it is issued again."""
    floor = Floor(GOOD)
    floor.hear(heard(issued()), AT)
    floor.hear(heard(withdrawn()), AT)
    assert types(floor.due(AT)) == [WithdrawalAccepted]
    floor.hear(heard(issued()), AT)
    floor.hear(heard(withdrawn()), AT)
    assert floor.due(AT + LATER) == []


def test_a_withdrawal_after_packing_is_rejected_and_it_goes_out() -> None:
    """The handover still comes."""
    floor = Floor(GOOD)
    floor.hear(heard(issued()), AT)
    at = AT
    while Packed not in types(floor.due(at)):
        at += timedelta(milliseconds=10)
    floor.hear(heard(withdrawn()), at)
    assert types(floor.due(at)) == [WithdrawalRejected]
    assert types(floor.due(at + LATER)) == [HandedOver]


def test_a_withdrawal_that_comes_first_is_accepted() -> None:
    """The pick list it names is then never picked."""
    floor = Floor(GOOD)
    floor.hear(heard(withdrawn()), AT)
    floor.hear(heard(issued()), AT)
    assert types(floor.due(AT + LATER)) == [WithdrawalAccepted]


def test_a_killed_warehouse_goes_on_where_it_was() -> None:
    """For every number of facts it had said, the new process says the rest, with the same ids and contents."""
    before = Floor(GOOD)
    before.hear(heard(issued()), AT)
    whole = before.due(AT + LATER)
    for count in range(len(whole) + 1):
        after = Floor(GOOD)
        for saying in whole[:count]:
            after.recall(saying.fact)
        after.hear(heard(issued()), AT)
        assert [(said.id, said.fact) for said in after.due(AT + LATER)] == [(s.id, s.fact) for s in whole[count:]]


def test_a_killed_warehouse_stands_by_its_word() -> None:
    """A withdrawal it accepted stays accepted, one it rejected stays rejected; neither is answered again."""
    for answer in (
        WithdrawalAccepted(pick_list_id=PICK_LIST),
        WithdrawalRejected(pick_list_id=PICK_LIST, reason="it is packed"),
    ):
        floor = Floor(GOOD)
        floor.recall(answer)
        floor.hear(heard(withdrawn()), AT)
        assert floor.due(AT) == []


def test_a_refused_pick_list_ends_there() -> None:
    """One fact with a reason; a withdrawal of it is accepted, since nothing goes out."""
    floor = Floor(Habits(reject_rate=1))
    floor.hear(heard(issued()), AT)
    assert types(floor.due(AT + LATER)) == [PickListRejected]
    floor.hear(heard(withdrawn()), AT + LATER)
    assert types(floor.due(AT + LATER)) == [WithdrawalAccepted]


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=40), st.integers(0, 50))
def test_what_is_packed_is_what_was_picked(quantities: list[int], seed: int) -> None:
    """Never more than asked, one line short at most and with its reason; every piece in exactly one package."""
    said = {type(step.fact): step.fact for step in steps(issued("p", *quantities), Habits(seed, 0, 1.0))}
    picked = said[PickCompleted]
    assert isinstance(picked, PickCompleted)
    short = [line for line, wanted in zip(picked.lines, quantities, strict=True) if line.picked < wanted]
    assert len(short) == 1
    assert all(line.picked <= wanted for line, wanted in zip(picked.lines, quantities, strict=True))
    assert short[0].short_reason in {"out_of_stock", "not_found", "damaged"}
    if sum(line.picked for line in picked.lines) == 0:
        assert Packed not in said
        return
    packed, handed_over = said[Packed], said[HandedOver]
    assert isinstance(packed, Packed)
    assert isinstance(handed_over, HandedOver)
    contents = {line.line_id: 0 for line in picked.lines}
    for package in packed.packages:
        assert package.lines
        for content in package.lines:
            contents[content.line_id] += content.quantity
    assert contents == {line.line_id: line.picked for line in picked.lines}
    assert [parcel.package_id for parcel in handed_over.parcels] == [package.package_id for package in packed.packages]


def test_packages_are_few() -> None:
    """Up to 500 pieces in one, never more than six."""
    counts = [len(pack("p", [PickedLine(line_id="1", picked=pieces)])) for pieces in (0, 1, 500, 501, 10_000)]
    assert counts == [0, 1, 1, 2, 6]


def test_the_rates_are_kept() -> None:
    """Of many pick lists about as many are short or refused as the habits say."""
    drawn = [steps(issued(f"list-{number}"), Habits(reject_rate=0.1)) for number in range(500)]
    assert 25 < sum(isinstance(said[0].fact, PickListRejected) for said in drawn) < 85


def test_numbers_carry_their_check_digit() -> None:
    """GS1's example of an SSCC; a tracking number is derived, and no two packages share one."""
    assert with_check_digit("10614141234567890") == "106141412345678908"
    assert tracking_number("p-1") == tracking_number("p-1")
    assert len({tracking_number(f"p-{number}") for number in range(2_000)}) == 2_000
