"""Whatever an outsider may say, one service answers for it: it acts on it, or says that it isn't offered yet."""

import pytest
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.topic_settings import SERVICES
from packhorse_inventory import service as inventory
from packhorse_notification import service as notification
from packhorse_notification.settings import Settings
from packhorse_order import service as order
from packhorse_payment import service as payment
from packhorse_shipping import service as shipping

ROUTES = {
    built.name: built.routes
    for built in (
        *(order.build(), payment.build(), inventory.build(), shipping.build()),
        notification.build(Settings()),
    )
}
INBOUND = [registry.newest(fact) for fact in registry.facts.values() if fact.ANSWERED_BY]


def test_every_service_is_looked_at() -> None:
    """A new one belongs here as well."""
    assert set(ROUTES) == set(SERVICES)


@pytest.mark.parametrize("fact", INBOUND, ids=[fact.TYPE for fact in INBOUND])
def test_whoever_answers_for_a_fact_reads_its_topic(fact: type[Fact]) -> None:
    """Else it would lie there unread. And where anybody acts on it, that one does."""
    answers = ROUTES[fact.ANSWERED_BY]
    assert fact.TOPIC.name in answers.topics
    assert fact.ANSWERED_BY in fact.TOPIC.readers
    acting = {name for name, routes in ROUTES.items() if fact in routes.by_input}
    assert not acting or fact.ANSWERED_BY in acting
