"""The performer against the real gateway of the devstack, over HTTP: each failure ends in certainty or says so."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from packhorse_chassis.core.effect import RetryError
from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.gateways.rest import RestGateway
from packhorse_payment.operations import (
    AskGateway,
    Authorise,
    Capture,
    Done,
    Operation,
    Outcome,
    Refund,
    Refused,
    UnderReview,
    Unknown,
    Void,
)
from pydantic import JsonValue, SecretStr

ORDER = "order-1"


@pytest.fixture
async def performer(gateway_url: str) -> AsyncIterator[GatewayPerformer]:
    """A performer that waits half a second for an answer."""
    performer = GatewayPerformer(RestGateway(gateway_url, 0.5))
    yield performer
    await performer.close()


def authorise(token: str | None = "tok_ok", amount: int = 3000) -> Authorise:
    """A request for 30 euros."""
    return Authorise(amount=amount, currency="EUR", method="card", token=token)


async def ask(performer: GatewayPerformer, key: str, operation: Operation, **more: object) -> Outcome:
    """One attempt."""
    request = AskGateway.model_validate({"order_id": ORDER, "key": key, "operation": operation, **more})
    answered = await performer.perform(request, f"{key}-effect")
    assert (answered.order_id, answered.key) == (ORDER, key)
    return answered.outcome


async def held(performer: GatewayPerformer, token: str | None = "tok_ok") -> str:
    """The gateway's id of an authorisation."""
    done = await ask(performer, "k-authorise", authorise(token))
    assert isinstance(done, Done)
    return done.reference


async def totals(gateway_url: str) -> dict[str, JsonValue]:
    """What the gateway's own book says about the order."""
    async with aiohttp.ClientSession() as session, session.get(f"{gateway_url}/v1/book") as response:
        book = await response.json()
    found = book["totals"][ORDER]
    assert isinstance(found, dict)
    return found


async def test_authorise_capture_void_and_refund_stand_in_the_gateways_book(
    performer: GatewayPerformer, gateway_url: str
) -> None:
    """Both books agree."""
    auth = await held(performer)
    capture = Capture(authorisation=auth, shipment_id="s1", amount=1000, currency="EUR")
    captured = await ask(performer, "k-capture", capture)
    assert isinstance(captured, Done)
    voided = await ask(performer, "k-void", Void(authorisation=auth, amount=2000, currency="EUR"))
    refund = Refund(authorisation=auth, capture=captured.reference, amount=400, currency="EUR", cause="cancelled")
    refunded = await ask(performer, "k-refund", refund)
    assert isinstance(voided, Done)
    assert isinstance(refunded, Done)
    assert await totals(gateway_url) == {
        "currency": "EUR",
        "authorised": 3000,
        "captured": 1000,
        "voided": 2000,
        "refunded": 400,
    }


async def test_the_same_key_any_number_of_times_holds_the_money_once(
    performer: GatewayPerformer, gateway_url: str
) -> None:
    """A process that dies after the call, and another that repeats it."""
    answers = [await ask(performer, "k1", authorise()) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert (await totals(gateway_url))["authorised"] == 3000


async def test_work_done_without_an_answer_is_learnt_by_asking_for_the_key(
    performer: GatewayPerformer, gateway_url: str
) -> None:
    """`tok_timeout`: the answer is lost, the outcome isn't."""
    assert isinstance(await ask(performer, "k1", authorise("tok_timeout")), Done)
    assert (await totals(gateway_url))["authorised"] == 3000


async def test_a_gateway_that_fails_is_asked_again_until_it_does_it_once(
    performer: GatewayPerformer, gateway_url: str
) -> None:
    """`tok_flaky`: nothing was done, which the gateway confirms; so it is repeated with the same key."""
    for _ in range(2):
        with pytest.raises(RetryError, match="503"):
            await ask(performer, "k1", authorise("tok_flaky"))
    assert isinstance(await ask(performer, "k1", authorise("tok_flaky")), Done)
    assert (await totals(gateway_url))["authorised"] == 3000


async def test_work_that_takes_longer_than_we_wait_is_left_to_end(performer: GatewayPerformer) -> None:
    """`tok_slow`: the gateway says that it is still at it, and when to ask again."""
    with pytest.raises(RetryError, match="in_progress") as retry:
        await ask(performer, "k1", authorise("tok_slow"))
    assert retry.value.after == 1.0


async def test_what_is_asked_again_is_looked_up_before_it_is_repeated(
    performer: GatewayPerformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never done: done now. Known: the stored answer, without a second request to do it."""
    first = await ask(performer, "k1", authorise(), again=True)
    assert isinstance(first, Done)

    async def never(*_: object) -> Outcome:
        pytest.fail("it was asked to do it once more")

    monkeypatch.setattr(RestGateway, "do", never)
    assert await ask(performer, "k1", authorise(), again=True) == first


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_unheard_of", "invalid_token"),
    ],
)
async def test_a_decline_is_certain_and_says_whether_another_try_may_help(
    performer: GatewayPerformer, token: str, code: str
) -> None:
    """Asked for once, never repeated by the chassis; the reason is the gateway's."""
    refused = await ask(performer, "k1", authorise(token))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.may_retry) == (code, True)
    assert await ask(performer, "k1", authorise(token), again=True) == refused


async def test_a_review_is_looked_at_by_its_reference(performer: GatewayPerformer) -> None:
    """Under review until decided, whatever is stored with the key."""
    first = await ask(performer, "k1", authorise("tok_review"))
    assert isinstance(first, UnderReview)
    await asyncio.sleep(0.15)
    decided = await ask(performer, "k1", authorise("tok_review"), again=True, reference=first.reference)
    assert isinstance(decided, Done)
    assert decided.reference == first.reference
    assert decided.expires_at is not None


@pytest.mark.parametrize("ended", ["voided", "expired"])
async def test_a_review_of_what_holds_no_money_any_more_is_a_refusal(ended: str) -> None:
    """Given back by hand, or its time ran out, while it was looked at: nothing of it could be captured."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"id": "auth-1", "amount": 3000, "currency": "EUR", "status": ended})

    application = web.Application()
    application.router.add_get("/v1/authorisations/auth-1", answer)
    async with TestServer(application) as server:
        performer = GatewayPerformer(RestGateway(str(server.make_url("")), 0.5))
        refused = await ask(performer, "k1", authorise(), again=True, reference="auth-1")
        await performer.close()
    assert isinstance(refused, Refused)
    assert (refused.code, refused.may_retry) == (f"authorisation_{ended}", True)


async def test_a_review_that_is_given_back_at_the_gateway_is_learnt(
    performer: GatewayPerformer, gateway_url: str
) -> None:
    """Somebody there voids it before it is decided; the real gateway says so when it is looked at."""
    first = await ask(performer, "k1", authorise("tok_review"))
    assert isinstance(first, UnderReview)
    void = f"{gateway_url}/v1/authorisations/{first.reference}/void"
    by_hand = {"Idempotency-Key": "by hand"}
    async with aiohttp.ClientSession() as session, session.post(void, json={}, headers=by_hand) as response:
        assert response.status == 201
    looked_at = await ask(performer, "k1", authorise("tok_review"), again=True, reference=first.reference)
    assert isinstance(looked_at, Refused)
    assert looked_at.code == "authorisation_voided"


async def test_a_capture_that_fails_is_certain(performer: GatewayPerformer) -> None:
    """`tok_capture_fails`."""
    auth = await held(performer, "tok_capture_fails")
    capture = Capture(authorisation=auth, shipment_id="s1", amount=1000, currency="EUR")
    refused = await ask(performer, "k2", capture)
    assert isinstance(refused, Refused)
    assert refused.code == "capture_failed"


async def test_an_expired_authorisation_can_be_neither_captured_nor_voided(performer: GatewayPerformer) -> None:
    """`tok_expires`: the codes that the reactions know."""
    auth = await held(performer, "tok_expires")
    await asyncio.sleep(0.15)
    capture = Capture(authorisation=auth, shipment_id="s1", amount=1000, currency="EUR")
    captured = await ask(performer, "k2", capture)
    voided = await ask(performer, "k3", Void(authorisation=auth, amount=3000, currency="EUR"))
    assert isinstance(captured, Refused)
    assert isinstance(voided, Refused)
    assert captured.code == "authorisation_expired"
    assert voided.code in ("authorisation_expired", "nothing_to_void")


async def test_a_gateway_that_nobody_reaches_is_uncertain() -> None:
    """Refused connections are retried, and end as unknown."""
    performer = GatewayPerformer(RestGateway("http://127.0.0.1:1", 0.5, SecretStr("key")))
    with pytest.raises(RetryError, match="no answer"):
        await ask(performer, "k1", authorise())
    request = AskGateway(order_id=ORDER, key="k1", operation=authorise())
    given_up = performer.give_up(request, "no answer until the deadline")
    assert given_up.outcome == Unknown(reason="no answer until the deadline")
    await performer.close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (201, b'{"id": "a", "amount": 1, "currency": "EUR"}', "amount is 1 EUR"),
        (201, b'{"id": "a"}', "can't be read"),
        (201, b"<html>", "no JSON"),
        (404, b'"nobody here"', "can't be read"),
        (401, b"{}", "401"),
        (429, b"{}", "429"),
        (302, b"{}", "302"),
    ],
)
async def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown(status: int, body: bytes, says: str) -> None:
    """Another amount, a proxy's page, a wrong key, too many requests: nobody's money is declared held or free."""

    async def answer(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(status=503)
        return web.Response(status=status, body=body, headers={"Retry-After": "7"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        gateway = RestGateway(str(server.make_url("")), 0.5)
        with pytest.raises(Exception, match=says):
            await gateway.do(authorise(), "k1", ORDER)
        with pytest.raises(RetryError):
            await ask(GatewayPerformer(gateway), "k1", authorise())
        await gateway.close()


async def test_as_many_calls_are_under_way_as_the_chassis_allows() -> None:
    """None waits in a queue of our own, where it would run out of time and seem unanswered."""
    wanted, together = 150, asyncio.Event()
    here: list[str] = []

    async def answer_when_all_are_here(request: web.Request) -> web.Response:
        here.append(request.headers["Idempotency-Key"])
        if len(here) == wanted:
            together.set()
        await together.wait()
        asked = await request.json()
        return web.json_response(
            {"id": f"a-{len(here)}", "amount": asked["amount"], "currency": asked["currency"]}, status=201
        )

    app = web.Application()
    app.router.add_post("/v1/authorisations", answer_when_all_are_here)
    async with TestServer(app) as server:
        performer = GatewayPerformer(RestGateway(str(server.make_url("")), 20))
        answers = await asyncio.gather(*[ask(performer, f"k-{number}", authorise()) for number in range(wanted)])
        await performer.close()
    assert all(isinstance(answer, Done) for answer in answers)
