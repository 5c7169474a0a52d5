"""Every topic of the system: what its key means, and who writes and reads it.

Partitions, retention and replication are a deployment's affair: `deploy/topics.toml`.
"""

from dataclasses import dataclass

OUTSIDERS = frozenset({"checkout", "customer", "warehouse", "carrier", "catalogue"})
"""Who may say facts without being one of our services."""

OURS = "/packhorse/"
"""What the `ce_source` of our services and of the console begins with."""


def ours(source: str) -> bool:
    """Whether a source is a name of ours, however it is written."""
    return f"{source.lower()}/".startswith(OURS)


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `compacted` means that it keeps only the latest fact of a key: a snapshot topic."""

    name: str
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    compacted: bool = False

    def admits(self, source: str) -> bool:
        """Whether this `ce_source` may write here: each of our services in its own name and on its own topics alone,
        and outsiders in any other name, where they write at all."""
        if ours(source):
            return source.removeprefix(OURS) in set(self.writers) - OUTSIDERS
        return not OUTSIDERS.isdisjoint(self.writers)


CHECKOUT_ORDERS = Topic("checkout.orders", "order id", ("checkout",), ("order",))
CATALOGUE_PRODUCTS = Topic(
    "catalogue.products", "sku", ("catalogue",), ("inventory", "shipping", "order"), compacted=True
)
CATALOGUE_LOCATIONS = Topic(
    "catalogue.locations", "location id", ("catalogue",), ("inventory", "shipping", "order"), compacted=True
)
CUSTOMER_REQUESTS = Topic("customer.requests", "order id", ("customer", "console"), ("order",))
ORDER_EVENTS = Topic(
    "order.events",
    "order id",
    ("order",),
    ("order", "payment", "inventory", "shipping", "notification", "console"),
)
PAYMENT_EVENTS = Topic("payment.events", "order id", ("payment",), ("order", "notification", "console"))
INVENTORY_RESERVATIONS = Topic("inventory.reservations", "order id", ("inventory",), ("order", "shipping", "console"))
INVENTORY_STOCK = Topic(
    "inventory.stock", "sku and location", ("inventory",), ("storefront", "console"), compacted=True
)
INVENTORY_ALERTS = Topic("inventory.alerts", "sku", ("inventory",), ("notification", "console"))
INVENTORY_REPLENISHMENT = Topic(
    "inventory.replenishment", "sku", ("inventory",), ("purchasing", "notification", "console")
)
SHIPPING_EVENTS = Topic(
    "shipping.events",
    "order id",
    ("shipping",),
    ("order", "payment", "inventory", "notification", "console"),
)
SHIPPING_PICK_LISTS = Topic("shipping.pick-lists", "location id", ("shipping",), ("warehouse",))
WAREHOUSE_EVENTS = Topic(
    "warehouse.events",
    "pick list id, or sku for stock facts, or return id",
    ("warehouse",),
    ("shipping", "inventory"),
)
CARRIER_TRACKING = Topic("carrier.tracking", "tracking number", ("carrier",), ("shipping",))
NOTIFICATION_EVENTS = Topic("notification.events", "order id, or sku", ("notification",), ("console",))
OPERATIONS_POLICIES = Topic(
    "operations.policies",
    "service",
    ("console",),
    ("order", "payment", "inventory", "shipping", "notification", "console"),
    compacted=True,
)
OPERATIONS_PREVIEWS = Topic(
    "operations.previews",
    "request id",
    ("order", "payment", "inventory", "shipping", "notification"),
    ("console",),
)

ALL: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        CHECKOUT_ORDERS,
        CATALOGUE_PRODUCTS,
        CATALOGUE_LOCATIONS,
        CUSTOMER_REQUESTS,
        ORDER_EVENTS,
        PAYMENT_EVENTS,
        INVENTORY_RESERVATIONS,
        INVENTORY_STOCK,
        INVENTORY_ALERTS,
        INVENTORY_REPLENISHMENT,
        SHIPPING_EVENTS,
        SHIPPING_PICK_LISTS,
        WAREHOUSE_EVENTS,
        CARRIER_TRACKING,
        NOTIFICATION_EVENTS,
        OPERATIONS_POLICIES,
        OPERATIONS_PREVIEWS,
    )
}


def dead_letters(topic: str, service: str) -> str:
    """The topic that takes the records of `topic` which `service` gave up on."""
    return f"{topic}.{service}.dead"
