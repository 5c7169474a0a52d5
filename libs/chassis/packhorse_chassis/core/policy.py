"""What a business has set, and the defaults of the code for the rest: how a service comes to its policy. Pure.

A policy is a fact (`packhorse_contracts.policies`), and the one in force a state as any other: so it is there after a
restart, in a simulation, in a dry run. All versions that ever were in force stay in the journal, so that an old
decision can be taken again under its own.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, cast

from packhorse_contracts.base import Model
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import Policy
from pydantic import ValidationError

from packhorse_chassis.core.kinds import Kind, NewerError, Ref, RefusedError
from packhorse_chassis.core.turn import Turn

P = TypeVar("P", bound=Policy)


class InForce(Model):
    """What was set last, as JSON. Version 0 is the code's own."""

    version: int = 0
    text: str = "{}"


class PolicyEntry(Model):
    """One version, as the journal has it."""

    version: int
    at: datetime
    policy: str
    by: str
    why: str


POLICY: Final[Kind[InForce]] = Kind("policy", InForce, lambda _: InForce(), reference=True)
"""By the service's name."""


def _first(error: ValidationError) -> tuple[str, str]:
    """The first field that is wrong, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, ("policy", *first["loc"])))
    return field, f"{field}: {first['msg']}"


class Policies(Generic[P]):
    """The policy of one service."""

    def __init__(self, service: str, usual: P) -> None:
        """`usual` is what holds while nobody has set anything: `OrderPolicy()`, say."""
        self.service, self.usual = service, usual
        self.ref: Ref = POLICY.ref(service)
        self._read = lru_cache(maxsize=32)(self._parse)

    def _parse(self, text: str) -> P:
        return self.usual.model_validate({**self.usual.model_dump(mode="json"), **json.loads(text)})

    def in_force(self, read: Callable[[Ref], object]) -> tuple[int, P]:
        """The version and the policy, as the state says that `read` gives. Raises NewerError where a process of another
        release has taken what this one can't read: nothing is wrong with what is decided under it, so it waits for
        that one."""
        state = cast("InForce", read(self.ref))
        if not state.version:
            return 0, self.usual
        try:
            return state.version, self._read(state.text)
        except ValidationError as error:
            told = f"version {state.version} of {self.service}'s policy can't be read by this release"
            raise NewerError(f"{told}: {_first(error)[1]}") from None

    def set(self, turn: Turn[Any], state: InForce, fact: OperationsPolicySet) -> InForce:
        """The reaction to a new policy. A topic has everybody's: those of others change nothing here."""
        if fact.service != self.service or fact.policy_version < state.version:
            return state
        text = json.dumps(fact.policy, sort_keys=True)
        if fact.policy_version == state.version:
            if text == state.text:
                return state
            raise RefusedError(
                "version_taken",
                f"version {state.version} is in force already, with another content: set the next one",
                "policy_version",
            )
        try:
            self._parse(text)
        except ValidationError as error:
            raise RefusedError("bad_policy", _first(error)[1], _first(error)[0]) from None
        turn.book(
            PolicyEntry(
                version=fact.policy_version,
                at=turn.now,
                policy=text,
                by=fact.by,
                why=fact.why,
            )
        )
        return InForce(version=fact.policy_version, text=text)
