"""The five services as the fuzz drives them: their routes, and who reads which topic."""

from packhorse_chassis.core.inputs import Raw
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.service import Service
from packhorse_inventory import service as inventory
from packhorse_notification import service as notification
from packhorse_notification.settings import Settings as NotificationSettings
from packhorse_order import service as order
from packhorse_payment import service as payment
from packhorse_shipping import service as shipping

from .record import Record


def services() -> dict[str, Service]:
    """All five, with the settings of the environment."""
    built = (
        order.build(),
        payment.build(),
        inventory.build(),
        shipping.build(),
        notification.build(NotificationSettings()),
    )
    return {service.name: service for service in built}


def tables() -> dict[str, Routes]:
    """The routes of each."""
    return {name: service.routes for name, service in services().items()}


def topics_heard() -> list[str]:
    """Every topic that one of them reads."""
    return sorted({topic for routes in tables().values() for topic in routes.topics})


def raw(record: Record, offset: int) -> Raw:
    """The record as the consumer hands it on."""
    headers = [(name, value if value is not None else b"") for name, value in record.headers]
    return Raw("record", record.topic, 0, offset, record.key, headers, record.value)
