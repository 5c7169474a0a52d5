"""The adapter for a gateway with resources over HTTP, `Idempotency-Key`, and RFC 9457 problems.

Its protocol in full: `packhorse_devstack/counterparties/gateway.md`.
"""

from typing import TypeVar

import aiohttp
from packhorse_contracts.base import Model, Utc
from pydantic import Field, JsonValue, SecretStr, ValidationError

from packhorse_payment.gateways import UncertainError
from packhorse_payment.operations import (
    Authorise,
    Capture,
    Done,
    Operation,
    Outcome,
    Refund,
    Refused,
    UnderReview,
    Void,
)

M = TypeVar("M", bound=Model)

_ANOTHER_TRY_MAY_HELP = frozenset({"card_declined", "insufficient_funds", "invalid_token"})
_NOT_ABOUT_THIS_REQUEST = frozenset({401, 403, 408, 425, 429})
"""Statuses that say that we weren't heard: wrong credentials, too early, too many."""


class _Resource(Model):
    """What the answers have in common, and an authorisation's own fields."""

    id: str = Field(min_length=1, max_length=255)
    amount: int
    currency: str
    status: str | None = None
    decline_code: str | None = Field(None, max_length=64)
    expires_at: Utc | None = None


class _Problem(Model):
    code: str = Field(max_length=64)
    title: str = ""
    detail: str = ""


class _Recalled(Model):
    state: str
    status_code: int | None = None
    answer: JsonValue = None


class RestGateway:
    """Speaks to one gateway. `seconds` is how long an answer may take."""

    def __init__(self, url: str, seconds: float, api_key: SecretStr | None = None) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {api_key.get_secret_value()}"} if api_key else {}
        # How many calls are under way is for the chassis to limit: one that waits here would seem unanswered.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=aiohttp.ClientTimeout(total=seconds)
        )

    async def do(self, operation: Operation, key: str, order_id: str) -> Outcome:
        """Posts it."""
        path, body = _request(operation, order_id)
        status, answer = await self._call("POST", path, body, {"Idempotency-Key": key})
        return _outcome(operation, status, answer)

    async def recall(self, operation: Operation, key: str) -> Outcome | None:
        """Asks for what is stored with the key."""
        status, answer = await self._call("GET", f"/v1/operations/{key}")
        if status == 404:
            return None
        recalled = _read(_Recalled, answer, status)
        if recalled.state != "finished" or recalled.status_code is None:
            raise UncertainError(f"the gateway says that it is {recalled.state}", after=1.0)
        return _outcome(operation, recalled.status_code, recalled.answer)

    async def review(self, reference: str, operation: Operation) -> Outcome:
        """Looks at the authorisation."""
        status, answer = await self._call("GET", f"/v1/authorisations/{reference}")
        return _outcome(operation, status, answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _call(
        self, method: str, path: str, body: dict[str, JsonValue] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, JsonValue]:
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
                status, wait = response.status, response.headers.get("Retry-After", "")
                if status >= 500 or status in _NOT_ABOUT_THIS_REQUEST:
                    raise UncertainError(f"the gateway answers {status}", float(wait) if wait.isdigit() else None)
                answer: JsonValue = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UncertainError(f"no answer from the gateway: {error!r}"[:500]) from error
        if status == 409 and _read(_Problem, answer, status).code == "in_progress":
            raise UncertainError("the gateway is still at it", float(wait) if wait.isdigit() else None)
        return status, answer


def _request(operation: Operation, order_id: str) -> tuple[str, dict[str, JsonValue]]:
    match operation:
        case Authorise():
            body: dict[str, JsonValue] = {
                "amount": operation.amount,
                "currency": operation.currency,
                "method": operation.method,
                "reference": order_id,
            }
            return "/v1/authorisations", body | ({"token": operation.token} if operation.token else {})
        case Capture():
            body = {"amount": operation.amount, "reference": operation.shipment_id}
            return f"/v1/authorisations/{operation.authorisation}/captures", body
        case Void():
            return f"/v1/authorisations/{operation.authorisation}/void", {"reference": order_id}
        case Refund():
            body = {"amount": operation.amount, "reference": order_id}
            return f"/v1/captures/{operation.capture}/refunds", body


def _outcome(operation: Operation, status: int, answer: JsonValue) -> Outcome:
    """What an answer means. One that fits nothing leaves the outcome unknown."""
    if status in (200, 201, 202):
        resource = _read(_Resource, answer, status)
        if resource.status == "pending_review":
            return UnderReview(reference=resource.id)
        if resource.status == "declined":
            code = resource.decline_code or "declined"
            return Refused(code=code, message="declined after a review", may_retry=code in _ANOTHER_TRY_MAY_HELP)
        if isinstance(operation, Authorise) and resource.status in ("voided", "expired"):
            # It was given back, or its time ran out, while it was reviewed: nothing can be captured from it.
            message = f"the authorisation was {resource.status} before it was decided"
            return Refused(code=f"authorisation_{resource.status}", message=message, may_retry=True)
        if (resource.amount, resource.currency) != (operation.amount, operation.currency):
            raise UncertainError(f"the gateway's amount is {resource.amount} {resource.currency}, not what was asked")
        return Done(reference=resource.id, expires_at=resource.expires_at)
    if 400 <= status < 500:
        problem = _read(_Problem, answer, status)
        message = problem.detail or problem.title
        return Refused(code=problem.code, message=message[:2000], may_retry=problem.code in _ANOTHER_TRY_MAY_HELP)
    raise UncertainError(f"the gateway answers {status}")


def _read(model: type[M], answer: JsonValue, status: int) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise UncertainError(f"the gateway's answer ({status}) can't be read: {error.error_count()} faults") from error
