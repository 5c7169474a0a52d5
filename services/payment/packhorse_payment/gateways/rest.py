"""The adapter for a gateway with resources over HTTP, `Idempotency-Key`, and RFC 9457 problems.

Its protocol in full: `packhorse_devstack/counterparties/gateway.md`. What its answers mean: `rest_answers`.
"""

from typing import Final
from urllib.parse import quote

import aiohttp
from pydantic import JsonValue, SecretStr
from yarl import URL

from packhorse_payment.gateways import UncertainError
from packhorse_payment.gateways.rest_answers import outcome, parsed, problem_code, recalled
from packhorse_payment.operations import Authorise, Capture, Operation, Outcome, Refund, Void

_NOT_ABOUT_THIS_REQUEST: Final = frozenset({401, 403, 408, 425, 429})
"""Statuses that say that we weren't heard: wrong credentials, too early, too many."""

_LARGEST: Final = 256 * 1024
"""Bytes of an answer that are read. None of a gateway's is a hundredth of that."""

_LONGEST_WAIT: Final = 600.0
"""Seconds. A gateway that asks for more is asked again all the same."""


class RestGateway:
    """Speaks to one gateway. `seconds` is how long an answer may take.

    Redirects are never followed: money is asked for at the configured address alone, and only what answers there
    counts. Nor are cookies kept, or compressed bodies unpacked.
    """

    def __init__(self, url: str, seconds: float, api_key: SecretStr | None = None) -> None:
        self._url = url.rstrip("/")
        headers = {"Accept-Encoding": "identity"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
        # How many calls are under way is for the chassis to limit: one that waits here would seem unanswered.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def do(self, operation: Operation, key: str, order_id: str) -> Outcome:
        """Posts it."""
        path, body = _request(operation, order_id)
        status, answer = await self._call("POST", path, body, {"Idempotency-Key": key})
        return outcome(operation, status, answer)

    async def recall(self, operation: Operation, key: str) -> Outcome | None:
        """Asks for what is stored with the key."""
        status, answer = await self._call("GET", f"/v1/operations/{_segment(key)}")
        return recalled(operation, status, answer)

    async def review(self, reference: str, operation: Operation) -> Outcome:
        """Looks at the authorisation."""
        status, answer = await self._call("GET", f"/v1/authorisations/{_segment(reference)}")
        return outcome(operation, status, answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _call(
        self, method: str, path: str, body: dict[str, JsonValue] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, JsonValue]:
        url = URL(self._url + path, encoded=True)
        try:
            async with self._session.request(
                method, url, json=body, headers=headers, allow_redirects=False
            ) as response:
                status, wait = response.status, _seconds(response.headers.get("Retry-After", ""))
                if status >= 500 or status in _NOT_ABOUT_THIS_REQUEST or 300 <= status < 400:
                    raise UncertainError(f"the gateway answers {status}", wait)
                answer = parsed(await _body(response))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UncertainError(f"no answer from the gateway: {error!r}"[:500]) from error
        if status == 409 and problem_code(answer, status) == "in_progress":
            raise UncertainError("the gateway is still at it", wait)
        return status, answer


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _LARGEST:
            raise UncertainError(f"the gateway's answer has more than {_LARGEST} bytes")
    return bytes(body)


def _seconds(retry_after: str) -> float | None:
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return _LONGEST_WAIT if len(retry_after) > 4 else min(float(retry_after), _LONGEST_WAIT)


def _segment(name: str) -> str:
    """A path's segment that means this name and nothing else."""
    return quote(name, safe="")


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
            return f"/v1/authorisations/{_segment(operation.authorisation)}/captures", body
        case Void():
            return f"/v1/authorisations/{_segment(operation.authorisation)}/void", {"reference": order_id}
        case Refund():
            body = {"amount": operation.amount, "reference": order_id}
            return f"/v1/captures/{_segment(operation.capture)}/refunds", body
