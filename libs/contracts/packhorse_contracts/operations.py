"""What operations people set and ask, and what is said about requests, whichever service owns them."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from packhorse_contracts import topics
from packhorse_contracts.base import NO_NUL, Code, Count, Fact, Flag, Model, PerhapsText, Quantity, Short, Text, Utc
from packhorse_contracts.blocks import Fault
from packhorse_contracts.fields import At

MOST_NAMED = 500
"""Facts, timers, effects or states that one preview names; what is beyond is counted alone."""

RequestId = Annotated[str, StringConstraints(min_length=1, max_length=1_024, pattern=NO_NUL)]
"""A `ce_id`, as an outsider may have chosen it."""

Source = Annotated[str, StringConstraints(max_length=1_024, pattern=NO_NUL)]


def _without_nul(value: Any) -> Any:
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("it holds NUL, which nobody keeps")
    for inner in inside:
        _without_nul(inner)
    return value


Data = Annotated[dict[str, Any], AfterValidator(_without_nul)]
"""Of another fact, by whose contract it is read."""


class PreviewedState(Model):
    """One state that a service keeps."""

    kind: Short = Field(description="What it is: the name of its table")
    key: Text = Field(description="Which one")


class PreviewedFact(Model):
    """A fact that would be said."""

    type: Short = Field(description="Its wire type")
    subject: Text = Field(description="The thing that it would be about")
    data: Data | None = Field(
        None, description="What it would say, with personal data masked; absent where it has no room"
    )


class PreviewedTimer(Model):
    """A timer that would be set, or cancelled."""

    type: Short = Field(description="What it reminds of")
    key: Text = Field(description="About which thing")
    name: Text = Field("", description="Tells several about one thing apart")
    due: Utc | None = Field(None, description="When it would ring; absent where it would be cancelled")
    cancelled: Flag = Field(False, description="It would be forgotten, where it is set")


class PreviewedEffect(Model):
    """Something that would be done in the outside world. What it would be asked for may be personal, and isn't told."""

    type: Short = Field(description="What would be done")
    idempotency_key: Text = Field(description="Where this key is known already nothing would be done again")


class OperationsPreviewed(
    Fact, type="packhorse.operations.previewed.v1", topic=topics.OPERATIONS_PREVIEWS, key="request_id", numbered=False
):
    """The answer to a dry run: what would have followed from the request. Nothing of it has happened."""

    request_id: RequestId = Field(description="The request's own id, as its sender chose it")
    request_source: Source = Field(description="Who sent it")
    request_type: Short = Field(description="The wire type of the request")
    service: Short = Field(description="Who owns what it is about, and answers")
    at: At
    about: PreviewedState | None = Field(None, description="The state that it is about; absent where it can't be told")
    fingerprint: Code | None = Field(
        None, description="Of all states that the answer rests on: another one is a sign that it is out of date"
    )
    facts: tuple[PreviewedFact, ...] = Field((), max_length=MOST_NAMED, description="Would be said, in this order")
    timers: tuple[PreviewedTimer, ...] = Field((), max_length=MOST_NAMED, description="Would be set or cancelled")
    effects: tuple[PreviewedEffect, ...] = Field((), max_length=MOST_NAMED, description="Would be done outside")
    states: tuple[PreviewedState, ...] = Field((), max_length=MOST_NAMED, description="Would change")
    refusal: Fault | None = Field(None, description="Why it would not be taken; then nothing would follow")
    left_out: Count = Field(0, description="How many more facts, timers, effects and states have no room here")


class OperationsPolicySet(
    Fact, type="packhorse.operations.policy_set.v1", topic=topics.OPERATIONS_POLICIES, key="service", numbered=False
):
    """From now on this service goes by this policy: it stands for all that were set before."""

    service: Short = Field(description="Whose: `order`, `payment`, `inventory`, `shipping` or `notification`")
    policy_version: Quantity = Field(
        description="One more than the version in force. Who sets one that is taken hears so in a dead letter"
    )
    at: At
    policy: Data = Field(
        description="What differs from the defaults, whole: what isn't named is as the code has it. By the schema of "
        "the service's policy"
    )
    by: Short = Field(description="Who has set it")
    why: PerhapsText = Field("", description="What for, in words")

    @property
    def trial_key(self) -> str:
        """Beside what is in force, not in its place."""
        return f"{self.service}.dry-run"

    @property
    def answerer(self) -> str:
        """Of all who hear it, the one whose policy it is."""
        return self.service
