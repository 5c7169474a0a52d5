"""What the inventory service does about orders, their shipments, and the catalogue. One short function an event; pure.

`documents` has the warehouse's receipts, counts and moves, `shelves` how they become levels.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.reaction import Decisions, Others, Routes, WideReaction, on, on_wide
from packhorse_contracts.base import Model, moment
from packhorse_contracts.blocks import ShortLine
from packhorse_contracts.catalogue import LocationChanged, LocationWithdrawn, ProductChanged, ProductWithdrawn
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReservationReleased, InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.shipping import ShippingDispatched, ShippingPicked, ShippingShortPicked, ShippingWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_inventory import documents, parts, policies
from packhorse_inventory.policies import Policy
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import (
    LOCATIONS,
    MOVED,
    PRODUCTS,
    RECEIPTS,
    RESERVATIONS,
    STOCK,
    Level,
    Location,
    Product,
    Reservation,
    Unexplained,
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
    shelves = Shelves(policy, others, now)
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
    return shelves.decisions(state, InventoryReserved(order_id=order.order_id, at=now, allocations=allocations))


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
    """Frees all that is left of an order that was cancelled whole, but for what is picked: that is free when it was put
    back. Pieces of one were withdrawn, or found short: they are booked where that is heard, with the location."""
    if kept.released or not order.whole:
        return Decisions(kept)
    picked = parts.pieces(part for cart in kept.carts.values() for part in cart)
    freed = parts.pieces(kept.allocated) - picked
    state = kept.model_copy(update={"allocated": parts.allocations(picked), "released": True, "decided": True})
    shelves = Shelves(policy, others, now)
    for part, count in freed.items():
        shelves.move(part.sku, part.location, reserved=-count, cause="released", reference=order.order_id)
    return _freed(state, freed, order.order_id, shelves, now)


def release_withdrawn(
    policy: Policy, kept: Reservation, withdrawn: ShippingWithdrawn, now: datetime, others: Others
) -> Decisions[Reservation]:
    """Frees what won't ship from its location; what was picked of it is on the shelf again."""
    shipment = withdrawn.shipment_id
    if shipment in kept.withdrawn:
        return Decisions(kept)
    shelves = Shelves(policy, others, now)
    held, cart, elsewhere = _of_shipment(kept, shipment)
    named = parts.by_line((line.line_id, line.quantity) for line in withdrawn.lines)
    freed: parts.Pieces = Counter()
    for part in _at(withdrawn.location, held):
        count = freed[part] = min(held[part], max(named[part.line_id], cart[part]))
        named[part.line_id] -= count
        shelves.move(
            part.sku,
            part.location,
            shelf=cart[part],
            picked=-cart[part],
            reserved=-count,
            moment=moment(withdrawn.at, now),
            cause="released",
            reference=withdrawn.order_id,
        )
    carts = {**kept.carts, shipment: ()} if shipment in kept.carts else kept.carts
    seen = (*kept.withdrawn, shipment)
    state = kept.model_copy(
        update={"allocated": parts.allocations(held - freed + elsewhere), "withdrawn": seen, "carts": carts}
    )
    return _freed(state, freed, withdrawn.order_id, shelves, now)


def _freed(
    state: Reservation, freed: parts.Pieces, order_id: str, shelves: Shelves, now: datetime
) -> Decisions[Reservation]:
    """These aren't set aside for the order any more."""
    lines = parts.sku_lines(freed)
    if not lines:
        return Decisions(state)
    return shelves.decisions(state, InventoryReservationReleased(order_id=order_id, at=now, lines=lines))


def note_pick(
    policy: Policy, kept: Reservation, pick: ShippingPicked, now: datetime, others: Others
) -> Decisions[Reservation]:
    """The goods left their shelf, and are still ours: on a cart, or packed. They are spoken for, also where their order
    was cancelled meanwhile."""
    shipment = pick.shipment_id
    if shipment in kept.carts or shipment in kept.dispatched:
        return Decisions(kept)
    shelves = Shelves(policy, others, now)
    held, _, elsewhere = _of_shipment(kept, shipment)
    cart = parts.pieces_at(pick.location, pick.lines)
    for part, count in cart.items():
        before, beyond = shelves.level(part.sku, part.location), max(count - held[part], 0)
        held[part] += beyond
        shelves.move(
            part.sku,
            part.location,
            shelf=-count,
            picked=count,
            reserved=beyond,
            moment=moment(pick.at, now),
            cause="picked",
            reference=shipment,
        )
        if beyond:
            _tell_unreserved(shelves, part, before, "picked")
    carts = {**kept.carts, shipment: parts.allocations(cart)}
    return shelves.decisions(
        kept.model_copy(update={"decided": True, "allocated": parts.allocations(held + elsewhere), "carts": carts})
    )


def take_off(
    policy: Policy, kept: Reservation, shipment: ShippingDispatched, now: datetime, others: Others
) -> Decisions[Reservation]:
    """The goods have left: no longer on hand, and no longer reserved. What of it nobody had picked was picked now; what
    was picked and hasn't left is lost.

    Also where their reservation is gone: the warehouse may ship after a cancellation.
    """
    name = shipment.shipment_id
    if name in kept.dispatched:
        return Decisions(kept)
    shelves = Shelves(policy, others, now)
    held, cart, elsewhere = _of_shipment(kept, name)
    left = parts.pieces_at(shipment.location, shipment.lines)
    for part in left | cart:
        before = shelves.level(part.sku, part.location)
        freed = min(held[part], max(left[part], cart[part]))
        held[part] -= freed
        shelves.move(
            part.sku,
            part.location,
            shelf=min(cart[part] - left[part], 0),
            picked=-cart[part],
            reserved=-freed,
            moment=moment(shipment.at, now),
            cause="dispatched",
            reference=name,
        )
        if left[part] > freed:
            _tell_unreserved(shelves, part, before, "dispatched")
        if cart[part] > left[part]:
            shelves.adjusted(part.sku, part.location, before.on_hand, "picked, and not among what left")
    state = kept.model_copy(
        update={
            "allocated": parts.allocations(held + elsewhere),
            "carts": {**kept.carts, name: ()},
            "dispatched": (*kept.dispatched, name),
        }
    )
    return shelves.decisions(state)


def write_off_short(
    policy: Policy, kept: Reservation, pick: ShippingShortPicked, now: datetime, others: Others
) -> Decisions[Reservation]:
    """What the warehouse doesn't have is no longer reserved, and, where it isn't there, no longer on hand; nor is what
    was picked and then lost. Said again, a short pick names all of it once more.

    Also where its reservation is gone: the order may have been cancelled before the short pick is heard.
    """
    known = Counter(kept.missing.get(pick.shipment_id, {}))
    named = parts.by_line((line.line_id, max(line.wanted - line.picked, 0)) for line in pick.lines)
    more = named - known
    if not more:
        return Decisions(kept)
    shelves = Shelves(policy, others, now)
    when, name = moment(pick.at, now), pick.shipment_id
    held, cart, elsewhere = _of_shipment(kept, name)
    there = parts.by_line((line.line_id, line.picked) for line in pick.lines)
    reasons = {line.line_id: line.reason for line in pick.lines}
    for part in _at(pick.location, held):
        lost = min(more[part.line_id], max(cart[part] - there[part.line_id], 0))
        unpicked = min(more[part.line_id] - lost, held[part] - cart[part])
        count = lost + unpicked
        if not count:
            continue
        before, reason = shelves.level(part.sku, part.location), reasons[part.line_id]
        gone = unpicked if reason in GONE else 0
        shelves.move(
            part.sku,
            part.location,
            shelf=-gone,
            picked=-lost,
            reserved=-count,
            moment=when,
            cause="short_pick",
            reference=name,
        )
        held[part], cart[part] = held[part] - count, cart[part] - lost
        more[part.line_id] -= count
        if shelves.level(part.sku, part.location).on_hand != before.on_hand:
            shelves.adjusted(part.sku, part.location, before.on_hand, f"short pick: {reason}")
    for line in pick.lines:
        if (pieces := more.pop(line.line_id, 0)) and line.reason in GONE and pick.location is not None:
            place = parts.Part(line.line_id, line.sku, pick.location)
            before = shelves.level(place.sku, place.location)
            cause = "short_pick_unreserved"
            shelves.move(place.sku, place.location, shelf=-pieces, moment=when, cause=cause, reference=name)
            _tell_unreserved(shelves, place, before, "short pick")
    carts = {**kept.carts, name: parts.allocations(cart)} if name in kept.carts else kept.carts
    heard = {**kept.missing, name: dict(known | named)}
    return shelves.decisions(
        kept.model_copy(update={"allocated": parts.allocations(held + elsewhere), "carts": carts, "missing": heard})
    )


def _of_shipment(kept: Reservation, shipment: str) -> tuple[parts.Pieces, parts.Pieces, parts.Pieces]:
    """What is set aside and may be a shipment's, what of that is picked for it, and what is picked for others."""
    carts = {name: parts.pieces(cart) for name, cart in kept.carts.items()}
    cart: parts.Pieces = carts.pop(shipment, Counter())
    elsewhere = sum(carts.values(), parts.Pieces())
    return parts.pieces(kept.allocated) - elsewhere, cart, elsewhere


def _at(location: str | None, held: parts.Pieces) -> list[parts.Part]:
    """What is set aside at a location; everywhere, where None."""
    return [part for part in held if location in (None, part.location)]


def _tell_unreserved(shelves: Shelves, part: parts.Part, before: Level, what: str) -> None:
    """Goods went that nobody had set aside for their order: people may want to look into it."""
    missing = shelves.level(part.sku, part.location).unexplained - before.unexplained
    cause = f"{what} without a reservation, {max(missing, 0)} not on the books"
    shelves.adjusted(part.sku, part.location, before.on_hand, cause)


def know_product(kept: Product, fact: ProductChanged, _now: datetime, others: Others) -> Decisions[Product]:
    """A product that may be stocked, and is offered (again)."""
    return _offered(kept, fact.sku, others, offered=True)


def forget_product(kept: Product, fact: ProductWithdrawn, _now: datetime, others: Others) -> Decisions[Product]:
    """The catalogue took it off: nothing more is promised of it. What is reserved stays so, and goods are still
    booked."""
    return _offered(kept, fact.sku, others, offered=False)


def _offered(kept: Product, sku: str, others: Others, *, offered: bool) -> Decisions[Product]:
    after = Product(known=True, offered=offered)
    if kept.offered == offered:
        return Decisions(after)
    # Beside the stock itself, so that an order needs to look nowhere else.
    stock = others.get(STOCK, sku).model_copy(update={"offered": offered})
    return Decisions(after, others={STOCK.ref(sku): stock})


def know_location(_kept: Location, fact: LocationChanged, _now: datetime) -> Decisions[Location]:
    """A location, and whether it serves orders."""
    return Decisions(Location(known=True, active=fact.active))


def close_location(_kept: Location, _fact: LocationWithdrawn, _now: datetime) -> Decisions[Location]:
    """The catalogue took it off: it serves no orders any more. What is there is still booked."""
    return Decisions(Location(known=True, active=False))


def _skus_of_order(_kept: Reservation, order: OrderAccepted) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in order.lines}


def _skus_reserved(kept: Reservation, _fact: Model) -> Iterable[Ref]:
    return {STOCK.ref(part.sku) for part in kept.allocated}


def _skus_named(kept: Reservation, fact: ShippingPicked | ShippingDispatched | ShippingShortPicked) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in fact.lines} | set(_skus_reserved(kept, fact))


def _stock_to_close(_kept: Product, fact: ProductWithdrawn) -> Iterable[Ref]:
    return {STOCK.ref(fact.sku)}


def _stock_to_open(kept: Product, fact: ProductChanged) -> Iterable[Ref]:
    return () if kept.offered else {STOCK.ref(fact.sku)}


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
        on_wide(ShippingPicked, RESERVATIONS, "order_id", tuned(note_pick), _skus_named),
        on_wide(ShippingDispatched, RESERVATIONS, "order_id", tuned(take_off), _skus_named),
        on_wide(ShippingWithdrawn, RESERVATIONS, "order_id", tuned(release_withdrawn), _skus_reserved),
        on_wide(ShippingShortPicked, RESERVATIONS, "order_id", tuned(write_off_short), _skus_named),
        on_wide(StockReceived, RECEIPTS, documents.receipt_key, tuned(documents.receive), documents.stock_received),
        on_wide(StockCounted, RECEIPTS, documents.count_key, tuned(documents.count), documents.its_stock),
        on_wide(StockMoved, RECEIPTS, documents.move_key, tuned(documents.move), documents.its_stock),
        on_wide(Unexplained, PRODUCTS, "sku", documents.report_unexplained, documents.its_stock),
        on_wide(ProductChanged, PRODUCTS, "sku", know_product, _stock_to_open),
        on_wide(ProductWithdrawn, PRODUCTS, "sku", forget_product, _stock_to_close),
        on(LocationChanged, LOCATIONS, "location", know_location),
        on(LocationWithdrawn, LOCATIONS, "location", close_location),
        kinds=(STOCK, MOVED),
    )
