"""What a REST gateway's answer means. Pure, and total: what fits nothing leaves the outcome unknown.

Whatever a gateway says, what comes out of here is valid for facts, states and the database: texts are bounded and
printable, codes never empty, ids fit into a path. Nobody may park a payment by answering.
"""

import unicodedata
from typing import Annotated, Final, TypeVar

from packhorse_contracts.base import Currency, Minor, Model, Utc
from pydantic import BeforeValidator, Field, JsonValue, ValidationError
from pydantic_core import from_json

from packhorse_payment.gateways import UncertainError
from packhorse_payment.operations import Authorise, Done, GatewayId, Operation, Outcome, Refused, UnderReview

M = TypeVar("M", bound=Model)

_ANOTHER_TRY_MAY_HELP: Final = frozenset({"card_declined", "insufficient_funds", "invalid_token"})
_HOLDS: Final = frozenset({None, "authorised", "partly_captured", "captured"})
"""Statuses of an authorisation that there is, or was, money to capture from. Captures, voids and refunds have none."""


def _printable(value: object) -> str:
    """One line of visible characters, at most 2,000; empty where it isn't text."""
    if not isinstance(value, str):
        return ""
    shown = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in value[:4_000])
    return " ".join(shown.split())[:2_000]


def _short(value: object) -> str:
    return _printable(value)[:64].strip()


Words = Annotated[str, BeforeValidator(_printable)]
ShortWords = Annotated[str, BeforeValidator(_short)]


class _Resource(Model):
    """What the answers have in common, and an authorisation's own fields."""

    id: GatewayId
    amount: Minor
    currency: Currency
    status: str | None = None
    decline_code: ShortWords = ""
    expires_at: Utc | None = None


class _Problem(Model):
    code: ShortWords = ""
    title: Words = ""
    detail: Words = ""


class _Recalled(Model):
    state: ShortWords
    status_code: int | None = Field(None, strict=True, ge=100, le=599)
    answer: JsonValue = None


def parsed(body: bytes) -> JsonValue:
    """The JSON of a body; `UncertainError` where it is none."""
    try:
        value: JsonValue = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise UncertainError("the gateway's answer is no JSON") from error
    return value


def outcome(operation: Operation, status: int, answer: JsonValue) -> Outcome:
    """How the operation ended; `UncertainError` where the answer doesn't say so for certain."""
    if status in (200, 201, 202):
        return _of_resource(operation, _read(_Resource, answer, status))
    if 400 <= status < 500:
        problem = _read(_Problem, answer, status)
        code = problem.code or ("declined" if status == 402 else "")  # 402 is a no, whoever forgets to say why
        if not code:
            raise UncertainError(f"the gateway answers {status} without a code")
        return Refused(code=code, message=problem.detail or problem.title, may_retry=code in _ANOTHER_TRY_MAY_HELP)
    raise UncertainError(f"the gateway answers {status}")


def _of_resource(operation: Operation, resource: _Resource) -> Outcome:
    status = resource.status
    if isinstance(operation, Authorise):
        if status == "pending_review":
            return UnderReview(reference=resource.id)
        if status == "declined":
            code = resource.decline_code or "declined"
            return Refused(code=code, message="declined after a review", may_retry=code in _ANOTHER_TRY_MAY_HELP)
        if status in ("voided", "expired"):
            # It was given back, or its time ran out, while it was reviewed: nothing can be captured from it.
            message = f"the authorisation was {status} before it was decided"
            return Refused(code=f"authorisation_{status}", message=message, may_retry=True)
    if status not in _HOLDS:
        raise UncertainError(f"the gateway's status is {_short(status)!r}")
    if (resource.amount, resource.currency) != (operation.amount, operation.currency):
        raise UncertainError(f"the gateway's amount is {resource.amount} {resource.currency}, not what was asked")
    return Done(reference=resource.id, expires_at=resource.expires_at)


def recalled(operation: Operation, status: int, answer: JsonValue) -> Outcome | None:
    """How what was asked with a key ended; None where the gateway says that it never was."""
    if status == 404 and problem_code(answer, status) == "not_found":
        return None
    kept = _read(_Recalled, answer, status) if status == 200 else None
    if kept is None:
        raise UncertainError(f"the gateway answers {status} when it is asked what became of it")
    if kept.state != "finished" or kept.status_code is None:
        raise UncertainError(f"the gateway says that it is {kept.state}", after=1.0)
    return outcome(operation, kept.status_code, kept.answer)


def problem_code(answer: JsonValue, status: int) -> str:
    """The code of a problem, or nothing."""
    return _read(_Problem, answer, status).code


def _read(model: type[M], answer: JsonValue, status: int) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise UncertainError(f"the gateway's answer ({status}) can't be read: {error.error_count()} faults") from error
