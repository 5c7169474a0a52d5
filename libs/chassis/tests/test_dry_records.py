"""Dry runs as records: who answers them, on real servers too, and what of them stays: an answer."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
import toy
from arrivals import arrived
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import Arrival, Origin, Raw
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.policy import InForce, Policies
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.core.said import MAX_EVENT_BYTES
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.run import Process
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import ProductChanged, ProductWithdrawn
from packhorse_contracts.customer import CancellationRequested, HoldRequested
from packhorse_contracts.operations import OperationsPolicySet, OperationsPreviewed
from packhorse_contracts.order import OrderAccepted, OrderHeld
from packhorse_contracts.policies import OrderPolicy, PaymentPolicy
from rig import Broker, new_order
from test_reader import hears, raw

PREVIEWS = "operations.previews"


def as_dry_run(record: Raw, text: object = True) -> Raw:
    """The same with the attribute, in whichever mode it is."""
    if any(name == "content-type" for name, _ in record.headers):
        event = json.loads(record.value or b"") | {"dryrun": text}
        return Raw(*_place(record), record.headers, json.dumps(event).encode())
    return Raw(*_place(record), [*record.headers, ("ce_dryrun", str(text).lower().encode())], record.value)


def _place(record: Raw) -> tuple[Origin, str, int | None, int | None, bytes | None]:
    return record.origin, record.topic, record.partition, record.offset, record.key


def refusal(arrival: Arrival | None, routes: Routes) -> str | None:
    """The code that whoever asked is told."""
    assert arrival is not None
    (told,) = take(routes, [arrival], {Ref("tally", "a"): toy.Tally()}, {}, toy.NOON).previews
    assert isinstance(told.fact, OperationsPreviewed)
    return None if told.fact.refusal is None else told.fact.refusal.code


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize(
    ("text", "wanted"), [(True, True), ("true", True), ("TRUE", True), (False, False), ("false", False)]
)
def test_the_attribute_is_read_in_both_modes(structured: bool, text: object, wanted: bool) -> None:
    """As JSON's true, or as text."""
    arrival = hears("order", HoldRequested).record(as_dry_run(raw(HoldRequested, "/shop", structured=structured), text))
    assert arrival is not None
    assert arrival.fault is None
    assert (arrival.dry_run == ce.DryRun("1", "/shop", HoldRequested.TYPE)) is wanted


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("text", ["yes", "", 1, "tru e"])
def test_what_may_be_a_question_is_never_taken_for_an_order(structured: bool, text: object) -> None:
    """Whoever writes the attribute wrongly gets a dead letter, not what he asked about."""
    arrival = hears("order", HoldRequested).record(as_dry_run(raw(HoldRequested, "/shop", structured=structured), text))
    assert arrival is not None
    assert arrival.fault is not None
    assert (arrival.fault.code, arrival.fault.field) == ("dry_run", "ce_dryrun")


def test_only_the_service_that_answers_for_a_request_hears_of_it() -> None:
    """Others hear the fact, where it is one; nobody takes what can't be tried."""
    product = as_dry_run(raw(ProductChanged, "/pim"))
    assert hears("shipping", ProductChanged).record(product) is None
    answers = hears("inventory", ProductChanged)
    assert refusal(answers.record(product), answers.routes) == "no_dry_run"
    happened = hears("payment", OrderHeld).record(as_dry_run(raw(OrderHeld, "/packhorse/order")))
    assert happened is not None
    assert (happened.fault and happened.fault.code, happened.dry_run) == ("no_request", None)


def tombstone(key: bytes, **attributes: bytes) -> Raw:
    """A record without a value."""
    headers = [(f"ce_{name}", text) for name, text in attributes.items()]
    return Raw("record", "catalogue.products", 2, 7, key, headers, None)


def test_a_tombstone_that_only_asks_takes_nothing_back() -> None:
    """It is a dry run like any other: refused on a compacted topic, by the one service that answers for it."""
    answers, hears_too = hears("inventory", ProductWithdrawn), hears("shipping", ProductWithdrawn)
    for attributes in ({}, {"id": b"q-1", "source": b"/pim", "type": b"rubbish"}):
        asked = tombstone(b"MUG", dryrun=b"TRUE", **attributes)
        assert hears_too.record(asked) is None
        arrival = answers.record(asked)
        assert refusal(arrival, answers.routes) == "no_dry_run"
        assert arrival is not None
        named = ("q-1", "/pim") if attributes else ("2-7", "kafka:catalogue.products")
        assert arrival.dry_run == ce.DryRun(*named, ProductWithdrawn.TYPE)
    unread = answers.record(tombstone(b"two words", dryrun=b"true"))
    assert refusal(unread, answers.routes) == "wrong_key"
    meant = answers.record(tombstone(b"MUG", dryrun=b"false", source=b"/pim"))
    assert meant is not None
    assert (meant.heard, meant.dry_run) == (ProductWithdrawn(sku="MUG"), None)
    assert answers.record(tombstone(b"MUG", source=b"\xff")) is not None


@pytest.mark.parametrize(
    ("text", "code"), [(b"yes", "dry_run"), (b"", "dry_run"), (b"tru e", "dry_run"), (b"\xff", "header_encoding")]
)
def test_a_tombstone_that_may_be_a_question_is_never_carried_out(text: bytes, code: str) -> None:
    """A dead letter, as of any record."""
    arrival = hears("inventory", ProductWithdrawn).record(tombstone(b"MUG", dryrun=text))
    assert arrival is not None
    assert arrival.heard is None
    assert arrival.fault is not None
    assert arrival.fault.code == code


def policy_set(service: str = "order", key: bytes | None = None, **changes: object) -> Raw:
    """A dry run of a policy, under its own key unless another is given."""
    fact = OperationsPolicySet.model_validate(
        {"service": service, "policy_version": 1, "at": toy.NOON, "policy": {}, "by": "emma", **changes}
    )
    envelope = ce.Envelope("q-1", "/packhorse/console", fact.TYPE, service, toy.NOON, dry_run=True)
    usual, value, headers = ce.encode(envelope, fact)
    return Raw("record", "operations.policies", 0, 0, usual if key is None else key, headers, value)


def test_a_policy_can_be_tried_beside_the_one_in_force() -> None:
    """By the service whose policy it is, and by no other; it lies under a key of its own, or the topic, which keeps the
    latest of a key, would lose what is in force."""
    routes = Routes("order", policies=Policies("order", OrderPolicy()))
    reader, payment = Reader(routes), Reader(Routes("payment", policies=Policies("payment", PaymentPolicy())))
    sound = policy_set()
    assert sound.key == b"order.dry-run"
    assert payment.record(sound) is None
    wrong = policy_set(policy={"payment_deadline": "soon"})
    for asked, expected in [(sound, None), (wrong, "bad_policy"), (policy_set(key=b"order"), "wrong_key")]:
        arrival = reader.record(asked)
        assert arrival is not None
        (told,) = take(routes, [arrival], {routes.policies.ref: InForce()}, {}, toy.NOON).previews  # type: ignore[union-attr]
        assert isinstance(told.fact, OperationsPreviewed)
        assert (told.fact.refusal and told.fact.refusal.code) == expected
        assert (told.fact.request_id, told.fact.service) == ("q-1", "order")


def test_a_policy_that_is_meant_has_its_services_name_for_a_key() -> None:
    """Not that of a dry run."""
    reader = Reader(Routes("order", policies=Policies("order", OrderPolicy())))
    record = policy_set()
    headers = [(name, text) for name, text in record.headers if name != "ce_dryrun"]
    arrivals = [
        reader.record(Raw("record", record.topic, 0, 0, key, headers, record.value))
        for key in (b"order", b"order.dry-run")
    ]
    assert [arrival and arrival.fault and arrival.fault.code for arrival in arrivals] == [None, "wrong_key"]


def test_what_is_wrong_with_a_dry_run_is_answered_and_not_a_dead_letter() -> None:
    """It can't be read, has another key, isn't offered, comes under an id that was used: told to whoever asked."""
    reader, sound = hears("order", HoldRequested), as_dry_run(raw(HoldRequested, "/shop"))
    unread = Raw(*_place(sound), sound.headers, b"{}")
    no_time = Raw(*_place(sound), [head for head in sound.headers if head[0] != "ce_time"], sound.value)
    other_key = Raw("record", sound.topic, 0, 0, b"other", sound.headers, sound.value)
    not_offered = as_dry_run(raw(CancellationRequested, "/shop"))
    found = [refusal(reader.record(one), reader.routes) for one in (unread, no_time, other_key, not_offered)]
    assert found == ["invalid", "missing_attribute", "wrong_key", "not_offered"]
    reused = reader.record(sound)
    assert reused is not None
    reused.reused = True
    assert refusal(reused, reader.routes) == "id_reused"


def test_a_preview_fits_into_a_record_and_names_nobody() -> None:
    """Facts, timers and effects in any number and of any size; what has no room is counted."""
    accepted = OrderAccepted.model_validate_json(raw(OrderAccepted, "/x").value or b"")
    note = "é" * 2_000

    def much(turn: toy.Toys, tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
        turn.say(accepted, *[toy.held(heard.order_id, note, toy.NOON)] * 699)
        for number in range(700):
            turn.ask(toy.Ask(order_id="a"), f"{number}-{'k' * 2_000}")
        return tally

    routes = Routes("order", on(HoldRequested, toy.TALLIES, "order_id", much))
    dry = arrived(toy.request("a", "much"), dry_run=True)
    (told,) = take(routes, [dry], {Ref("tally", "a"): toy.Tally()}, {}, toy.NOON).previews
    assert isinstance(told.fact, OperationsPreviewed)
    assert len(told.body) <= MAX_EVENT_BYTES
    assert told.fact.left_out == 1_400 - len(told.fact.facts) - len(told.fact.effects) > 0

    def little(turn: toy.Toys, tally: toy.Tally, _heard: HoldRequested) -> toy.Tally:
        turn.say(accepted)
        return tally

    routes = Routes("order", on(HoldRequested, toy.TALLIES, "order_id", little))
    (told,) = take(routes, [dry], {Ref("tally", "a"): toy.Tally()}, {}, toy.NOON).previews
    assert accepted.customer.name.encode() in accepted.model_dump_json().encode()
    assert accepted.customer.name.encode() not in told.body
    assert accepted.lines[0].sku.encode() in told.body


TABLES = ("tally", "shelf", "put", "timer", "effect", "sequence", "dead_letter", "parked", "waiting")


async def kept(pool: Pool) -> dict[str, int]:
    """Rows of everything but inbox and outbox."""
    return {table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_nothing_of_a_dry_run_stays_in_the_database(pool: Pool, processor: Processor) -> None:
    """No empty row either, of what nobody knew, nor a sequence number; and the real one is heard under the same id."""
    await processor.process([arrived(toy.request("full", "shelf")), arrived(toy.request("shelf", "x"))], Records())
    before = await kept(pool)
    asked = [toy.request("a", note) for note in ("one", "remind", "ask", "refuse", "forbidden")]
    asked = [*asked, toy.request("full", "one")]
    trials: list[Fact] = [*asked, toy.cancellation("full"), toy.cancellation("b")]
    batch = [arrived(fact, f"id-{number}", dry_run=True) for number, fact in enumerate(trials)]
    assert await processor.process(batch, Records()) == len(trials)
    assert await kept(pool) == before
    answered = await pool.fetch("SELECT key, value, headers FROM outbox WHERE topic = $1 ORDER BY id", PREVIEWS)
    assert [row["key"].decode() for row in answered] == [arrival.id for arrival in batch]
    assert not any(b"ce_sequence" in row["headers"] for row in answered)
    assert await processor.process(batch, Records()) == 0
    assert await processor.process([arrived(asked[0], "id-0")], Records()) == 1
    assert (await kept(pool))["tally"] == before["tally"] + 1


async def test_a_dry_run_beside_what_is_meant_takes_nothing_from_it(pool: Pool, processor: Processor) -> None:
    """In one batch, about the same things, in any order: the rows of the real ones stay, with what they hold."""
    order = [
        arrived(toy.request("a", "y"), dry_run=True),
        arrived(toy.request("y", "known")),
        arrived(toy.request("a", "y")),
        arrived(toy.cancellation("a"), dry_run=True),
        arrived(toy.cancellation("a")),
        arrived(toy.cancellation("a"), dry_run=True),
    ]
    assert await processor.process(order, Records()) == 6
    assert await pool.fetchval("SELECT state ->> 'orders' FROM shelf WHERE id = 'y'") == '["a"]'
    values = await pool.fetch("SELECT value FROM outbox WHERE topic = $1 ORDER BY id", PREVIEWS)
    told = [OperationsPreviewed.model_validate_json(row["value"]) for row in values]
    assert [[fact.type.split(".")[2] for fact in preview.facts] for preview in told] == [
        ["held"],
        ["level_changed"],
        ["level_changed"],
    ]
    assert told[1].facts[0].data is not None
    assert told[2].facts[0].data is not None
    assert (told[1].facts[0].data["on_hand"], told[2].facts[0].data["on_hand"]) == (1, 2)


async def test_what_the_preview_names_is_what_the_real_one_says(
    running: Callable[..., AbstractAsyncContextManager[Process]], broker: Broker
) -> None:
    """Through the real broker and database; the key of the answer is the request's id."""
    order = new_order()
    await broker.send(toy.request(order, "remind"), f"dry-{order}", dry_run=True)
    await broker.send(toy.request(order, "remind"), f"real-{order}")
    async with running():
        [(_, headers, value)] = await broker.read(PREVIEWS, {f"dry-{order}"}, 1)
        (_, _, said), *_ = await broker.read("order.events", {order}, 1)  # the reminder may have come as well
    told = OperationsPreviewed.model_validate_json(value)
    assert (headers["ce_source"], headers["ce_causationid"]) == ("/packhorse/order", f"dry-{order}")
    assert (told.request_id, told.request_source, told.refusal) == (f"dry-{order}", "/test", None)
    (fact,) = told.facts
    (timer,) = told.timers
    assert fact.data is not None
    assert {name: text for name, text in fact.data.items() if name != "at"} == {
        name: text for name, text in json.loads(said).items() if name != "at"
    }
    assert (timer.type, timer.key, timer.cancelled) == ("Reminder", order, False)


def test_a_retry_reads_it_as_what_it_was() -> None:
    """The attribute travels with the bytes."""
    reader = Reader(toy.ROUTES)
    record = as_dry_run(raw(HoldRequested, "/shop"))
    again = reader.again(record)
    assert again is not None
    assert again.dry_run is not None
