"""A gateway that attacks, or talks nonsense: no answer raises in a reaction, parks a payment, or leads money astray."""

import ast
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.effect import RetryError
from packhorse_contracts.payment import PaymentDeclined
from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.gateways import UncertainError
from packhorse_payment.gateways.rest import RestGateway
from packhorse_payment.gateways.rest_answers import outcome, parsed, recalled
from packhorse_payment.operations import (
    AskAgain,
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
from packhorse_payment.state import PAYMENTS
from pydantic import TypeAdapter, ValidationError

from .story import ORDER, Shop, accepted, cancelled, dispatched

ROOT = Path(__file__).parents[3]
MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}
AUTHORISE = Authorise(amount=3000, currency="EUR", method="card", token="tok")

_NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=80),
    st.sampled_from(
        [
            "",
            " ",
            "\0",
            "a\0b",
            "../../admin?x=1#",
            ".",
            "..",
            "\ud800",
            "x" * 300,
            "é",
            "1e3",
            "3000",
            3000.0,
            -1,
            10**30,
        ]
    ),
    st.lists(st.none(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
)
_STATUS = st.sampled_from([200, 201, 202, 204, 301, 302, 400, 402, 404, 409, 422, 451])
_SOUND = {"id": "a-1", "amount": 3000, "currency": "EUR", "status": "authorised", "expires_at": "2026-11-30T12:00:00Z"}
_PROBLEM = {"code": "card_declined", "title": "no", "detail": "the card was declined", "status": 402}
_FIELDS = [*_SOUND, *_PROBLEM, "decline_code", "state", "status_code", "answer"]


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """An answer as it should be, with some fields replaced or left out; or something else; whole or cut off."""
    amount, name = draw(st.sampled_from([1000, 2000, 3000])), draw(st.sampled_from(["a-1", "a-2"]))
    sound: dict[str, object] = {**_SOUND, "amount": amount, "id": name}
    fields = draw(st.sampled_from([sound, sound, dict(_PROBLEM), {**sound, **_PROBLEM}]))
    if draw(st.booleans()):
        changed = fields | draw(st.dictionaries(st.sampled_from(_FIELDS), _NASTY, max_size=4))
        fields = {name: value for name, value in changed.items() if draw(st.integers(0, 9))}
    body: object = fields if draw(st.integers(0, 9)) else draw(_NASTY)
    if draw(st.booleans()):
        body = {"state": "finished", "status_code": draw(_STATUS), "answer": body}
    raw = json.dumps(body).encode()
    return raw[: draw(st.integers(0, len(raw)))] if not draw(st.integers(0, 9)) else raw


def _understood(read: Callable[[], Outcome | None]) -> Outcome | None:
    try:
        return read()
    except UncertainError as uncertain:
        return Unknown(reason=uncertain.reason)


def _at(operation: str) -> Shop:
    """A payment that waits for an answer of this kind."""
    shop = Shop().then(accepted(MUG))
    if operation == "authorise":
        return shop
    shop.answer()
    if operation == "void":
        return shop.then(cancelled(whole=True, mug=3))
    shop.then(dispatched("s1", mug=2))
    return shop if operation == "capture" else shop.answer().then(cancelled(mug=3)).answer()


@given(st.sampled_from(["authorise", "capture", "void", "refund"]), st.lists(st.tuples(_STATUS, _bodies()), max_size=6))
@settings(deadline=None)
def test_no_answer_of_a_gateway_parks_a_payment(kind: str, answers: list[tuple[int, bytes]]) -> None:
    """Every field that an answer feeds, of every type: what the adapter passes on, the reaction takes; state and facts
    can be written down and read again."""
    shop = _at(kind)
    for status, body in answers:
        if shop.payment.pending is None:
            break
        operation = shop.payment.pending.operation

        def read(operation: Operation = operation, status: int = status, body: bytes = body) -> Outcome | None:
            return outcome(operation, status, parsed(body))

        def ask(operation: Operation = operation, status: int = status, body: bytes = body) -> Outcome | None:
            return recalled(operation, status, parsed(body))

        for understood in (_understood(ask), _understood(read)):
            if understood is not None and shop.payment.pending is not None:
                shop.answer(understood)
                if shop.payment.pending is not None and shop.payment.pending.status != "asked":
                    shop.fire(AskAgain, ORDER)
        kept = TypeAdapter(type(shop.payment)).dump_json(shop.payment)
        said = b"".join(fact.model_dump_json().encode() for fact in shop.events)
        assert b"\\u0000" not in kept + said
        assert all(type(fact).model_validate_json(fact.model_dump_json()) == fact for fact in shop.events)
    assert shop.state(PAYMENTS, ORDER).captured <= 3000


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (402, {"code": ""}, "declined"),
        (402, {"code": " \0 "}, "declined"),
        (402, {"code": "card\0_declined"}, "card _declined"),
        (402, {"code": "x" * 5_000}, "x" * 64),
        (402, {"code": None, "title": None, "detail": {"why": None}}, "declined"),
        (409, {"code": "not_capturable", "detail": ["no"]}, "not_capturable"),
    ],
)
def test_a_refusal_has_a_code_that_a_fact_can_carry(status: int, answer: dict[str, object], code: str) -> None:
    """402 is a no, whoever forgets to say why: the order hears so at once, not when it times out."""
    refused = outcome(AUTHORISE, status, parsed(json.dumps(answer).encode()))
    assert isinstance(refused, Refused)
    assert refused.code == code
    shop = Shop().then(accepted(MUG)).answer(refused)
    assert [fact.reason.code for fact in shop.said(PaymentDeclined)] == [code]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b""),
        (201, b"null"),
        (201, b"[" * 200_000),
        (201, b'{"id":"a-1","amount":' + b"9" * 5_000 + b',"currency":"EUR"}'),
        (201, b'{"id":"a-1","amount":"3000","currency":"EUR"}'),
        (201, b'{"id":"a-1","amount":3000,"currency":"USD"}'),
        (201, b'{"id":"a-1","amount":3000,"currency":"EUR","status":"failed"}'),
        (201, b'{"id":"a-1","amount":3000,"currency":"EUR","expires_at":"soon"}'),
        (201, b'{"id":"..","amount":3000,"currency":"EUR"}'),
        (201, b'{"id":"","amount":3000,"currency":"EUR"}'),
        (201, b'{"id":"a\\u0000","amount":3000,"currency":"EUR"}'),
        (204, b"{}"),
        (409, b'{"code":""}'),
        (404, b"{}"),
        (402, b"<html>"),
        (402, b"[]"),
    ],
)
def test_what_does_not_say_for_certain_what_was_done_is_unknown(status: int, body: bytes) -> None:
    """Never taken for a yes or a no."""
    with pytest.raises(UncertainError):
        outcome(AUTHORISE, status, parsed(body))


@pytest.mark.parametrize("body", [b"{}", b'{"code":""}', b'{"code":"no_such_page"}'])
def test_that_something_was_never_done_is_believed_only_of_the_gateway(body: bytes) -> None:
    """A proxy answers 404, too."""
    with pytest.raises(UncertainError):
        recalled(AUTHORISE, 404, parsed(body))
    assert recalled(AUTHORISE, 404, parsed(b'{"code":"not_found"}')) is None


def test_an_adapter_cannot_pass_on_what_no_fact_can_carry() -> None:
    """It fails there, where it is asked again, and not in the reaction, where it would park the payment."""
    for wrong in ("", "a\0b", "x" * 65):
        with pytest.raises(ValidationError):
            Refused(code=wrong, message="")
    for wrong in ("", "a b", "..", "x" * 256, "a\0"):
        for kind in (Done, UnderReview):
            with pytest.raises(ValidationError):
                kind(reference=wrong)


def test_a_second_capture_under_the_id_of_another_is_unknown() -> None:
    """Nobody could say any more which of them a refund is of."""
    shop = _at("capture").answer(Done(reference="cap-1")).then(dispatched("s2", mug=1)).answer(Done(reference="cap-1"))
    assert shop.payment.captured == 2000
    assert shop.payment.pending is not None
    assert shop.payment.pending.status == "unknown"


@asynccontextmanager
async def attacked(
    answer: Callable[[web.Request], web.StreamResponse],
) -> AsyncIterator[tuple[RestGateway, list[str]]]:
    """An adapter before a server that answers like this, and the raw paths that were asked for."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        heard.append(f"{request.method} {request.raw_path}")
        return answer(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(application) as server:
        gateway = RestGateway(str(server.make_url("")), 2)
        yield gateway, heard
        await gateway.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    """Whoever answers elsewhere holds no money for us; a POST that became a GET asked for none."""

    def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/elsewhere"):
            return web.json_response(_SOUND, status=201)
        return web.json_response(_SOUND, status=status, headers={"Location": "/elsewhere"})

    async with attacked(answer) as (gateway, heard):
        with pytest.raises(UncertainError, match=str(status)):
            await gateway.do(AUTHORISE, "k1", ORDER)
        with pytest.raises(UncertainError, match=str(status)):
            await gateway.recall(AUTHORISE, "k1")
        with pytest.raises(UncertainError, match=str(status)):
            await gateway.review("a-1", AUTHORISE)
        request = AskGateway(order_id=ORDER, key="k1", operation=AUTHORISE)
        with pytest.raises(RetryError):
            await GatewayPerformer(gateway).perform(request, "k1")
    assert not [path for path in heard if "elsewhere" in path]


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("../../admin?x=1#", "..%2F..%2Fadmin%3Fx%3D1%23"),
        ("%2e%2e/%2f", "%252e%252e%2F%252f"),
        ("//evil.test/a;b&c=d", "%2F%2Fevil.test%2Fa%3Bb%26c%3Dd"),
        ("...", "..."),
    ],
)
async def test_a_gateways_id_is_one_segment_of_a_path(name: str, segment: str) -> None:
    """Whatever it holds, it leads nowhere else."""

    def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({**_SOUND, "id": name}, status=201)

    async with attacked(answer) as (gateway, heard):
        done = await gateway.do(AUTHORISE, "k1", ORDER)
        assert isinstance(done, Done)
        money = {"authorisation": done.reference, "amount": 3000, "currency": "EUR"}
        await gateway.do(Capture.model_validate({**money, "shipment_id": "s1"}), "k2", ORDER)
        await gateway.do(Void.model_validate(money), "k3", ORDER)
        await gateway.do(Refund.model_validate({**money, "capture": name, "cause": "cancelled"}), "k4", ORDER)
        await gateway.review(done.reference, AUTHORISE)
    assert heard == [
        "POST /v1/authorisations",
        f"POST /v1/authorisations/{segment}/captures",
        f"POST /v1/authorisations/{segment}/void",
        f"POST /v1/captures/{segment}/refunds",
        f"GET /v1/authorisations/{segment}",
    ]


_PADDED = json.dumps({**_SOUND, "title": "x" * 10_000_000}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: web.Response(body=_PADDED, status=201, content_type="application/json"),
        lambda _: web.Response(body=gzip.compress(_PADDED), status=201, headers={"Content-Encoding": "gzip"}),
        lambda _: web.Response(text="<html>authorised</html>", status=201, content_type="text/html"),
        lambda _: web.Response(body=json.dumps(_SOUND).encode()[:-9], status=201, content_type="application/json"),
        lambda _: web.json_response({"code": "in_progress"}, status=409, headers={"Retry-After": "9" * 400}),
        lambda _: web.json_response({}, status=503, headers={"Retry-After": "\u00b2"}),
        lambda _: web.json_response({}, status=429, headers={"Retry-After": "-1"}),
    ],
    ids=["10 MB", "10 MB in few bytes", "a page", "cut off", "a wait of ages", "no number", "negative"],
)
async def test_an_answer_costs_little_whatever_it_is(answer: Callable[[web.Request], web.StreamResponse]) -> None:
    """Bodies are read up to a limit and never unpacked; nobody has us wait for ages."""
    async with attacked(answer) as (gateway, _):
        with pytest.raises(UncertainError) as uncertain:
            await gateway.do(AUTHORISE, "k1", ORDER)
    assert uncertain.value.after is None or 0 <= uncertain.value.after <= 600


async def test_cookies_are_not_kept() -> None:
    """What one answer says has nothing to do with the next request."""
    seen: list[str] = []

    def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie", ""))
        return web.json_response(_SOUND, status=201, headers={"Set-Cookie": "account=another; Path=/"})

    async with attacked(answer) as (gateway, _):
        for key in ("k1", "k2"):
            await gateway.do(AUTHORISE, key, ORDER)
    assert seen == ["", ""]


def test_no_http_client_of_ours_follows_a_redirect() -> None:
    """Every call of every client in services and libraries says so: that of money, and those that only look."""
    calls = 0
    for source in [*ROOT.glob("libs/*/packhorse_*/**/*.py"), *ROOT.glob("services/*/packhorse_*/**/*.py")]:
        text = source.read_text(encoding="utf-8")
        if "ClientSession(" not in text:
            continue
        for call in ast.walk(ast.parse(text)):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            client, verb = ast.unparse(call.func.value), call.func.attr
            if client in ("http", "self._session") and verb in ("request", "get", "post", "put", "patch", "delete"):
                calls += 1
                told = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert told.get("allow_redirects") == "False", f"{source}: {ast.unparse(call)}"
    assert calls >= 5
