"""Every fact of the system: importing this fills the registry."""

from packhorse_contracts import (
    carrier,
    catalogue,
    checkout,
    customer,
    inventory,
    notification,
    operations,
    order,
    payment,
    shipping,
    warehouse,
)

MODULES = (
    checkout,
    customer,
    order,
    payment,
    inventory,
    shipping,
    warehouse,
    carrier,
    catalogue,
    notification,
    operations,
)
