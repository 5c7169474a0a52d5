"""The payment gateway, asked over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from .conftest import Running, Start


@dataclass
class Client:
    """A caller of the gateway; answers are (status, body)."""

    http: aiohttp.ClientSession
    url: str

    async def post(self, path: str, key: str, timeout: float = 10, **body: object) -> tuple[int, Any]:
        limit = aiohttp.ClientTimeout(total=timeout)
        headers = {"Idempotency-Key": key}
        async with self.http.post(self.url + path, json=body, headers=headers, timeout=limit) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.json(content_type=None)

    async def authorise(self, key: str, token: str | None = None, amount: int = 1000, **more: Any) -> tuple[int, Any]:
        body: dict[str, Any] = {"amount": amount, "currency": "GBP", "method": "card", "reference": "order-1"} | more
        timeout = body.pop("timeout", 10)
        return await self.post(
            "/v1/authorisations", key, timeout=timeout, **body, **({"token": token} if token else {})
        )


@pytest.fixture
async def gateway(start: Start, tmp_path: Path) -> Running:
    book = str(tmp_path / "book.sqlite")
    return await start("gateway", "--port", "0", "--book", book, "--review-after", "0.3", "--expires-after", "0.3")


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, str(gateway.ready["url"]))


@pytest.mark.parametrize("token", ["tok_ok", None])
async def test_a_good_token_is_authorised(client: Client, token: str | None) -> None:
    """The whole amount can be captured, and the book says so."""
    status, body = await client.authorise("k", token)
    assert (status, body["status"], body["capturable"]) == (201, "authorised", 1000)
    assert await client.get(f"/v1/authorisations/{body['id']}") == (200, body)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_bogus", "invalid_token"),
    ],
)
async def test_a_bad_token_is_declined_with_problem_details(client: Client, token: str, code: str) -> None:
    """402, RFC 9457, with the reason; the declined authorisation stands in the book and holds no money."""
    status, body = await client.authorise("k", token)
    assert (status, body["status"], body["code"], body["type"]) == (402, 402, code, f"urn:packhorse:gateway:{code}")
    assert body["authorisation"]["status"] == "declined"
    assert body["authorisation"]["decline_code"] == code
    status, refused = await client.post(f"/v1/authorisations/{body['authorisation']['id']}/captures", "c", amount=1)
    assert (status, refused["code"]) == (409, "not_capturable")


async def test_a_timeout_does_the_work_and_the_key_tells_how_it_ended(client: Client) -> None:
    """`tok_timeout` never answers; asking for the operation, or repeating it, settles the unknown outcome."""
    with pytest.raises(TimeoutError):
        await client.authorise("k", "tok_timeout", timeout=0.3)
    status, operation = await client.get("/v1/operations/k")
    assert (status, operation["state"], operation["operation"], operation["status_code"]) == (
        200,
        "finished",
        "authorise",
        201,
    )
    assert await client.authorise("k", "tok_timeout") == (201, operation["answer"])


async def test_a_slow_one_is_in_progress_until_it_answers(client: Client) -> None:
    """While it is worked on, the key says so and a repeat is told to wait."""
    asked = asyncio.create_task(client.authorise("k", "tok_slow"))
    await asyncio.sleep(0.3)
    assert (await client.get("/v1/operations/k"))[1]["state"] == "in_progress"
    status, body = await client.authorise("k", "tok_slow")
    assert (status, body["code"]) == (409, "in_progress")
    status, body = await asked
    assert (status, body["status"]) == (201, "authorised")


async def test_a_flaky_one_works_at_the_third_try(client: Client) -> None:
    """Two 503 that leave no trace in the book, then the work is done."""
    answers = [await client.authorise("k", "tok_flaky") for _ in range(3)]
    assert [status for status, _ in answers] == [503, 503, 201]
    assert len((await client.get("/v1/book"))[1]["authorisations"]) == 1


async def test_a_review_is_decided_later(client: Client) -> None:
    """It holds no money until it is decided; then it is an authorisation as any other."""
    status, body = await client.authorise("k", "tok_review")
    assert (status, body["status"], body["capturable"]) == (202, "pending_review", 0)
    path = f"/v1/authorisations/{body['id']}"
    assert (await client.post(f"{path}/captures", "early", amount=1))[0] == 409
    await asyncio.sleep(0.4)
    assert (await client.get(path))[1]["status"] == "authorised"
    assert (await client.post(f"{path}/captures", "late", amount=1000))[0] == 201


async def test_a_void_ends_a_review(client: Client) -> None:
    """Given back before it was decided, it stays given back."""
    _, body = await client.authorise("k", "tok_review")
    assert (await client.post(f"/v1/authorisations/{body['id']}/void", "v"))[0] == 201
    await asyncio.sleep(0.4)
    assert (await client.get(f"/v1/authorisations/{body['id']}"))[1]["status"] == "voided"


async def test_a_capture_can_fail(client: Client) -> None:
    """`tok_capture_fails`: authorised, but the money never comes."""
    _, body = await client.authorise("k", "tok_capture_fails")
    status, problem = await client.post(f"/v1/authorisations/{body['id']}/captures", "c", amount=1000)
    assert (status, problem["code"], problem["authorisation"]["captured"]) == (402, "capture_failed", 0)


async def test_an_authorisation_expires(client: Client) -> None:
    """`tok_expires`: after its time nothing can be captured or given back."""
    _, body = await client.authorise("k", "tok_expires")
    await asyncio.sleep(0.4)
    path = f"/v1/authorisations/{body['id']}"
    assert (await client.get(path))[1]["status"] == "expired"
    for operation, amount in (("captures", {"amount": 1}), ("void", {})):
        status, problem = await client.post(f"{path}/{operation}", operation, **amount)
        assert (status, problem["code"]) == (409, "authorisation_expired")


async def test_money_is_limited_by_what_was_agreed(client: Client) -> None:
    """Captures ≤ authorised, void only what isn't captured, refunds ≤ captured: together, and per capture."""
    _, authorisation = await client.authorise("k")
    path = f"/v1/authorisations/{authorisation['id']}"
    _, first = await client.post(f"{path}/captures", "c1", amount=600)
    assert first["authorisation"]["status"] == "partly_captured"
    assert (await client.post(f"{path}/captures", "c2", amount=401))[1]["code"] == "amount_too_large"
    _, second = await client.post(f"{path}/captures", "c3", amount=300)
    status, void = await client.post(f"{path}/void", "v1")
    assert (status, void["amount"], void["authorisation"]["status"]) == (201, 100, "captured")
    assert (await client.post(f"{path}/void", "v2"))[1]["code"] == "nothing_to_void"
    assert (await client.post(f"/v1/captures/{second['id']}/refunds", "r1", amount=301))[1][
        "code"
    ] == "amount_too_large"
    assert (await client.post(f"/v1/captures/{second['id']}/refunds", "r2", amount=200))[0] == 201
    status, spread = await client.post(f"{path}/refunds", "r3", amount=650)
    assert (status, [part["amount"] for part in spread["parts"]]) == (201, [600, 50])
    assert (await client.post(f"{path}/refunds", "r4", amount=51))[1]["code"] == "amount_too_large"
    _, book = await client.get("/v1/book?reference=order-1")
    assert book["totals"] == {
        "order-1": {"currency": "GBP", "authorised": 1000, "captured": 900, "voided": 100, "refunded": 850}
    }
    assert {kind: len(book[kind]) for kind in ("captures", "voids", "refunds")} == {
        "captures": 2,
        "voids": 1,
        "refunds": 2,
    }


async def test_a_final_capture_gives_back_the_rest(client: Client) -> None:
    """What a final capture leaves is voided with it."""
    _, body = await client.authorise("k")
    _, capture = await client.post(f"/v1/authorisations/{body['id']}/captures", "c", amount=400, final=True)
    assert (capture["authorisation"]["voided"], capture["authorisation"]["status"]) == (600, "captured")


async def test_the_same_key_is_answered_the_same_and_done_once(client: Client) -> None:
    """Also when many ask at once; the same key for another request is refused."""
    answers = await asyncio.gather(*(client.authorise("k") for _ in range(20)))
    done = [body for status, body in answers if status == 201]
    assert done
    assert all(body == done[0] for body in done)
    assert len((await client.get("/v1/book"))[1]["authorisations"]) == 1
    status, problem = await client.authorise("k", amount=999)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = await client.post("/v1/authorisations/x/void", "k")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


async def test_a_refused_operation_is_answered_from_the_book_too(client: Client) -> None:
    """A decline is final for its key."""
    assert await client.authorise("k", "tok_declined") == await client.authorise("k", "tok_declined")
    assert (await client.get("/v1/operations/k"))[1]["status_code"] == 402


@pytest.mark.parametrize(
    "body", [{"amount": 0}, {"amount": 1.5}, {"amount": "5"}, {"currency": "pounds"}, {"colour": "red"}]
)
async def test_what_cannot_be_read_is_a_fault_of_the_caller(client: Client, body: dict[str, object]) -> None:
    """400 with the field's name, and the key stays free."""
    status, problem = await client.authorise("k", **body)  # type: ignore[arg-type]
    assert (status, problem["code"]) == (400, "invalid_request")
    assert next(iter(body)) in problem["detail"]
    assert (await client.authorise("k"))[0] == 201


async def test_a_post_without_a_key_is_refused(client: Client) -> None:
    """No key, no work."""
    async with client.http.post(client.url + "/v1/authorisations", json={}) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_unknown_things_are_not_found(client: Client) -> None:
    """404, and nothing is stored under the key."""
    for path in ("/v1/authorisations/none/captures", "/v1/captures/none/refunds"):
        assert (await client.post(path, "k", amount=1))[0] == 404
    for path in ("/v1/authorisations/none", "/v1/operations/k"):
        assert (await client.get(path))[0] == 404


async def test_a_killed_gateway_keeps_its_book(start: Start, tmp_path: Path) -> None:
    """What was answered is stored: after `kill -9` the same key gets the same answer, and the money is as it was."""
    arguments = ("gateway", "--port", "0", "--book", str(tmp_path / "book.sqlite"))
    first = await start(*arguments)
    async with aiohttp.ClientSession() as http:
        before = Client(http, str(first.ready["url"]))
        _, authorisation = await before.authorise("k")
        answer = await before.post(f"/v1/authorisations/{authorisation['id']}/captures", "c", amount=700)
        _, book = await before.get("/v1/book")
        await first.kill()
        second = await start(*arguments)
        after = Client(http, str(second.ready["url"]))
        assert await after.get("/v1/book") == (200, book)
        assert await after.post(f"/v1/authorisations/{authorisation['id']}/captures", "c", amount=700) == answer
    assert await second.stop() == 0
