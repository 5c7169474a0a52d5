"""The table of this service: what each fact and each answer leads to, by where the conversation stands."""

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.reaction import Ignored
from packhorse_contracts.base import Fact
from packhorse_contracts.notification import NotificationSuppressed
from packhorse_contracts.order import OrderAccepted
from packhorse_notification.messages import MailFailed, MailSent, SendMail
from packhorse_notification.reactions import routes
from packhorse_notification.state import CONVERSATIONS

from .facts import NOON, ORDER, accepted, confirmed, delivered, dispatched

TOLD = {
    "reachable": "tell_confirmed",
    "sending": "tell_confirmed",
    "awaited": "hold_confirmed",
    "unreachable": "suppress_confirmed",
}
SENT = MailSent(order_id=ORDER, about="delivered:s-1/T-s-1", language="en", provider_reference="queued as 1")
FAILED = MailFailed(order_id=ORDER, about="delivered:s-1/T-s-1", language="en", reason="smtp 550 at rcpt")


def _told(*facts: Fact) -> Memory:
    service = Memory(routes())
    for fact in facts:
        service.hear(fact, NOON)
    return service


def _status(service: Memory) -> str:
    return CONVERSATIONS.status(service.state(CONVERSATIONS, ORDER))


def test_what_customers_are_told_waits_for_the_order_and_for_an_address() -> None:
    """Six rows, all of this form."""
    rows = routes().by_input
    assert {status: cell.__name__ for status, cell in rows[type(confirmed())].cells.items()} == TOLD
    for heard, route in rows.items():
        if issubclass(heard, Fact) and route.kind is CONVERSATIONS and heard is not OrderAccepted:
            assert [cell.__name__.partition("_")[0] for cell in route.cells.values()] == [
                "tell",
                "tell",
                "hold",
                "suppress",
            ]


def test_a_conversation_goes_from_awaited_to_sending_and_back_to_rest() -> None:
    """And with a mail under way the next one is asked for as well."""
    service = _told(delivered())
    assert _status(service) == "awaited"
    service.hear(accepted(), NOON)
    assert _status(service) == "sending"
    service.hear(dispatched(), NOON)
    for effect in list(service.effects.values()):
        assert isinstance(effect.request, SendMail)
        assert _status(service) == "sending"
        service.hear(SENT.model_copy(update={"about": effect.request.about}), NOON)
    assert _status(service) == "reachable"


def test_without_an_address_nothing_is_ever_on_its_way() -> None:
    """What waited, and what comes."""
    service = _told(delivered(), accepted(email=None), dispatched())
    assert _status(service) == "unreachable"
    assert [said.why for said in service.said(NotificationSuppressed)] == ["no_address"] * 2


@pytest.mark.parametrize("answer", [SENT, FAILED], ids=["sent", "failed"])
@pytest.mark.parametrize("facts", [(), (delivered(),), (accepted(email=None), delivered())], ids=["", "early", "none"])
def test_an_answer_about_a_mail_that_nobody_asked_for_is_a_dead_letter(
    facts: tuple[Fact, ...], answer: MailSent | MailFailed
) -> None:
    """Nothing is said about it, and nobody waits behind it."""
    service = _told(*facts)
    with pytest.raises(RefusedError, match="no mail was asked for") as refused:
        service.hear(answer, NOON)
    assert refused.value.code == "no_mail"


@pytest.mark.parametrize("answer", [SENT, FAILED], ids=["sent", "failed"])
def test_an_answer_that_comes_again_is_ignored(answer: MailSent | MailFailed) -> None:
    """The first one is on record."""
    service = _told(accepted(), delivered())
    service.hear(answer, NOON)
    known, said = service.state(CONVERSATIONS, ORDER), len(service.events)
    assert isinstance(service.routes.by_input[type(answer)].cell(known), Ignored)
    service.hear(answer, NOON)
    assert service.state(CONVERSATIONS, ORDER) == known
    assert len(service.events) == said
