"""Every invariant over a world that has come to rest."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from packhorse_audit import books as audit
from packhorse_audit.streams import streams_are_whole
from packhorse_audit.verdict import Violation
from packhorse_contracts.carrier import TrackingStatus
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancellationDeclined,
    OrderCancelled,
    OrderCompleted,
    OrderRejected,
    OrderRequestDeclined,
)
from packhorse_contracts.shipping import ShippingDispatched, ShippingShortPicked
from packhorse_contracts.warehouse import StockMoved
from packhorse_inventory.state import STOCK
from packhorse_order.state import ORDERS
from packhorse_payment.state import PAYMENTS, Authorisation

from packhorse_simulation import books
from packhorse_simulation.log import Record
from packhorse_simulation.promises import promises
from packhorse_simulation.scheduler import EPOCH
from packhorse_simulation.trials import answered_once
from packhorse_simulation.world import World


def violations(world: World) -> list[Violation]:
    """All that doesn't hold; empty where everything does."""
    parts = (
        _at_rest(world),
        _dead_letters(world),
        _identities(world),
        _audit(world),
        _outcomes(world),
        promises(world),
        answered_once(world.shop.asked, world.log.records()),
    )
    return [*world.witness.violations, *world.trials.violations, *(found for part in parts for found in part)]


def _at_rest(world: World) -> Iterator[Violation]:
    for node in world.nodes.values():
        if not node.at_rest:
            lag, outbox, locked = node.group.lag, len(node.db.outbox), len(node.db.locked)
            found = f"lag {lag}, unpublished {outbox}, rows locked {locked}"
            yield Violation("everything comes to rest", node.name, found)


def _identities(world: World) -> Iterator[Violation]:
    for node in world.nodes.values():
        told = {(letter.cause.raw.topic, letter.cause.id) for letter in node.db.dead.values()}
        for record in world.voice.reused:
            if type(record.fact) in node.routes.by_input and (record.topic, record.id) not in told:
                yield Violation("other content under a used id is told", node.name, f"{record.source} {record.id}")
        reused = {(record.topic, record.id) for record in world.voice.reused}
        for letter in node.db.dead.values():
            if letter.code == "id_reused" and (letter.cause.raw.topic, letter.cause.id) not in reused:
                yield Violation("an id belongs to its topic", node.name, f"{letter.cause.raw.topic} {letter.cause.id}")
        for ref in node.db.shrunk:
            yield Violation("what a newer release wrote stays whole", f"{node.name} {ref.key}", ref.kind)


def _dead_letters(world: World) -> Iterator[Violation]:
    for node in world.nodes.values():
        for ref in node.db.parked:
            yield Violation("nothing stays parked", f"{node.name} {ref.key}", ref.kind)
        if node.db.waiting:
            yield Violation("nothing stays parked", node.name, f"{len(node.db.waiting)} inputs wait")
        for letter in node.db.dead.values():
            if letter.code in ("reaction", "database") and not world.operator.expected(node.name, letter.cause):
                yield Violation("no reaction fails by itself", f"{node.name} {letter.ref}", letter.reason)


def _audit(world: World) -> Iterator[Violation]:
    dbs = {name: node.db for name, node in world.nodes.items()}
    kept = books.orders(dbs["order"])
    records = world.log.records()
    yield from audit.orders_end_or_wait(kept.values())
    yield from audit.stock_is_conserved(books.stock(dbs["inventory"]))
    yield from audit.ended_orders_hold_nothing(kept, books.held(dbs["inventory"]))
    totals = world.gateway.totals(world.scheduler.clock())
    told = books.told(records)
    inventory = dbs["inventory"]
    if not world.chance.counts["a clock jumps"]:  # a moment that is still to come by a wrong clock of ours is no moment
        yield from told.shelves(books.given_up(inventory)).hold(books.levels(inventory), whole=True)
    yield from audit.money_is_conserved(books.payments(dbs["payment"], totals), kept, told.sales())
    yield from audit.one_pick_list_per_shipment(books.shipments(dbs["shipping"]), told.issued, told.withdrawn)
    said = books.sent(dbs["notification"])
    yield from audit.nobody_is_told_twice(world.mail.books(), told.sent.values(), said, told.causes)
    counters = {(f"/packhorse/{name}", key): last for name, db in dbs.items() for key, last in db.sequences.items()}
    yield from streams_are_whole(told.spoken, counters)


def _outcomes(world: World) -> Iterator[Violation]:
    """The checkout's ledger against what became of each order; the outsiders' books against ours."""
    said = _said(world.log.records())
    orders = world.nodes["order"].db.of_kind(ORDERS)
    for order_id, placed in world.shop.ledger.items():
        facts = said.get(order_id, Counter())
        taken, ends = facts[OrderAccepted] + facts[OrderRejected], facts[OrderCompleted] + facts[OrderCancelled]
        wanted: type = OrderRejected if placed.wrong else OrderAccepted
        if taken != 1 or facts[wanted] != 1:
            found = f"accepted {facts[OrderAccepted]} times, rejected {facts[OrderRejected]} times"
            yield Violation("every order is answered once", order_id, found)
        elif not placed.wrong and ends != 1:
            status = orders[order_id].status if order_id in orders else "unknown"
            yield Violation("every order ends once", order_id, f"ended {ends} times, is {status}")
    for order_id, sentence in world.gateway.overreached:
        yield Violation("the gateway is never asked for too much", order_id, sentence)
    for order_id, payment in world.nodes["payment"].db.of_kind(PAYMENTS).items():
        if not payment.refused and payment.kept > payment.owed:
            found = f"{payment.kept} were kept, {payment.owed} are owed"
            yield Violation("nothing is kept that isn't owed", order_id, found)
        if not payment.refused and payment.kept and order_id in orders and orders[order_id].cancelled:
            yield Violation("what is cancelled costs nothing", order_id, f"{payment.kept} were kept")
        held = payment.authorisation
        if held is not None and held.ended == "expired" and not payment.refusals and _lasting(held):
            found = f"{held.amount} were held until that lapsed by itself, days after the order's end"
            yield Violation("money is held no longer than needed", order_id, found)
    yield from _cancellations(world)
    yield from _requests(world)
    yield from _parcels(world)
    yield from _short(world)
    yield from _shelves(world)


def _cancellations(world: World) -> Iterator[Violation]:
    """Who asks for a cancellation gets it or is told why not, also where the wish overtakes the order; who asks for a
    part doesn't lose the whole."""
    facts = [record.fact for record in world.log.records()]
    answers = OrderCancelled | OrderCancellationDeclined | OrderRejected
    answered = {fact.order_id for fact in facts if isinstance(fact, answers)}
    given = [fact for fact in facts if isinstance(fact, OrderCancelled) and fact.by == "customer"]
    asked = [fact for fact in facts if isinstance(fact, CancellationRequested) and fact.order_id in world.shop.ledger]
    for order_id in sorted({fact.order_id for fact in asked} - answered):
        yield Violation("every cancellation is answered", order_id, "neither cancelled nor declined")
    for lost in given:
        if not any(_covers(fact, lost) for fact in asked if fact.order_id == lost.order_id):
            yield Violation("nobody loses more than they cancel", lost.order_id, "a part was to be cancelled, more was")


def _requests(world: World) -> Iterator[Violation]:
    """Who asks for what isn't to be had is told so: once a request."""
    answers: Counter[tuple[str, str]] = Counter()
    for fact in {record.id: record.fact for record in world.log.records()}.values():
        if isinstance(fact, OrderRequestDeclined):
            answers.update((fact.order_id, fault.code) for fault in fact.reasons)
    wanted = Counter({(order_id, "not_offered"): times for order_id, times in world.shop.in_vain.items()})
    wanted.update((order_id, "unknown_order") for order_id in world.shop.ghosts)
    for order_id, code in wanted:
        if answers[order_id, code] != wanted[order_id, code]:
            found = f"{code}: asked {wanted[order_id, code]} times, answered {answers[order_id, code]} times"
            yield Violation("every request is answered", order_id, found)


_ENDS: dict[TrackingStatus, str] = {"lost": "lost", "return_to_sender": "returned", "cancelled": "returned"}


def _parcels(world: World) -> Iterator[Violation]:
    """An order that is over knows how each of its parcels ended, as the carrier does."""
    said = {record.id: record.fact for record in world.log.records()}  # once, where it was published twice
    sent = {
        (fact.order_id, fact.shipment_id): fact.tracking_numbers
        for fact in said.values()
        if isinstance(fact, ShippingDispatched)
    }
    ends: dict[str, set[str]] = {}
    for (order_id, _), numbers in sent.items():
        ends.setdefault(order_id, set()).update(
            _ENDS.get(world.carrier.taken[number], "delivered") for number in numbers
        )
    for order_id, order in world.nodes["order"].db.of_kind(ORDERS).items():
        owed = ", ".join(sorted(ends.get(order_id, set()) - {"delivered"})) or None
        if order.undelivered != owed:
            found = f"the carrier: {owed}, the order: {order.undelivered}"
            yield Violation("what didn't arrive is on the list", order_id, found)


def _covers(asked: CancellationRequested, lost: OrderCancelled) -> bool:
    """Whether all that was cancelled was named: nothing else was still to come, where only a part was."""
    named = Counter[str]()
    for line in asked.lines or ():
        named[line.line_id] += line.quantity
    return asked.lines is None or all(line.quantity <= named[line.line_id] for line in lost.lines)


def _short(world: World) -> Iterator[Violation]:
    """What the warehouse didn't find is never waited for, nor paid."""
    most: Counter[tuple[str, str, str]] = Counter()  # a short pick that is said again names all of it once more
    for fact in (record.fact for record in world.log.records()):
        if isinstance(fact, ShippingShortPicked):
            most |= Counter({(fact.order_id, fact.shipment_id, ln.line_id): ln.wanted - ln.picked for ln in fact.lines})
    short: Counter[tuple[str, str]] = Counter()
    for (order_id, _, line_id), pieces in most.items():
        short[order_id, line_id] += pieces
    for order_id, order in world.nodes["order"].db.of_kind(ORDERS).items():
        for ordered in order.lines:
            if (pieces := short[order_id, ordered.line_id]) > ordered.cancelled:
                found = f"line {ordered.line_id}: {pieces} were short, {ordered.cancelled} are cancelled"
                yield Violation("what is short is cancelled", order_id, found)


def _lasting(held: Authorisation) -> bool:
    """Held for a week, which is longer than any order here takes."""
    return held.expires_at is not None and held.expires_at > EPOCH + timedelta(days=5)


def _said(records: list[Record]) -> dict[str, Counter[type]]:
    """By order, how often each end was said; what was published twice under one id counts once."""
    said: dict[str, Counter[type]] = {}
    seen: set[str] = set()
    for record in records:
        fact = record.fact
        if record.topic != "order.events" or fact is None or record.id in seen:
            continue
        seen.add(record.id)
        if isinstance(fact, OrderCancelled) and not fact.whole:
            continue
        said.setdefault(record.key, Counter())[type(fact)] += 1
    return said


def _shelves(world: World) -> Iterator[Violation]:
    """What lies on the shelves and on carts, as the warehouse knows itself, is what our books say lies there."""
    if world.chance.counts["a clock jumps"]:
        return
    levels = {
        (sku, place): level
        for sku, stock in world.nodes["inventory"].db.of_kind(STOCK).items()
        for place, level in stock.levels.items()
    }
    letters = [letter for letter in world.nodes["inventory"].db.dead.values() if letter.status != "retried"]
    refused = [letter.cause.heard for letter in letters if isinstance(letter.cause.heard, StockMoved)]
    unbooked = {(move.sku, place) for move in refused for place in (move.from_, move.to)}
    for cell, level in sorted(levels.items()):
        if cell in unbooked:
            continue  # a person has to decide about a move of goods that were promised meanwhile
        there, picked = world.floor.shelf[cell], world.floor.cart[cell]
        if (level.shelf, level.picked) != (there, picked):
            found = f"{level.shelf} by our books, {there} by the warehouse's; {level.picked} and {picked} are picked"
            yield Violation("what lies on the shelf is what the books say", " at ".join(cell), found)
