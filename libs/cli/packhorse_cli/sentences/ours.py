"""What order, payment, inventory and notification say."""

from packhorse_contracts import inventory as stock
from packhorse_contracts import notification, operations, order, payment, registry
from packhorse_contracts.blocks import Allocation

from packhorse_cli.sentences.table import tells
from packhorse_cli.sentences.words import Scene, calendar_day, language, listed, money, pieces, reasons, tenders, worded

_TOLD = {
    "order_confirmed": "your order is confirmed",
    "dispatched": "your order is on its way",
    "delivered": "your order has arrived",
    "cancelled": "what is cancelled",
    "cancellation_declined": "it can't be cancelled any more",
    "refunded": "you get money back",
}
"""Kinds of messages as customers read them; others by their name."""


@tells(order.OrderAccepted)
def _(fact: order.OrderAccepted, _: Scene) -> str:
    count = pieces(sum(line.quantity for line in fact.lines))
    return f"accepted: {count} for {money(fact.totals.grand_total, fact.currency)}"


@tells(order.OrderRejected)
def _(fact: order.OrderRejected, _: Scene) -> str:
    return f"rejected: {reasons(fact.reasons)}"


@tells(order.OrderHeld)
def _(fact: order.OrderHeld, _: Scene) -> str:
    return f"held by {fact.holder}: {worded(fact.hold)}{f', {fact.note}' if fact.note else ''}"


@tells(order.OrderReleased)
def _(fact: order.OrderReleased, _: Scene) -> str:
    return f"goes on: {fact.holder} released {worded(fact.hold)}{f', {fact.note}' if fact.note else ''}"


@tells(order.OrderConfirmed)
def _(fact: order.OrderConfirmed, scene: Scene) -> str:
    promise = fact.promise
    leaves = calendar_day(promise.ship_on) if promise.ship_on else scene.until(promise.ship_by)
    return f"confirmed: {_from(fact.allocations)}, leaves by {leaves}"


@tells(order.OrderBackordered)
def _(fact: order.OrderBackordered, scene: Scene) -> str:
    expected = f", expected {scene.until(fact.expected_at)}" if fact.expected_at else ""
    return f"comes later: {scene.goods(fact.lines)}{expected}"


@tells(order.OrderAmended)
def _(fact: order.OrderAmended, scene: Scene) -> str:
    sign = "−" if fact.price_difference < 0 else "+"
    what = listed(change.field for change in fact.changes)
    return f"changed: {what} ({sign}{money(abs(fact.price_difference), scene.known.currency)})"


@tells(order.OrderCancellationRequested)
def _(fact: order.OrderCancellationRequested, _: Scene) -> str:
    return f"shipping is asked to stop it ({fact.by}): {reasons([fact.reason])}"


@tells(order.OrderCancellationDeclined, order.OrderReturnDeclined)
def _(fact: order.OrderCancellationDeclined | order.OrderReturnDeclined, _: Scene) -> str:
    what = "return" if isinstance(fact, order.OrderReturnDeclined) else "cancellation"
    return f"{what} declined: {reasons(fact.reasons)}"


@tells(order.OrderRequestDeclined)
def _(fact: order.OrderRequestDeclined, _: Scene) -> str:
    if fact.request == "cancellation":  # the fact beside it has said why
        return "the customer's request is declined"
    return f"{worded(fact.request)} declined: {reasons(fact.reasons)}"


@tells(order.OrderCancelled)
def _(fact: order.OrderCancelled, scene: Scene) -> str:
    what = "cancelled" if fact.whole else f"cancelled {scene.goods(fact.lines)}"
    return f"{what} ({fact.by}): {reasons([fact.reason])}"


@tells(order.OrderCompleted)
def _(fact: order.OrderCompleted, _: Scene) -> str:
    return f"complete: {worded(fact.outcome)}"


@tells(order.OrderReturnAuthorised)
def _(fact: order.OrderReturnAuthorised, scene: Scene) -> str:
    label = ", with our label" if fact.label_needed else ""
    return f"may come back by {scene.until(fact.send_by)}: {scene.goods(fact.lines)}{label}"


@tells(order.OrderReturnSettled)
def _(fact: order.OrderReturnSettled, _: Scene) -> str:
    how = f": {'; '.join(fact.explanation)}" if fact.explanation else ""
    return f"return settled, {money(fact.refund)} to be refunded{how}"


@tells(payment.PaymentAuthorised)
def _(fact: payment.PaymentAuthorised, scene: Scene) -> str:
    until = f", valid until {scene.until(fact.expires_at)}" if fact.expires_at else ""
    return f"authorised {money(fact.amount, fact.currency)}{_on(fact.tenders)}{until}"


@tells(payment.PaymentDeclined)
def _(fact: payment.PaymentDeclined, _: Scene) -> str:
    again = ", another try may do" if fact.may_retry else ""
    return f"declined{_on(fact.tenders)}: {reasons([fact.reason])}{again}"


@tells(payment.PaymentCaptured)
def _(fact: payment.PaymentCaptured, scene: Scene) -> str:
    location = scene.known.locations.get(fact.shipment_id)
    what = f" for what left {location}" if location else ""
    return f"captured {money(fact.amount, fact.currency)}{_on(fact.tenders)}{what}"


@tells(payment.PaymentVoided)
def _(fact: payment.PaymentVoided, _: Scene) -> str:
    return f"voided {money(fact.amount, fact.currency)}{_on(fact.tenders)}: {worded(fact.cause)}"


@tells(payment.PaymentRefunded)
def _(fact: payment.PaymentRefunded, _: Scene) -> str:
    return f"refunded {money(fact.amount, fact.currency)}{_on(fact.tenders)}: {worded(fact.cause)}"


@tells(payment.PaymentCaptureFailed, payment.PaymentRefundFailed, payment.PaymentDisputed)
def _(fact: payment.PaymentCaptureFailed | payment.PaymentRefundFailed | payment.PaymentDisputed, _: Scene) -> str:
    amount = money(fact.amount, fact.currency)
    if isinstance(fact, payment.PaymentDisputed):
        return f"the customer's bank took back {amount}: {reasons([fact.reason])}"
    what = "captured" if isinstance(fact, payment.PaymentCaptureFailed) else "refunded"
    return f"could not be {what}: {amount}, {reasons([fact.reason])}"


def _on(given: payment.Tenders) -> str:
    return f" on {tenders(given)}" if given else ""


@tells(stock.InventoryReserved)
def _(fact: stock.InventoryReserved, scene: Scene) -> str:
    until = f", until {scene.until(fact.expires_at)}" if fact.expires_at else ""
    return f"reserved {_from(fact.allocations)}{until}"


@tells(stock.InventoryPartlyReserved)
def _(fact: stock.InventoryPartlyReserved, scene: Scene) -> str:
    return f"reserved {_from(fact.allocations)}; short: {_short(fact.short, scene)}"


@tells(stock.InventoryReservationRefused)
def _(fact: stock.InventoryReservationRefused, scene: Scene) -> str:
    return f"not in stock: {_short(fact.short, scene)}"


@tells(stock.InventoryReservationReleased, stock.InventoryReservationExpired)
def _(fact: stock.InventoryReservationReleased | stock.InventoryReservationExpired, scene: Scene) -> str:
    why = ", reserved for too long" if isinstance(fact, stock.InventoryReservationExpired) else ""
    return f"no longer reserved: {scene.goods(fact.lines) if fact.lines else 'nothing was left'}{why}"


@tells(stock.InventoryAllocatedFromBackorder)
def _(fact: stock.InventoryAllocatedFromBackorder, _: Scene) -> str:
    return f"came in and is reserved: {_from(fact.allocations)}"


def _from(allocations: tuple[Allocation, ...]) -> str:
    by_location: dict[str, int] = {}
    for one in allocations:
        by_location[one.location] = by_location.get(one.location, 0) + one.quantity
    return listed(f"{pieces(count)} from {location}" for location, count in by_location.items()) or "nothing"


def _short(lines: stock.Short, scene: Scene) -> str:
    return listed(f"{line.available} of {line.wanted} × {scene.name(line)}" for line in lines)


@tells(stock.InventoryLevelChanged)
def _(fact: stock.InventoryLevelChanged, _: Scene) -> str:
    there = f"{fact.on_hand:,} there, {fact.reserved:,} reserved, {fact.available_to_promise:,} to promise"
    return f"{fact.sku} at {fact.location}: {there}"


@tells(stock.InventoryLowStock)
def _(fact: stock.InventoryLowStock, _: Scene) -> str:
    return f"{fact.available_to_promise:,} × {fact.sku} left at {fact.location} (low from {fact.threshold:,})"


@tells(stock.InventoryStockAdjusted)
def _(fact: stock.InventoryStockAdjusted, _: Scene) -> str:
    return f"{fact.sku} at {fact.location} put right from {fact.from_:,} to {fact.to:,}: {worded(fact.cause)}"


@tells(stock.InventoryReplenishmentProposed)
def _(fact: stock.InventoryReplenishmentProposed, _: Scene) -> str:
    return f"proposes to order {fact.quantity:,} × {fact.sku} from {fact.supplier} for {fact.location}: {fact.reason}"


@tells(stock.InventoryReplenishmentReceived)
def _(fact: stock.InventoryReplenishmentReceived, _: Scene) -> str:
    where = listed(f"{line.quantity:,} at {line.location}" for line in fact.lines)
    return f"{fact.sku} came in as ordered: {where}"


@tells(notification.NotificationSent)
def _(fact: notification.NotificationSent, _: Scene) -> str:
    said = _TOLD.get(fact.kind, worded(fact.kind))
    return f"customer told: {said} ({_channel(fact.channel)}, {language(fact.language)})"


@tells(notification.NotificationSuppressed)
def _(fact: notification.NotificationSuppressed, _: Scene) -> str:
    why = {"no_address": "no address", "duplicate": "told already", "quiet_hours": "quiet hours"}.get(fact.why)
    return f"customer not told ({_channel(fact.channel)}): {worded(fact.kind)}, {why or 'as they wish'}"


@tells(notification.NotificationFailed)
def _(fact: notification.NotificationFailed, _: Scene) -> str:
    again = "given up" if fact.final else "to be tried again"
    return f"customer couldn't be told ({_channel(fact.channel)}): {worded(fact.kind)}, {fact.reason}; {again}"


def _channel(channel: str) -> str:
    return {"email": "e-mail", "sms": "text message", "push": "push message"}.get(channel, channel)


@tells(operations.OperationsPreviewed)
def _(fact: operations.OperationsPreviewed, _: Scene) -> str:
    what = f"dry run of {_wire(fact.request_type)}"
    if fact.refusal is not None:
        return f"{what}: it would be refused, {fact.refusal.message}"
    said = [_wire(would.type) for would in fact.facts]
    more = len(fact.timers) + len(fact.effects)
    beside = f"{more} timers and effects" if more else ""
    otherwise = "a change of state alone" if fact.states else "nothing"
    return f"{what}: it would lead to {listed([*said, beside] if beside else said) or otherwise}"


@tells(operations.OperationsPolicySet)
def _(fact: operations.OperationsPolicySet, _: Scene) -> str:
    why = f": {fact.why}" if fact.why else ""
    return f"version {fact.policy_version} of the policy of {fact.service}, set by {fact.by}{why}"


def _wire(text: str) -> str:
    wire = registry.parse_type(text)
    return f"{worded(wire.fact)}" if wire else text[:100]
