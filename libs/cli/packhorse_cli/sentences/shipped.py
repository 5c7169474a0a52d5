"""What shipping says."""

from packhorse_contracts import shipping

from packhorse_cli.sentences.outsiders import returned
from packhorse_cli.sentences.table import tells
from packhorse_cli.sentences.words import Scene, carrier, listed, many, money, pieces, reasons, worded


@tells(shipping.ShippingPlanned)
def _(fact: shipping.ShippingPlanned, _: Scene) -> str:
    part = f"part {fact.part}: " if fact.part else ""
    if not fact.shipments:
        return f"{part}nothing is to be sent"
    from_each = [f"{pieces(sum(line.quantity for line in one.lines))} from {one.location}" for one in fact.shipments]
    return f"{part}to be sent: {listed(from_each)}"


@tells(shipping.ShippingPickListIssued)
def _(fact: shipping.ShippingPickListIssued, scene: Scene) -> str:
    count = sum(line.quantity for line in fact.lines)
    urgent = ", urgent" if fact.service == "express" else ""
    return f"{fact.location} asked to pick {pieces(count)} by {scene.until(fact.ship_by)}{urgent}"


@tells(shipping.ShippingPickListWithdrawn)
def _(fact: shipping.ShippingPickListWithdrawn, _: Scene) -> str:
    return f"{fact.location} asked to stop: {worded(fact.reason)}"


@tells(shipping.ShippingWithdrawn)
def _(fact: shipping.ShippingWithdrawn, scene: Scene) -> str:
    location = fact.location or scene.known.locations.get(fact.shipment_id)
    where = f" from {location}" if location else ""
    return f"will not ship{where}: {scene.goods(fact.lines) if fact.lines else 'nothing was left'}"


@tells(shipping.ShippingWithdrawalRefused)
def _(fact: shipping.ShippingWithdrawalRefused, _: Scene) -> str:
    return f"too late, it ships: {reasons([fact.reason])}"


@tells(shipping.ShippingPicked)
def _(fact: shipping.ShippingPicked, _: Scene) -> str:
    return f"picked {pieces(sum(line.quantity for line in fact.lines))} at {fact.location}"


@tells(shipping.ShippingShortPicked)
def _(fact: shipping.ShippingShortPicked, scene: Scene) -> str:
    told = [f"{ln.wanted - ln.picked} of {ln.wanted} × {scene.name(ln)} {worded(ln.reason)}" for ln in fact.lines]
    return f"short: {listed(told)}"


@tells(shipping.ShippingPacked)
def _(fact: shipping.ShippingPacked, _: Scene) -> str:
    weight = sum(package.weight for package in fact.packages)
    return f"packed: {many(len(fact.packages), 'package')}, {weight / 1000:,.1f} kg"


@tells(shipping.ShippingLabelCreated)
def _(fact: shipping.ShippingLabelCreated, _: Scene) -> str:
    label = f"{carrier(fact.carrier)} {fact.service} label {fact.tracking_number}"
    return f"bought a {label} for {money(fact.cost)}"


@tells(shipping.ShippingDispatched)
def _(fact: shipping.ShippingDispatched, _: Scene) -> str:
    numbers = list(dict.fromkeys(fact.tracking_numbers))
    parcels = f"{'the parcel' if len(numbers) == 1 else 'the parcels'} {listed(numbers)}" if numbers else "it"
    return f"{carrier(fact.carrier)} has {parcels} ({pieces(sum(line.quantity for line in fact.lines))})"


_PARCEL = {
    shipping.ShippingReadyForCollection: "waits for the customer",
    shipping.ShippingCollected: "fetched by the customer",
    shipping.ShippingOutForDelivery: "arrives today",
    shipping.ShippingDelivered: "delivered",
    shipping.ShippingDeliveryFailed: "could not be delivered",
    shipping.ShippingReturnedToSender: "comes back undelivered",
    shipping.ShippingLost: "is lost",
}


@tells(
    shipping.ShippingReadyForCollection,
    shipping.ShippingCollected,
    shipping.ShippingOutForDelivery,
    shipping.ShippingDelivered,
    shipping.ShippingDeliveryFailed,
    shipping.ShippingReturnedToSender,
    shipping.ShippingLost,
)
def _(fact: shipping._ParcelNews, scene: Scene) -> str:
    location = scene.known.locations.get(fact.shipment_id)
    whole = f"all from {location}" if location else "the shipment"
    what = f"parcel {fact.tracking_number}" if fact.tracking_number else whole
    return f"{what} {_PARCEL[type(fact)]}{f': {fact.detail}' if fact.detail else ''}"


@tells(shipping.ShippingReturnReceived)
def _(fact: shipping.ShippingReturnReceived, scene: Scene) -> str:
    return f"back at {fact.location}: {returned(fact.lines, scene)}"
