"""What a warehouse may say besides: rejections, repeats, contradictions, and nothing at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity, Parcel
from packhorse_contracts.policies import ShippingPolicy
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched, ShippingPicked, ShippingShortPicked
from packhorse_contracts.warehouse import (
    HandedOver,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)
from packhorse_shipping.timers import WarehouseSilent

from .shipping_story import NOON, Shop, confirmed, handed_over, package, packed, picked, stop, tracked


def rejected(pick_list_id: str, **pieces: int) -> PickListRejected:
    """The warehouse won't pick these, or anything."""
    lines = tuple(LineQuantity(line_id=line, quantity=count) for line, count in pieces.items())
    return PickListRejected(pick_list_id=pick_list_id, reason="ineligible_product", lines=lines or None)


def accepted(pick_list_id: str) -> PickListAccepted:
    """The warehouse will pick it."""
    return PickListAccepted(pick_list_id=pick_list_id)


def test_a_rejected_pick_list_is_short_of_everything() -> None:
    """With the rejection's reason; the fulfilment order is over."""
    shop = Shop(confirmed())
    assert shop.heard(rejected(shop.pick_list())) == ["ShippingShortPicked"]
    said = shop.said(ShippingShortPicked)[0]
    assert [(ln.wanted, ln.picked, ln.reason) for ln in said.lines] == [
        (3, 0, "ineligible_product"),
        (1, 0, "ineligible_product"),
    ]
    assert (shop.at().state, shop.at().request) == ("closed", "rejected")
    assert not shop.timers


def test_rejected_lines_are_told_at_once_and_again_with_all_else_that_is_short() -> None:
    """A count that comes before the rest is picked has to be told apart from them; the rest of the list goes on."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    assert shop.heard(rejected(number, mug=2)) == ["ShippingShortPicked"]
    assert (shop.at().state, shop.at().request) == ("in_progress", "accepted")
    assert shop.heard(picked(number, mug=1, pot=0)) == ["ShippingPicked", "ShippingShortPicked"]
    assert [(ln.line_id, ln.wanted, ln.picked, ln.reason) for ln in shop.said(ShippingShortPicked)[1].lines] == [
        ("mug", 3, 1, "ineligible_product"),
        ("pot", 1, 0, "other"),
    ]


def test_what_the_warehouse_did_is_said_with_its_own_moment() -> None:
    """However late it is heard; a clock that is ahead of ours doesn't count. What nobody reported to be picked was
    picked by the time that it was packed, or left."""
    for last in (lambda number: picked(number, mug=3, pot=1), packed, handed_over):
        for ahead, moment in ((timedelta(hours=-5), NOON - timedelta(hours=5)), (timedelta(hours=5), NOON)):
            shop = Shop(confirmed())
            shop.then(last(shop.pick_list()).model_copy(update={"at": NOON + ahead}))
            assert {fact.at for fact in shop.said(ShippingPicked) + shop.said(ShippingDispatched)} == {moment}
            assert [(line.line_id, line.quantity) for line in shop.said(ShippingPicked)[0].lines] == [
                ("mug", 3),
                ("pot", 1),
            ]


def test_rejected_lines_do_not_leave_with_the_rest() -> None:
    """Also where the warehouse says nothing between rejection and hand-over."""
    shop = Shop(confirmed())
    assert shop.heard(rejected(shop.pick_list(), mug=3), handed_over(shop.pick_list())) == [
        "ShippingShortPicked",
        "ShippingPicked",
        "ShippingDispatched",
    ]
    assert [line.line_id for line in shop.said(ShippingDispatched)[0].lines] == ["pot"]


def test_lines_rejected_one_by_one_end_like_all_at_once() -> None:
    """All of it is short, and closed."""
    shop = Shop(confirmed())
    assert shop.heard(rejected(shop.pick_list(), mug=3)) == ["ShippingShortPicked"]
    assert shop.heard(rejected(shop.pick_list())) == ["ShippingShortPicked"]
    assert shop.at().state == "closed"


STEPS: list[Callable[[str], Fact]] = [
    accepted,
    lambda number: rejected(number, pot=1),
    lambda number: picked(number, mug=2),
    lambda number: packed(number, package(mug=1)),
    handed_over,
]


def test_a_repeat_of_any_fact_at_any_later_moment_changes_nothing() -> None:
    """Under another id, however late."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    for done in range(len(STEPS)):
        shop.then(STEPS[done](number))
        for earlier in STEPS[: done + 1]:
            before = shop.order
            assert shop.heard(earlier(number)) == []
            assert shop.order == before


ACCEPTED = [accepted]
PICKED = [lambda number: picked(number, mug=2, pot=1)]
NOTHING = [lambda number: picked(number, mug=0, pot=0)]
PACKED = [*PICKED, packed]
GONE = [*PACKED, handed_over]
REJECTED = [lambda number: rejected(number, mug=2)]


@pytest.mark.parametrize(
    ("before", "wrong", "code", "field"),
    [
        (ACCEPTED, lambda n: picked(n, mug=4, pot=1), "too_many", "lines"),
        (ACCEPTED, lambda n: picked(n, mug=3, pot=1, cup=1), "unknown_line", "lines.2.line_id"),
        (ACCEPTED, lambda n: picked(n, mug=3), "missing_line", "lines"),
        (PICKED, lambda n: picked(n, mug=3, pot=1), "contradiction", "lines"),
        (GONE, lambda n: picked(n, mug=3, pot=1), "contradiction", "lines"),
        (REJECTED, lambda n: picked(n, mug=2, pot=1), "too_many", "lines"),
        (REJECTED, lambda n: rejected(n, mug=1), "contradiction", "lines"),
        (PICKED, rejected, "contradiction", "lines"),
        (ACCEPTED, lambda n: rejected(n, mug=4), "too_many", "lines"),
        (ACCEPTED, lambda n: rejected(n, cup=1), "unknown_line", "lines.0.line_id"),
        (PICKED, lambda n: packed(n, package(mug=3)), "too_many", "packages"),
        (PICKED, lambda n: packed(n, package("A", mug=1), package("B", cup=1)), "unknown_line", "packages.1.lines"),
        (PICKED, lambda n: packed(n, package("A"), package("A")), "twice", "packages.1.package_id"),
        (PICKED, lambda n: packed(n).model_copy(update={"packages": ()}), "no_packages", "packages"),
        (GONE, lambda n: packed(n, package("A")), "contradiction", "packages"),
        (NOTHING, packed, "contradiction", "pick_list_id"),
        (NOTHING, handed_over, "contradiction", "pick_list_id"),
        (PACKED, lambda n: handed_over(n).model_copy(update={"parcels": ()}), "no_parcels", "parcels"),
        (ACCEPTED, lambda n: WithdrawalAccepted(pick_list_id=n), "not_requested", "pick_list_id"),
        (ACCEPTED, lambda n: WithdrawalRejected(pick_list_id=n), "not_requested", "pick_list_id"),
    ],
)
def test_what_contradicts_is_refused_and_the_field_is_named(
    before: list[Callable[[str], Fact]], wrong: Callable[[str], Fact], code: str, field: str
) -> None:
    """Nothing of it is taken."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(*(step(number) for step in before))
    kept, said = shop.order, len(shop.events)
    with pytest.raises(RefusedError) as refusal:
        shop.then(wrong(number))
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert (shop.order, len(shop.events)) == (kept, said)


def test_a_package_that_is_left_behind_keeps_the_rest_from_counting_as_all() -> None:
    """Part of it is refused for now: nothing is dispatched until all is handed over, and then that part is no news."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(packed(number, package("P1", mug=3), package("P2", pot=1)))
    first, second = Parcel(tracking_number="T1", package_id="P1"), Parcel(tracking_number="T2", package_id="P2")
    part = HandedOver(pick_list_id=number, carrier="POST", parcels=(first,))
    with pytest.raises(RefusedError) as refusal:
        shop.then(part)
    assert (refusal.value.code, refusal.value.field, refusal.value.retryable) == ("missing_package", "parcels", True)
    assert "P2" in str(refusal.value)
    assert not shop.said(ShippingDispatched)
    whole = HandedOver(pick_list_id=number, carrier="POST", parcels=(first, second))
    assert shop.heard(whole) == ["ShippingDispatched"]
    assert shop.heard(part, whole) == []


def test_what_is_packed_anew_before_it_leaves_counts_as_it_was_packed_last() -> None:
    """Said of the first packages again, that is an old repeat; a piece that broke meanwhile is short."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    first, second = packed(number, package("A", mug=3, pot=1)), packed(number, package("B", mug=2), package("C", pot=1))
    assert shop.heard(picked(number, mug=3, pot=1), first) == ["ShippingPicked", "ShippingPacked"]
    assert shop.heard(second, first, second) == ["ShippingShortPicked", "ShippingPacked"]
    parcels = (Parcel(tracking_number="T1", package_id="B"), Parcel(tracking_number="T2", package_id="C"))
    assert shop.heard(HandedOver(pick_list_id=number, carrier="POST", parcels=parcels)) == ["ShippingDispatched"]
    [said] = shop.said(ShippingDispatched)
    assert [package.package_id for package in said.packages] == ["B", "C"]
    assert {line.line_id: line.quantity for line in said.lines} == {"mug": 2, "pot": 1}


def test_what_was_short_doesn_t_leave_because_it_is_packed_anew() -> None:
    """It was cancelled meanwhile: an operator looks, and what leaves is captured all the same."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(picked(number, mug=3, pot=1), packed(number, package("A", mug=2, pot=1)))
    with pytest.raises(RefusedError, match="has only 2"):
        shop.then(packed(number, package("B", mug=3, pot=1)))
    assert shop.heard(handed_over(number, package_id="B")) == ["ShippingDispatched"]
    assert {line.line_id: line.quantity for line in shop.said(ShippingDispatched)[0].lines} == {"mug": 2, "pot": 1}


@pytest.mark.parametrize(
    "parcels",
    [
        (("T1", "P9"),),
        (("T1", "P1"), ("T2", "P9")),
        (("T1", "P1"), ("T1", "P2")),
        (("T1", None), ("T1", None)),
        (("T1", "P1"), ("T2", "P1"), ("T3", "P2")),
    ],
)
def test_whatever_parcels_are_called_what_leaves_is_dispatched(parcels: tuple[tuple[str, str | None], ...]) -> None:
    """In packages that nobody told of, several under one number, one under two: it is gone, and to be paid for."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(packed(number, package("P1", mug=3), package("P2", pot=1)))
    named = tuple(Parcel(tracking_number=tracking, package_id=inside) for tracking, inside in parcels)
    assert shop.heard(HandedOver(pick_list_id=number, carrier="POST", parcels=named)) == ["ShippingDispatched"]
    [said] = shop.said(ShippingDispatched)
    assert {line.line_id: line.quantity for line in said.lines} == {"mug": 3, "pot": 1}
    for tracking in dict(parcels):
        shop.then(tracked("delivered", 1, tracking))
    assert shop.at().state == "delivered"
    assert {fact.tracking_number for fact in shop.said(ShippingDelivered)} == set(said.tracking_numbers)


@pytest.mark.parametrize(
    "again",
    [
        lambda n: handed_over(n, "T2"),
        lambda n: handed_over(n, "T1", "T2"),
        lambda n: handed_over(n, carrier="EURO"),
    ],
)
def test_labels_that_are_corrected_after_the_hand_over_count_from_then_on(again: Callable[[str], Fact]) -> None:
    """Readers are told once more, with the same goods; what the warehouse said before is an old repeat."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(handed_over(number))
    assert shop.heard(again(number), handed_over(number), again(number)) == ["ShippingDispatched"]
    before, after = shop.said(ShippingDispatched)
    assert after.lines == before.lines
    assert (after.carrier, after.tracking_numbers) != (before.carrier, before.tracking_numbers)


def test_parcels_that_don_t_name_their_packages_are_taken_for_all() -> None:
    """Which package is in which of them isn't known."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(packed(number, package("P1", mug=3), package("P2", pot=1)))
    assert shop.heard(handed_over(number)) == ["ShippingDispatched"]


@pytest.mark.parametrize(
    "fact", [accepted("PL-?"), picked("PL-?", mug=1), packed("PL-?"), handed_over("PL-?"), rejected("PL-?")]
)
def test_a_pick_list_that_we_never_issued_is_refused_for_now(fact: Fact) -> None:
    """An operator can try it again."""
    with pytest.raises(RefusedError) as refusal:
        Shop(confirmed(), fact)
    assert (refusal.value.code, refusal.value.retryable) == ("unknown_pick_list", True)


def test_a_late_list_of_packages_adds_nothing_once_the_goods_are_gone() -> None:
    """What was said of the dispatch stands."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    assert shop.heard(handed_over(number), packed(number)) == ["ShippingPicked", "ShippingDispatched"]
    assert shop.at().packages == ()


def test_a_silent_warehouse_is_shown_and_nothing_is_made_up() -> None:
    """It is looked at again and again, until it speaks."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    again = ShippingPolicy().answer_within
    fired = shop.fire(WarehouseSilent, number)
    assert not fired.facts
    assert shop.at().overdue
    (timer,) = shop.timers.values()
    assert timer.due == NOON + again + again
    shop.fire(WarehouseSilent, number)
    shop.then(accepted(number))
    assert not shop.at().overdue
    assert not shop.timers


def test_a_withdrawal_that_the_warehouse_does_not_answer_is_shown_as_well() -> None:
    """The time runs from the request."""
    shop = Shop(confirmed())
    shop.then(accepted(shop.pick_list()), stop())
    assert shop.timers["WarehouseSilent", shop.pick_list(), ""].due == NOON + ShippingPolicy().answer_within
    shop.fire(WarehouseSilent, shop.pick_list())
    assert shop.at().overdue
    shop.then(WithdrawalAccepted(pick_list_id=shop.pick_list()))
    assert not shop.at().overdue
    assert not shop.timers


def test_a_timer_that_comes_late_finds_nothing_to_show() -> None:
    """The answer was faster."""
    shop = Shop(confirmed())
    shop.then(accepted(shop.pick_list()))
    shop.hear(WarehouseSilent(pick_list_id=shop.pick_list()), NOON + timedelta(days=1))
    assert not shop.at().overdue
    assert not shop.timers


def test_a_line_of_nothing_refuses_no_rejection_and_no_package() -> None:
    """A 0 among other numbers is nothing, and costs the others nothing."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    assert shop.heard(rejected(number, mug=2, pot=0)) == ["ShippingShortPicked"]
    assert shop.heard(picked(number, mug=1, pot=1)) == ["ShippingPicked"]
    assert [(ln.line_id, ln.wanted, ln.picked) for ln in shop.said(ShippingShortPicked)[0].lines] == [("mug", 3, 1)]
    shop.heard(packed(number, package("1", mug=1, pot=0), package("2", pot=1)))
    assert [len(one.lines) for one in shop.at().packages] == [2, 1]


def test_a_rejection_of_nothing_is_refused() -> None:
    """Else it would be taken for one of everything, or be passed over in silence."""
    shop = Shop(confirmed())
    with pytest.raises(RefusedError, match="none of the lines"):
        shop.heard(rejected(shop.pick_list(), mug=0, pot=0))
