"""What customers are told, and what they aren't, as stories in messages."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.notification import NotificationFailed, NotificationSent, NotificationSuppressed
from packhorse_contracts.policies import NotificationPolicy
from packhorse_notification.content import (
    CancellationDeclinedContent,
    CancelledContent,
    DispatchedContent,
    OrderConfirmedContent,
)
from packhorse_notification.messages import MailFailed, MailSent, SendMail
from packhorse_notification.policies import deliverable
from packhorse_notification.preview import SHOP
from packhorse_notification.reactions import routes
from packhorse_notification.render import render
from packhorse_notification.state import CONVERSATIONS, Conversation
from pydantic import TypeAdapter

from .facts import (
    NOON,
    ORDER,
    accepted,
    cancelled,
    confirmed,
    declined,
    delivered,
    dispatched,
    refunded,
)

LIFE: tuple[Fact, ...] = (
    confirmed(),
    cancelled(),
    dispatched(),
    declined(),
    delivered(),
    refunded(),
)
"""What may be said of one order after it was accepted."""


def _told(*facts: Fact, policy: NotificationPolicy | None = None) -> Memory:
    service = Memory(routes(policy))
    for fact in facts:
        service.hear(fact, NOON)
    return service


def _mails(service: Memory) -> list[SendMail]:
    requests = [effect.request for effect in service.effects.values()]
    assert all(isinstance(request, SendMail) for request in requests)
    return [request for request in requests if isinstance(request, SendMail)]


def _kinds(service: Memory) -> list[str]:
    return [mail.content.kind for mail in _mails(service)]


def _answer(service: Memory, mail: SendMail) -> MailSent:
    return MailSent(order_id=mail.order_id, about=mail.about, language=mail.language, provider_reference="queued as 1")


def test_an_accepted_order_alone_is_no_reason_to_write() -> None:
    """The checkout has thanked already; we write when we know that it comes."""
    service = _told(accepted())
    assert not service.effects
    assert not service.events


def test_each_step_of_an_order_is_told_once() -> None:
    """Confirmed, something short, on its way, too late to cancel, there, money back."""
    service = _told(accepted(), *LIFE)
    assert _kinds(service) == [
        "order_confirmed",
        "cancelled",
        "dispatched",
        "cancellation_declined",
        "delivered",
        "refunded",
    ]


def test_the_confirmation_has_lines_sums_and_dates() -> None:
    """The sums stand only in the accepted order; a line without a title is called by its SKU."""
    (mail,) = _mails(_told(accepted(), confirmed()))
    content = mail.content
    assert isinstance(content, OrderConfirmedContent)
    assert [(item.title, item.quantity) for item in content.items] == [("White metal lantern", 6), ("MUG", 2)]
    assert content.sums is not None
    assert (content.sums.grand_total, content.sums.currency) == (3_429, "GBP")
    assert (content.ship_on, content.deliver_on) == (date(2026, 11, 28), date(2026, 12, 2))


def test_lines_are_called_as_the_customer_knows_them() -> None:
    """Shipping and cancellation name lines by ids; the mail names the goods."""
    service = _told(accepted(), dispatched(), cancelled(), dispatched("s-2", line_id="unknown"))
    contents = [mail.content for mail in _mails(service)]
    titles = [
        item.title
        for content in contents
        if isinstance(content, DispatchedContent | CancelledContent)
        for item in content.items
    ]
    assert titles == ["White metal lantern", "MUG", "LANTERN"]


def test_the_mail_carries_all_that_it_needs() -> None:
    """Whom, in which language, what; keyed by the notification, tried for as long as the policy says."""
    service = _told(accepted(locale="pl-PL"), delivered(), policy=NotificationPolicy(patience=timedelta(hours=3)))
    ((key, effect),) = service.effects.items()
    mail = effect.request
    assert isinstance(mail, SendMail)
    assert key == mail.notification_id
    assert effect.deadline == timedelta(hours=3)
    assert (mail.language, mail.locale) == ("pl", "pl-PL")
    assert (mail.contact.name, mail.contact.email) == ("Emma", "emma@example.com")
    assert mail.asked_at == NOON


def test_a_sent_mail_is_on_record() -> None:
    """And said once, however often the answer comes."""
    service = _told(accepted(), dispatched())
    (mail,) = _mails(service)
    for _ in range(2):
        service.hear(_answer(service, mail), NOON)
    (sent,) = service.said(NotificationSent)
    assert (sent.notification_id, sent.kind, sent.channel) == (mail.notification_id, "dispatched", "email")
    assert (sent.language, sent.provider_reference, sent.order_id) == ("en", "queued as 1", ORDER)
    assert service.state(CONVERSATIONS, ORDER).said[mail.about].outcome == "sent"


def test_a_failed_mail_is_on_record() -> None:
    """Final: nobody tries again by itself, and a late success says nothing more."""
    service = _told(accepted(), dispatched())
    (mail,) = _mails(service)
    failed = MailFailed(order_id=ORDER, about=mail.about, language="en", reason="smtp 550 at rcpt")
    service.hear(failed, NOON)
    service.hear(failed, NOON)
    service.hear(_answer(service, mail), NOON)
    (said,) = service.said(NotificationFailed)
    assert (said.reason, said.final, said.kind) == ("smtp 550 at rcpt", True, "dispatched")
    assert not service.said(NotificationSent)


@pytest.mark.parametrize("email", [None, "", "nobody", "a@b@c.example", "a@example.com\r\nBcc: b@example.com"])
def test_without_an_address_nothing_is_sent_and_that_is_said(email: str | None) -> None:
    """Once a message, not once a repeat."""
    service = _told(accepted(email=email), delivered(), delivered())
    assert not service.effects
    assert [said.why for said in service.said(NotificationSuppressed)] == ["no_address", "duplicate"]


def test_a_fact_that_comes_twice_is_told_once() -> None:
    """Under another id, and at another time of hearing, it's the same content. The repeat is on record."""
    service = _told(accepted(), *LIFE)
    for fact in LIFE:
        service.hear(fact, NOON + timedelta(hours=1))
    assert len(service.effects) == len(LIFE)
    assert [said.why for said in service.said(NotificationSuppressed)] == ["duplicate"] * len(LIFE)


def test_two_different_things_of_one_kind_are_both_told() -> None:
    """Two shipments, two shorts of the same line, two refunds of the same amount, two reasons."""
    service = _told(
        accepted(),
        dispatched("s-1"),
        dispatched("s-2"),
        delivered("s-1"),
        delivered("s-2"),
        cancelled(minutes=0),
        cancelled(minutes=5),
        refunded(minutes=0),
        refunded(minutes=5),
        declined("packed"),
        declined("dispatched"),
    )
    assert len(service.effects) == 10
    assert not service.events


def _texts(service: Memory, kind: str) -> list[str]:
    return [render(mail, SHOP).text for mail in _mails(service) if mail.content.kind == kind]


def test_what_came_from_two_locations_is_told_in_two_mails_that_can_be_told_apart() -> None:
    """Two packages each: the carrier's last news of a shipment names none of them, but we know what left."""
    left = [
        dispatched(name, line).model_copy(update={"tracking_numbers": (f"{name}-1", f"{name}-2")})
        for name, line in (("s-1", "1"), ("s-2", "2"))
    ]
    came = [delivered(name, tracking_number=None) for name in ("s-1", "s-2")]
    first, second = _texts(_told(accepted(), *left, *came), "delivered")
    assert "6 × White metal lantern" in first
    assert "s-1-1, s-1-2" in first
    assert "6 × MUG" in second
    assert "s-2-1, s-2-2" in second


def test_a_parcel_that_came_alone_names_what_was_in_it() -> None:
    """As the fact says; where it doesn't, its number alone, for nobody knows which of the goods were in it."""
    both = dispatched().model_copy(update={"tracking_numbers": ("T-1", "T-2")})
    lines = [{"line_id": "1", "sku": "LANTERN", "quantity": 2}]
    told = _told(accepted(), both, delivered(tracking_number="T-1", lines=lines), delivered(tracking_number="T-2"))
    first, second = _texts(told, "delivered")
    assert "2 × White metal lantern" in first
    assert "White metal lantern" not in second
    assert "T-2" in second


@pytest.mark.parametrize("whose", [cancelled, refunded])
def test_the_same_again_says_how_much_it_is_by_now(whose: Callable[..., Fact]) -> None:
    """One short piece of a line at each of two locations; two refunds of one amount."""
    mails = _mails(_told(accepted(), whose(), whose(minutes=5)))
    first, second = (render(mail, SHOP).text for mail in mails)
    assert first != second
    assert "2 items" in second or "£9.00" in second


@pytest.mark.parametrize("ship_by", ["2026-11-28T23:59:00Z", "2026-11-28T09:59:00Z", "2026-11-29T11:58:00Z"])
def test_a_saturday_is_told_as_a_saturday_wherever_it_ends(ship_by: str) -> None:
    """Whatever instant ends it, and whatever zone somebody set for mails."""
    fact = confirmed()
    promise = fact.promise.model_copy(update={"ship_by": datetime.fromisoformat(ship_by)})
    (text,) = _texts(_told(accepted(), fact.model_copy(update={"promise": promise})), "order_confirmed")
    assert "Leaves us by: 28 November 2026" in text
    assert "With you by: 2 December 2026" in text


def test_a_day_that_an_older_release_names_by_its_end_alone_is_that_day() -> None:
    """It reckoned in UTC."""
    fact = confirmed()
    bare = fact.promise.model_copy(update={"ship_on": None, "deliver_on": None})
    (text,) = _texts(_told(accepted(), fact.model_copy(update={"promise": bare})), "order_confirmed")
    assert "Leaves us by: 28 November 2026" in text


def test_a_whole_order_is_cancelled_once_and_a_question_is_answered_once() -> None:
    """Whoever says it again, and however often the customer asks for the same."""
    service = _told(
        accepted(), cancelled(whole=True), cancelled(whole=True, minutes=9), declined(), declined(minutes=9)
    )
    assert _kinds(service) == ["cancelled", "cancellation_declined"]


def test_an_early_bird_waits_for_the_order() -> None:
    """Topics are not ordered: a shipment may be heard of before the order is."""
    service = _told(dispatched(), refunded(), dispatched())
    assert not service.effects
    assert len(service.state(CONVERSATIONS, ORDER).waiting) == 3
    service.hear(accepted(), NOON)
    assert _kinds(service) == ["dispatched", "refunded"]
    assert service.state(CONVERSATIONS, ORDER).waiting == ()


def test_an_order_that_is_accepted_again_keeps_its_first_contact() -> None:
    """Its content can't differ: the order service sees to that."""
    service = _told(accepted(), accepted(email="other@example.com"), delivered())
    assert [mail.contact.email for mail in _mails(service)] == ["emma@example.com"]


def test_the_order_of_facts_does_not_change_what_is_told() -> None:
    """All 720 orders in which the facts of one life may be heard, the accepted order among them."""
    facts: Sequence[Fact] = (accepted(), *LIFE[:5])
    expected = set(_told(*facts).effects)
    for order in permutations(facts):
        assert set(_told(*order).effects) == expected


@settings(max_examples=100)
@given(st.lists(st.sampled_from((accepted(), *LIFE)), max_size=25))
def test_no_customer_is_told_the_same_thing_twice(facts: list[Fact]) -> None:
    """Whatever comes, in whatever order, however often."""
    service = _told(*facts)
    told = _kinds(service)
    assert len(told) == len(set(told))
    distinct = {type(fact) for fact in facts} - {type(accepted())}
    assert len(told) == (len(distinct) if accepted() in facts else 0)


def test_state_survives_being_stored() -> None:
    """Early birds, contact and what was said come back from JSON as they were."""
    adapter = TypeAdapter(Conversation)
    for service in (_told(dispatched(), refunded(), confirmed(), declined(), cancelled()), _told(accepted(), *LIFE)):
        state = service.state(CONVERSATIONS, ORDER)
        assert adapter.validate_json(adapter.dump_json(state)) == state


def test_personal_data_stands_only_in_the_contact() -> None:
    """So that it can be masked or erased as a block, in the state and in the request."""
    service = _told(accepted(name="Erase Me", email="erase.me@example.com"), *LIFE)
    state = TypeAdapter(Conversation).dump_python(service.state(CONVERSATIONS, ORDER), mode="json")
    for kept in (state, *(mail.model_dump(mode="json") for mail in _mails(service))):
        kept.pop("contact")
        assert "rase" not in str(kept)
    assert all("rase" not in event.model_dump_json() for event in service.events)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Emma@Example.COM", "Emma@example.com"),
        ("emma@bücher.example", "emma@xn--bcher-kva.example"),
        ("jörg@example.com", "jörg@example.com"),
        ("a@demo.test", "a@demo.test"),
        (" n6@shop.test ", "n6@shop.test"),
        ("\u00a0\u200bn6@shop.test\ufeff\r\n\t", "n6@shop.test"),
        ("\u2066n6@shop.test\u2069", "n6@shop.test"),
        (" \u200b ", None),
        ("n6 @shop.test", None),
        ("mailto:n6@shop.test", None),
        ("Emma <emma@example.com>", None),
        ("emma@localhost", None),
        ('"a b"@example.com', None),
        ("x" * 250 + "@example.com", None),
    ],
)
def test_only_addresses_that_could_be_written_to_are_written_to(address: str, expected: str | None) -> None:
    """Checked without asking a name server."""
    assert deliverable(address) == expected


def test_two_declines_are_two_messages_whatever_their_codes_hold() -> None:
    """What tells messages apart is made of texts that may hold any sign."""
    one, other = (CancellationDeclinedContent(at=NOON, codes=codes) for codes in (("a\x1fb", "c"), ("a", "b\x1fc")))
    assert one.cause != other.cause
