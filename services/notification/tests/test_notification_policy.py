"""What the business sets holds from then on, without a restart, and changes nothing that was decided before."""

from datetime import timedelta
from typing import get_args

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import Language, NotificationPolicy
from packhorse_notification.locales import LANGUAGES
from packhorse_notification.messages import SendMail
from packhorse_notification.reactions import routes
from packhorse_notification.words import words

from .facts import NOON, accepted, delivered, dispatched


def _set(version: int = 1, service: str = "notification", **policy: object) -> OperationsPolicySet:
    return OperationsPolicySet(
        service=service, policy_version=version, at=NOON, policy=policy, by="emma", why="half of them are Polish"
    )


def _mails(service: Memory) -> list[tuple[str, timedelta]]:
    """The language of each, and how long it is tried."""
    return [
        (effect.request.language, effect.deadline)
        for effect in service.effects.values()
        if isinstance(effect.request, SendMail)
    ]


def test_a_policy_holds_for_the_next_mail_and_not_for_those_before() -> None:
    """The customer reads German, which we don't write."""
    service = Memory(routes())
    service.hear(accepted(locale="de-DE"), NOON)
    before = service.hear(dispatched(), NOON)
    service.hear(_set(fallback_language="pl", patience="PT3H"), NOON)
    after = service.hear(delivered(), NOON)
    assert _mails(service) == [("en", timedelta(days=1)), ("pl", timedelta(hours=3))]
    assert (before.under, after.under) == (0, 1)


def test_what_is_not_set_is_as_the_code_has_it() -> None:
    """And the policy of another service is none of ours."""
    service = Memory(routes(NotificationPolicy(patience=timedelta(hours=2))))
    service.hear(accepted(locale="de-DE"), NOON)
    service.hear(_set(service="order", grace="P2D"), NOON)
    service.hear(_set(fallback_language="tl"), NOON)
    service.hear(delivered(), NOON)
    assert _mails(service) == [("tl", timedelta(hours=2))]


def test_a_language_that_nobody_writes_is_refused_where_it_is_set() -> None:
    """Not a day later, at the first mail."""
    service = Memory(routes())
    with pytest.raises(RefusedError, match=r"policy\.fallback_language: Input should be 'en', 'pt'") as refused:
        service.hear(_set(fallback_language="de"), NOON)
    assert (refused.value.code, refused.value.field) == ("bad_policy", "policy.fallback_language")


def test_every_language_that_can_be_set_is_written() -> None:
    """The contract names them, the words are ours."""
    assert get_args(Language) == LANGUAGES
    assert all(words(language).text("common.greeting", name="Emma") for language in LANGUAGES)
