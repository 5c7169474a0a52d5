"""What the inventory service does about what it hears. One short function an event; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.reaction import Decisions, Others, Ref, RefusedError, Routes, WideReaction, on, on_wide
from packhorse_contracts.base import Fact, Model
from packhorse_contracts.blocks import Allocation, ShortLine, SkuLine
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReservationReleased, InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.shipping import ShippingDispatched, ShippingShortPicked, ShippingWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_inventory import policies
from packhorse_inventory.policies import Policy
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import (
    LOCATIONS,
    PRODUCTS,
    RECEIPTS,
    RESERVATIONS,
    STOCK,
    Location,
    Product,
    Receipt,
    Reservation,
)

S = TypeVar("S")
F = TypeVar("F", bound=Model)

GONE = frozenset({"out_of_stock", "not_found", "damaged"})
"""Reasons of a short pick that say that the goods aren't there; others only free the reservation."""


def reserve(
    policy: Policy, kept: Reservation, order: OrderAccepted, now: datetime, others: Others
) -> Decisions[Reservation]:
    """Sets all of the order aside, or nothing."""
    if kept.decided:
        return Decisions(kept)
    shelves = _shelves(policy, others, now)
    wanted = policies.demand(order.lines)
    available = {sku: _open(shelves.available(sku), others) for sku in wanted}
    if short := policies.missing(wanted, available):
        return _refuse(kept, order, now, {line.line_id: short[line.sku] for line in order.lines if line.sku in short})
    allocations = policies.allocate(order.lines, available)
    if len(allocations) > policies.MAX_PARTS:
        return _refuse(kept, order, now, policies.scattered(order.lines, allocations))
    for part in allocations:
        shelves.move(part.sku, part.location, reserved=part.quantity, cause="reserved", reference=order.order_id)
    state = kept.model_copy(update={"decided": True, "allocated": allocations})
    return _decided(state, shelves, InventoryReserved(order_id=order.order_id, at=now, allocations=allocations))


def _refuse(
    kept: Reservation, order: OrderAccepted, now: datetime, available: Mapping[str, int]
) -> Decisions[Reservation]:
    """`available`: by line id, what is there for the lines that are short."""
    lines = tuple(
        ShortLine(line_id=line.line_id, sku=line.sku, wanted=line.quantity, available=available[line.line_id])
        for line in order.lines
        if line.line_id in available
    )
    refused = InventoryReservationRefused(order_id=order.order_id, at=now, short=lines)
    return Decisions(kept.model_copy(update={"decided": True, "refused": True}), events=[refused])


def _open(available: dict[str, int], others: Others) -> dict[str, int]:
    return {place: pieces for place, pieces in available.items() if pieces and others.get(LOCATIONS, place).active}


def release(
    policy: Policy, kept: Reservation, order: OrderCancelled, now: datetime, others: Others
) -> Decisions[Reservation]:
    """Frees all that is left of an order that was cancelled whole. Pieces of one were withdrawn, or found short: they
    are booked where that is heard, with the location."""
    if kept.released or not order.whole:
        return Decisions(kept)
    state = kept.model_copy(update={"allocated": (), "released": True, "decided": True})
    return _freed(state, kept.allocated, order.order_id, _shelves(policy, others, now), now)


def release_withdrawn(
    policy: Policy, kept: Reservation, withdrawn: ShippingWithdrawn, now: datetime, others: Others
) -> Decisions[Reservation]:
    """Frees what won't ship from its location."""
    if withdrawn.shipment_id in kept.withdrawn:
        return Decisions(kept)
    here, elsewhere = _parted(kept.allocated, withdrawn.location)
    freed, left = _split(here, _pieces((line.line_id, line.quantity) for line in withdrawn.lines))
    seen = (*kept.withdrawn, withdrawn.shipment_id)
    state = kept.model_copy(update={"allocated": elsewhere + left, "withdrawn": seen})
    return _freed(state, freed, withdrawn.order_id, _shelves(policy, others, now), now)


def _freed(
    state: Reservation, parts: tuple[Allocation, ...], order_id: str, shelves: Shelves, now: datetime
) -> Decisions[Reservation]:
    """These aren't set aside for the order any more."""
    if not parts:
        return Decisions(state)
    for part in parts:
        shelves.move(part.sku, part.location, reserved=-part.quantity, cause="released", reference=order_id)
    lines = tuple(SkuLine(line_id=part.line_id, sku=part.sku, quantity=part.quantity) for part in parts)
    return _decided(state, shelves, InventoryReservationReleased(order_id=order_id, at=now, lines=lines))


def take_off(
    policy: Policy, kept: Reservation, shipment: ShippingDispatched, now: datetime, others: Others
) -> Decisions[Reservation]:
    """The goods have left: off the shelf, and no longer reserved.

    Also where their reservation is gone: the warehouse may ship after a cancellation.
    """
    if shipment.shipment_id in kept.dispatched:
        return Decisions(kept)
    shelves = _shelves(policy, others, now)
    here, elsewhere = _parted(kept.allocated, shipment.location)
    # A line that names another SKU than was set aside for it covers nothing of what was.
    own = {(part.line_id, part.sku) for part in here}
    meant = [line for line in shipment.lines if (line.line_id, line.sku) in own]
    taken, left = _split(here, _pieces((line.line_id, line.quantity) for line in meant))
    rest = elsewhere + left
    reserved = _pieces((part.line_id, part.quantity) for part in taken)
    for line in shipment.lines:
        covered = min(line.quantity, reserved.get(line.line_id, 0)) if line in meant else 0
        place = (line.sku, shipment.location)
        shelves.move(*place, on_hand=-covered, reserved=-covered, cause="dispatched", reference=shipment.shipment_id)
        if covered:
            reserved[line.line_id] -= covered
        if beyond := line.quantity - covered:
            _take_unreserved(shelves, *place, beyond, "dispatched", shipment.shipment_id)
    state = kept.model_copy(update={"allocated": rest, "dispatched": (*kept.dispatched, shipment.shipment_id)})
    return _decided(state, shelves)


def write_off_short(
    policy: Policy, kept: Reservation, pick: ShippingShortPicked, now: datetime, others: Others
) -> Decisions[Reservation]:
    """What the warehouse doesn't have is no longer reserved, and, where it isn't there, no longer on hand. Said again,
    a short pick names all of it once more.

    Also where its reservation is gone: the order may have been cancelled before the short pick is heard.
    """
    known = Counter(kept.missing.get(pick.shipment_id, {}))
    named = Counter(_pieces((line.line_id, max(line.wanted - line.picked, 0)) for line in pick.lines))
    more = named - known
    if not more:
        return Decisions(kept)
    shelves = _shelves(policy, others, now)
    here, elsewhere = _parted(kept.allocated, pick.location)
    short, left = _split(here, more)
    rest = elsewhere + left
    reasons = {line.line_id: line.reason for line in pick.lines}
    for part in short:
        reason = reasons[part.line_id]
        before = shelves.level(part.sku, part.location).on_hand
        lost = -part.quantity if reason in GONE else 0
        shelves.move(
            part.sku,
            part.location,
            on_hand=lost,
            reserved=-part.quantity,
            cause="short_pick",
            reference=pick.shipment_id,
        )
        if lost:
            shelves.adjusted(part.sku, part.location, before, f"short pick: {reason}")
    beyond = more - Counter(_pieces((part.line_id, part.quantity) for part in short))
    for line in pick.lines:
        pieces = beyond.pop(line.line_id, 0)
        if pieces and line.reason in GONE and pick.location is not None:
            _take_unreserved(shelves, line.sku, pick.location, pieces, "short pick", pick.shipment_id)
    heard = {**kept.missing, pick.shipment_id: dict(known | named)}
    state = kept.model_copy(update={"allocated": rest, "missing": heard})
    return _decided(state, shelves)


def _take_unreserved(shelves: Shelves, sku: str, location: str, pieces: int, what: str, reference: str) -> None:
    """Pieces that nobody has set aside leave the books, as far as there are such; the rest is said, for people to look
    into."""
    level = shelves.level(sku, location)
    free = min(pieces, level.on_hand - level.reserved)
    cause = f"{what.replace(' ', '_')}_unreserved"
    shelves.move(sku, location, on_hand=-free, cause=cause, reference=reference)
    shelves.adjusted(sku, location, level.on_hand, f"{what} without a reservation, {pieces - free} not on the books")


def receive(policy: Policy, kept: Receipt, receipt: StockReceived, now: datetime, others: Others) -> Decisions[Receipt]:
    """Goods came in."""
    if kept.booked:
        return Decisions(kept)
    _know_location(receipt.location, others)
    came = [(number, line) for number, line in enumerate(receipt.lines) if line.quantity]
    for number, line in came:
        _know_sku(line.sku, others, f"lines.{number}.sku")
    shelves = _shelves(policy, others, now)
    for number, line in came:
        shelves.move(
            line.sku,
            receipt.location,
            on_hand=line.quantity,
            cause="received",
            reference=receipt.receipt_id,
            field=f"lines.{number}.quantity",
        )
    return _decided(Receipt(booked=True), shelves)


def count(policy: Policy, kept: Receipt, counted: StockCounted, now: datetime, others: Others) -> Decisions[Receipt]:
    """Somebody counted: the books follow the shelf. Fewer pieces than are reserved need a person's decision."""
    if kept.booked:
        return Decisions(kept)
    _know_location(counted.location, others)
    _know_sku(counted.sku, others, "sku")
    shelves = _shelves(policy, others, now)
    before = shelves.level(counted.sku, counted.location)
    if counted.counted < before.reserved:
        raise RefusedError(
            "counted_below_reserved",
            f"{counted.counted} counted, {before.reserved} are reserved for orders: cancel or re-allocate some first",
            "counted",
            retryable=True,
        )
    if counted.counted != before.on_hand:
        difference = counted.counted - before.on_hand
        shelves.move(counted.sku, counted.location, on_hand=difference, cause="counted", reference=counted.count_id)
        shelves.adjusted(counted.sku, counted.location, before.on_hand, "count")
    return _decided(Receipt(booked=True), shelves)


def move(policy: Policy, kept: Receipt, moved: StockMoved, now: datetime, others: Others) -> Decisions[Receipt]:
    """Goods went from one location to another. Where none did, nothing is to be known of either."""
    if kept.booked:
        return Decisions(kept)
    if moved.quantity == 0:
        return Decisions(Receipt(booked=True))
    _know_location(moved.from_, others, "from")
    _know_location(moved.to, others, "to")
    _know_sku(moved.sku, others, "sku")
    shelves = _shelves(policy, others, now)
    there = shelves.level(moved.sku, moved.from_)
    if moved.quantity > there.on_hand - there.reserved:
        raise RefusedError(
            "not_enough_unreserved",
            f"{moved.quantity} moved, {there.on_hand - there.reserved} are there and not reserved",
            "quantity",
            retryable=True,
        )
    shelves.move(moved.sku, moved.from_, on_hand=-moved.quantity, cause="moved", reference=moved.move_id)
    shelves.move(moved.sku, moved.to, on_hand=moved.quantity, cause="moved", reference=moved.move_id)
    return _decided(Receipt(booked=True), shelves)


def know_product(_kept: Product, _fact: ProductChanged, _now: datetime) -> Decisions[Product]:
    """A product that may be stocked."""
    return Decisions(Product(known=True))


def know_location(_kept: Location, fact: LocationChanged, _now: datetime) -> Decisions[Location]:
    """A location, and whether it serves orders."""
    return Decisions(Location(known=True, active=fact.active))


def _know_sku(sku: str, others: Others, field: str) -> None:
    if not others.get(PRODUCTS, sku).known:
        raise RefusedError("unknown_sku", f"the catalogue has no product {sku} yet", field, retryable=True)


def _know_location(location: str, others: Others, field: str = "location") -> None:
    if not others.get(LOCATIONS, location).known:
        raise RefusedError("unknown_location", f"the catalogue has no location {location} yet", field, retryable=True)


def _split(
    parts: tuple[Allocation, ...], pieces: dict[str, int]
) -> tuple[tuple[Allocation, ...], tuple[Allocation, ...]]:
    """Takes so many pieces of each line out of the allocations."""
    wanted = dict(pieces)
    taken: list[Allocation] = []
    left: list[Allocation] = []
    for part in parts:
        count_ = min(part.quantity, wanted.get(part.line_id, 0))
        if count_:
            wanted[part.line_id] -= count_
            taken.append(_of(part, count_))
        if part.quantity > count_:
            left.append(_of(part, part.quantity - count_))
    return tuple(taken), tuple(left)


def _of(part: Allocation, pieces: int) -> Allocation:
    return part if part.quantity == pieces else part.model_copy(update={"quantity": pieces})


def _parted(
    parts: tuple[Allocation, ...], location: str | None
) -> tuple[tuple[Allocation, ...], tuple[Allocation, ...]]:
    """Allocations at a location (everywhere, where None), and those elsewhere."""
    here = tuple(part for part in parts if location in (None, part.location))
    return here, tuple(part for part in parts if location not in (None, part.location))


def _pieces(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Pieces by line id; a line may be named more than once."""
    pieces: dict[str, int] = {}
    for line_id, quantity in lines:
        pieces[line_id] = pieces.get(line_id, 0) + quantity
    return pieces


def _shelves(policy: Policy, others: Others, now: datetime) -> Shelves:
    return Shelves(policy, lambda sku: others.get(STOCK, sku), now)


def _decided(state: S, shelves: Shelves, *first: Fact) -> Decisions[S]:
    facts = [*first, *shelves.facts()]
    return Decisions(state, events=facts, journal=shelves.movements, others=shelves.states())


def _skus_of_order(_kept: Reservation, order: OrderAccepted) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in order.lines}


def _skus_reserved(kept: Reservation, _fact: Model) -> Iterable[Ref]:
    return {STOCK.ref(part.sku) for part in kept.allocated}


def _skus_named(kept: Reservation, fact: ShippingDispatched | ShippingShortPicked) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in fact.lines} | set(_skus_reserved(kept, fact))


def _skus_received(_kept: Receipt, fact: StockReceived) -> Iterable[Ref]:
    known = {PRODUCTS.ref(line.sku) for line in fact.lines} | {LOCATIONS.ref(fact.location)}
    return known | {STOCK.ref(line.sku) for line in fact.lines}


def _sku_named(_kept: Receipt, fact: StockCounted | StockMoved) -> Iterable[Ref]:
    return {STOCK.ref(fact.sku), PRODUCTS.ref(fact.sku)}


def routes(policy: Policy) -> Routes:
    """The whole service: which input leads to which reaction."""

    def tuned(react: Callable[[Policy, S, F, datetime, Others], Decisions[S]]) -> WideReaction[S, F]:
        def reaction(state: S, heard: F, now: datetime, others: Others) -> Decisions[S]:
            return react(policy, state, heard, now, others)

        reaction.__name__ = react.__name__
        return reaction

    return Routes(
        "inventory",
        on_wide(OrderAccepted, RESERVATIONS, "order_id", tuned(reserve), _skus_of_order),
        on_wide(OrderCancelled, RESERVATIONS, "order_id", tuned(release), _skus_reserved),
        on_wide(ShippingDispatched, RESERVATIONS, "order_id", tuned(take_off), _skus_named),
        on_wide(ShippingWithdrawn, RESERVATIONS, "order_id", tuned(release_withdrawn), _skus_reserved),
        on_wide(ShippingShortPicked, RESERVATIONS, "order_id", tuned(write_off_short), _skus_named),
        on_wide(StockReceived, RECEIPTS, "receipt_id", tuned(receive), _skus_received),
        on_wide(StockCounted, RECEIPTS, "count_id", tuned(count), _sku_named),
        on_wide(StockMoved, RECEIPTS, "move_id", tuned(move), _sku_named),
        on(ProductChanged, PRODUCTS, "sku", know_product),
        on(LocationChanged, LOCATIONS, "location", know_location),
        kinds=(STOCK,),
    )
