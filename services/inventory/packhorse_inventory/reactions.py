"""The table of the inventory service: which input leads to which reaction, in which status, and what it locks. Pure.

`reserving`, `releasing`, `picking`, `documents` and `catalogue` hold the reactions, `shelves` how they become levels.
"""

from collections.abc import Iterable
from typing import Final

from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Routes, ignored, on
from packhorse_contracts.base import Model
from packhorse_contracts.catalogue import LocationChanged, LocationWithdrawn, ProductChanged, ProductWithdrawn
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.policies import InventoryPolicy
from packhorse_contracts.shipping import ShippingDispatched, ShippingPicked, ShippingShortPicked, ShippingWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_inventory import catalogue, documents, picking, releasing, reserving
from packhorse_inventory.state import (
    LOCATIONS,
    MOVED,
    PRODUCTS,
    RECEIPTS,
    RESERVATIONS,
    STOCK,
    Product,
    Reservation,
    Unexplained,
)

_DECIDED: Final = "its stock was decided on before: this is a repeat, or its picking was heard first"
_ENDED: Final = "it was cancelled before: nothing is set aside for it any more"
_FREED: Final = "all of it was freed when it was cancelled the first time"


def routes(usual: InventoryPolicy | None = None) -> Routes:
    """The whole service. `usual` is what it goes by while nobody has set a policy."""
    return Routes(
        "inventory",
        on(
            OrderAccepted,
            RESERVATIONS,
            "order_id",
            {
                "unknown": reserving.reserve,
                ("reserved", "settled", "refused"): ignored(_DECIDED),
                "cancelled": ignored(_ENDED),
            },
            _skus_of_order,
        ),
        on(
            OrderCancelled,
            RESERVATIONS,
            "order_id",
            {
                ("unknown", "reserved", "settled", "refused"): releasing.release,
                "cancelled": ignored(_FREED),
            },
            _skus_reserved,
        ),
        # The warehouse's word counts in every status: it may overtake the order, or come after its end.
        on(ShippingPicked, RESERVATIONS, "order_id", picking.note_pick, _skus_named),
        on(ShippingDispatched, RESERVATIONS, "order_id", picking.take_off, _skus_named),
        on(ShippingWithdrawn, RESERVATIONS, "order_id", releasing.release_withdrawn, _skus_reserved),
        on(ShippingShortPicked, RESERVATIONS, "order_id", picking.write_off_short, _skus_named),
        on(
            StockReceived,
            RECEIPTS,
            documents.receipt_key,
            {"new": documents.receive, "booked": documents.recognise},
            _stock_received,
        ),
        on(
            StockCounted,
            RECEIPTS,
            documents.count_key,
            {"new": documents.count, "booked": documents.recognise},
            _its_stock,
        ),
        on(
            StockMoved,
            RECEIPTS,
            documents.move_key,
            {"new": documents.move, "booked": documents.recognise},
            _its_stock,
        ),
        on(Unexplained, PRODUCTS, "sku", documents.report_unexplained, _its_stock),
        on(ProductChanged, PRODUCTS, "sku", catalogue.know_product, _stock_to_open),
        on(ProductWithdrawn, PRODUCTS, "sku", catalogue.forget_product, _stock_to_close),
        on(LocationChanged, LOCATIONS, "location", catalogue.know_location),
        on(LocationWithdrawn, LOCATIONS, "location", catalogue.close_location),
        kinds=(STOCK, MOVED),
        policies=Policies("inventory", usual or InventoryPolicy()),
    )


def _skus_of_order(_kept: Reservation, order: OrderAccepted) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in order.lines}


def _skus_reserved(kept: Reservation, _fact: Model) -> Iterable[Ref]:
    return {STOCK.ref(part.sku) for part in kept.allocated}


def _skus_named(kept: Reservation, fact: ShippingPicked | ShippingDispatched | ShippingShortPicked) -> Iterable[Ref]:
    return {STOCK.ref(line.sku) for line in fact.lines} | set(_skus_reserved(kept, fact))


def _its_stock(_kept: object, fact: StockCounted | StockMoved | Unexplained) -> Iterable[Ref]:
    """The stock of a document about one SKU."""
    return {STOCK.ref(fact.sku), PRODUCTS.ref(fact.sku)}


def _stock_received(_kept: object, fact: StockReceived) -> Iterable[Ref]:
    """The stock of a receipt, and what the catalogue knows of it."""
    known = {PRODUCTS.ref(line.sku) for line in fact.lines} | {LOCATIONS.ref(fact.location)}
    return known | {STOCK.ref(line.sku) for line in fact.lines}


def _stock_to_close(_kept: Product, fact: ProductWithdrawn) -> Iterable[Ref]:
    return {STOCK.ref(fact.sku)}


def _stock_to_open(kept: Product, fact: ProductChanged) -> Iterable[Ref]:
    return () if kept.offered else {STOCK.ref(fact.sku)}
