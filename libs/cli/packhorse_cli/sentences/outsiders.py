"""What checkout, customers, warehouses, carriers and the catalogue say."""

from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.catalogue import LocationChanged, LocationWithdrawn, ProductChanged, ProductWithdrawn
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import (
    AddressChangeRequested,
    CancellationRequested,
    ClaimRequested,
    HoldRequested,
    ReleaseRequested,
    ReturnRequested,
)
from packhorse_contracts.warehouse import (
    Collected,
    HandedOver,
    Packed,
    PickCompleted,
    PickedLine,
    PickListAccepted,
    PickListRejected,
    ReturnReceived,
    StockCounted,
    StockMoved,
    StockReceived,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_cli.sentences.table import tells
from packhorse_cli.sentences.words import Scene, carrier, listed, many, money, pieces, tenders, worded


@tells(OrderPlaced)
def _(fact: OrderPlaced, scene: Scene) -> str:
    count = sum(line.quantity for line in fact.lines)
    paid = f" by {tenders(fact.payments)}" if fact.payments else ""
    mode = f", to collect at {fact.delivery.collect_at}" if fact.delivery.collect_at else ""
    where = scene.whom(fact.customer, fact.ship_to) if not mode or scene.personal else ""
    total = money(fact.totals.grand_total, fact.currency)
    return f"ordered {pieces(count)} for {total}{paid}{mode}{f',{where}' if where else ''}"


@tells(CancellationRequested)
def _(fact: CancellationRequested, scene: Scene) -> str:
    return f"asks to cancel {scene.goods(fact.lines) if fact.lines else 'all of it'}{scene.own_words(fact.reason)}"


@tells(AddressChangeRequested)
def _(fact: AddressChangeRequested, scene: Scene) -> str:
    return f"asks to have it sent elsewhere,{scene.whom(None, fact.ship_to)}"


@tells(ReturnRequested, ClaimRequested)
def _(fact: ReturnRequested | ClaimRequested, scene: Scene) -> str:
    verb = "asks to return" if isinstance(fact, ReturnRequested) else "claims"
    why, wish = (listed(dict.fromkeys(worded(getattr(ln, of)) for ln in fact.lines)) for of in ("reason", "wish"))
    return f"{verb} {scene.goods(fact.lines)} ({why}), wants a {wish}"


@tells(HoldRequested)
def _(fact: HoldRequested, _: Scene) -> str:
    return f"{fact.holder} asks to hold it: {worded(fact.hold)}{f', {fact.note}' if fact.note else ''}"


@tells(ReleaseRequested)
def _(fact: ReleaseRequested, _: Scene) -> str:
    return f"{fact.holder} lets it go on: no longer {worded(fact.hold)}{f', {fact.note}' if fact.note else ''}"


@tells(PickListAccepted)
def _(fact: PickListAccepted, scene: Scene) -> str:
    return f"{_at(scene, fact.pick_list_id)}takes the pick list"


@tells(PickListRejected)
def _(fact: PickListRejected, scene: Scene) -> str:
    what = f" of {scene.goods(fact.lines)}" if fact.lines else ""
    return f"{_at(scene, fact.pick_list_id)}refuses the pick list{what}: {worded(fact.reason)}"


@tells(WithdrawalAccepted)
def _(fact: WithdrawalAccepted, scene: Scene) -> str:
    return f"{_at(scene, fact.pick_list_id)}stopped in time{f': {fact.reason}' if fact.reason else ''}"


@tells(WithdrawalRejected)
def _(fact: WithdrawalRejected, scene: Scene) -> str:
    return f"{_at(scene, fact.pick_list_id)}can't stop it any more{f': {fact.reason}' if fact.reason else ''}"


@tells(PickCompleted)
def _(fact: PickCompleted, scene: Scene) -> str:
    wanted = scene.known.wanted.get(fact.pick_list_id, {})
    picked = sum(line.picked for line in fact.lines)
    less = [ln for ln in fact.lines if ln.short_reason or ln.picked < wanted.get(ln.line_id, 0)]
    told = [f"{_missing(ln, wanted, scene)} {worded(ln.short_reason or 'missing')}" for ln in less]
    of = f" of {pieces(sum(wanted.values()))}" if wanted and less else ""
    count = f"{picked}{of}" if of else pieces(picked)
    return f"{_at(scene, fact.pick_list_id)}picked {count}{'; ' + listed(told) if told else ''}"


def _missing(line: PickedLine, wanted: dict[str, int], scene: Scene) -> str:
    if line.line_id not in wanted:
        return f"some {scene.name(line)}"
    return f"{wanted[line.line_id] - line.picked} of {wanted[line.line_id]} × {scene.name(line)}"


@tells(Packed)
def _(fact: Packed, scene: Scene) -> str:
    weight = sum(package.weight for package in fact.packages)
    return f"{_at(scene, fact.pick_list_id)}packed {many(len(fact.packages), 'package')}, {weight / 1000:,.1f} kg"


@tells(HandedOver)
def _(fact: HandedOver, scene: Scene) -> str:
    numbers = listed(dict.fromkeys(parcel.tracking_number for parcel in fact.parcels))
    return f"{_at(scene, fact.pick_list_id)}gave {carrier(fact.carrier)} {numbers or 'it'}"


@tells(Collected)
def _(fact: Collected, scene: Scene) -> str:
    by = f"by {fact.collected_by}" if fact.collected_by and scene.personal else "by the customer"
    return f"{_at(scene, fact.pick_list_id)}it was fetched {by}"


def _at(scene: Scene, pick_list_id: str) -> str:
    location = scene.known.locations.get(pick_list_id)
    return f"{location}: " if location else ""


@tells(StockReceived)
def _(fact: StockReceived, scene: Scene) -> str:
    order = f" of purchase order {fact.purchase_order}" if fact.purchase_order else ""
    return f"{fact.location} received {scene.goods(fact.lines)}{order}"


@tells(StockCounted)
def _(fact: StockCounted, _: Scene) -> str:
    return f"{fact.location} counted {fact.counted:,} × {fact.sku}"


@tells(StockMoved)
def _(fact: StockMoved, _: Scene) -> str:
    return f"{fact.quantity:,} × {fact.sku} moved from {fact.from_} to {fact.to}"


@tells(ReturnReceived)
def _(fact: ReturnReceived, scene: Scene) -> str:
    return f"{fact.location} got back {returned(fact.lines, scene)}"


def returned(lines: object, scene: Scene) -> str:
    """What came back, and in which state."""
    assert isinstance(lines, tuple)  # noqa: S101
    return listed(f"{line.quantity} × {scene.name(line)} ({worded(line.condition)})" for line in lines)


@tells(TrackingUpdated)
def _(fact: TrackingUpdated, _: Scene) -> str:
    place = f" at {fact.place}" if fact.place else ""
    why = f" ({worded(fact.incident)})" if fact.incident else ""
    return f"{fact.tracking_number} {worded(fact.status)}{why}{place}"


@tells(ProductChanged)
def _(fact: ProductChanged, _: Scene) -> str:
    return f"product {fact.sku}: {fact.title}, {fact.weight:,} g"


@tells(ProductWithdrawn)
def _(fact: ProductWithdrawn, _: Scene) -> str:
    return f"product {fact.sku} is no longer offered"


@tells(LocationChanged)
def _(fact: LocationChanged, _: Scene) -> str:
    return f"{fact.kind} {fact.location}: {fact.name}, {fact.country}{'' if fact.active else ', not in use'}"


@tells(LocationWithdrawn)
def _(fact: LocationWithdrawn, _: Scene) -> str:
    return f"{fact.location} sends no orders any more"
