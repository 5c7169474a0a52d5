"""What holds for every fact of the contracts."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from packhorse_contracts import facts, registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import LocationWithdrawn, ProductChanged, ProductWithdrawn
from packhorse_contracts.envelope import Envelope, Heard, decode, decode_tombstone, encode
from packhorse_contracts.export.schemas import schema
from packhorse_contracts.inventory import InventoryLevelChanged
from packhorse_contracts.topics import OUTSIDERS
from packhorse_contracts.warehouse import HandedOver, HandedOverV1, StockCounted, parcels_from_tracking_numbers

ALL = sorted(registry.facts.items())
every_fact = pytest.mark.parametrize("fact", [fact for _, fact in ALL], ids=[wire for wire, _ in ALL])


def test_whoever_decodes_knows_every_fact() -> None:
    """Importing any part fills the registry, so that a reader can't miss a type by what it didn't import."""
    code = (
        "from packhorse_contracts.envelope import decode\n"
        "from packhorse_contracts import registry\n"
        f"raise SystemExit(len(registry.facts) != {len(ALL)})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert {fact.__module__ for _, fact in ALL} == {module.__name__ for module in facts.MODULES}


@every_fact
def test_the_class_name_follows_from_the_wire_type(fact: type[Fact]) -> None:
    """Outsiders' facts are named for the fact, ours for service and fact; old majors have a suffix."""
    name = registry.name_of(fact)
    said = name.fact.title().replace("_", "")
    plain = said if name.sayer in OUTSIDERS else name.sayer.capitalize() + said
    newest = registry.newest(fact) is fact
    assert fact.__name__ == (plain if newest else f"{plain}V{name.major}")
    assert fact.__module__ == f"packhorse_contracts.{name.sayer}"


@every_fact
def test_who_says_it_may_write_its_topic(fact: type[Fact]) -> None:
    """The sayer in the wire type is among the topic's writers; or it is what all of them say alike."""
    sayer = registry.name_of(fact).sayer
    assert sayer in fact.TOPIC.writers or (sayer == "operations" and fact.TOPIC.name.startswith("operations."))
    assert topics.ALL[fact.TOPIC.name] is fact.TOPIC


@every_fact
def test_every_field_has_a_meaning(fact: type[Fact]) -> None:
    """No field, in a fact or in its parts, is without a description; no class without a docstring."""
    found = schema(fact)
    parts = found.get("$defs", {})
    assert isinstance(parts, dict)
    for name, part in {fact.__name__: found, **parts}.items():
        assert isinstance(part, dict)
        assert part.get("description"), name
        fields = part["properties"]
        assert isinstance(fields, dict)
        for field, about in fields.items():
            assert isinstance(about, dict)
            assert about.get("description"), f"{name}.{field}"


@every_fact
def test_facts_of_our_services_say_when(fact: type[Fact]) -> None:
    """Each has `at`, except those that ask a warehouse to do something."""
    if registry.name_of(fact).sayer not in OUTSIDERS and fact.TOPIC is not topics.SHIPPING_PICK_LISTS:
        assert "at" in fact.model_fields


@every_fact
def test_the_key_is_what_the_topic_promises(fact: type[Fact]) -> None:
    """The key field is the one that the topic's table names."""
    keys = {
        "order id": {"order_id"},
        "sku": {"sku"},
        "sku and location": {"sku and location"},
        "location id": {"location"},
        "tracking number": {"tracking_number"},
        "order id, or sku": {"order_id"},
        "request id": {"request_id"},
        "service": {"service"},
        "pick list id, or sku for stock facts, or return id": {"pick_list_id", "sku", "return_id", "receipt_id"},
    }
    assert fact.KEY in keys[fact.TOPIC.key]


def test_a_level_is_about_a_sku_at_a_location() -> None:
    """Its key and subject are both, as a JSON array: whatever they hold, no two cells are taken for one, and a
    compacted topic keeps the latest level of each."""
    cells = [("A", "porto"), ("A", "lisboa"), ("P@L", "Y@Z"), ("P@L@Y", "Z"), ('A","B', "C"), ("A", 'B","C')]
    levels = [
        InventoryLevelChanged.model_validate(
            dict.fromkeys(["on_hand", "reserved", "safety_stock", "damaged", "incoming", "available_to_promise"], 0)
            | {"sku": sku, "location": place, "at": "2026-03-02T12:00:00Z", "version": 1}
        )
        for sku, place in cells
    ]
    assert levels[0].key == levels[0].subject == '["A","porto"]'
    assert len({level.key for level in levels}) == len({level.subject for level in levels}) == len(cells)
    assert levels[0].SNAPSHOT
    assert ProductChanged.SNAPSHOT
    assert not HandedOver.SNAPSHOT


def test_a_wire_type_is_taken_once() -> None:
    """A second class for the same wire type is refused, and so are a type of another form and a key without field."""
    with pytest.raises(ValueError, match="is taken by HandedOver"):

        class Other(Fact, type=HandedOver.TYPE, topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
            pick_list_id: str

    with pytest.raises(ValueError, match="is not packhorse"):

        class Misnamed(Fact, type="packhorse.warehouse.Misnamed", topic=topics.WAREHOUSE_EVENTS, key="sku"):
            sku: str

    with pytest.raises(ValueError, match="'sku' is not one of its fields"):

        class Keyless(Fact, type="packhorse.warehouse.keyless.v1", topic=topics.WAREHOUSE_EVENTS, key="sku"):
            pass

    assert registry.facts[HandedOver.TYPE] is HandedOver
    assert "packhorse.warehouse.keyless.v1" not in registry.facts


def test_an_upcaster_leads_from_an_old_major_to_a_newer_one_once() -> None:
    """The other direction, another fact, or a second way are refused."""
    with pytest.raises(ValueError, match="no newer major"):
        registry.upcaster(HandedOver, HandedOverV1)
    with pytest.raises(ValueError, match="no newer major"):
        registry.upcaster(HandedOverV1, ProductChanged)
    with pytest.raises(ValueError, match="has an upcaster already"):
        registry.upcaster(HandedOverV1, HandedOver)(parcels_from_tracking_numbers)
    assert registry.versions(HandedOver) == [HandedOverV1.TYPE, HandedOver.TYPE]
    assert registry.versions(HandedOverV1) == [HandedOverV1.TYPE]
    assert registry.newest(HandedOverV1) is HandedOver


def test_a_tombstone_is_the_fact_that_its_topic_declares() -> None:
    """A record without a value takes its key's thing off; a key that can't be an id is nobody's, and so is a topic that
    declares none."""
    assert decode_tombstone("catalogue.products", b"MUG") == ProductWithdrawn(sku="MUG")
    assert decode_tombstone("catalogue.locations", b"WH-GB") == LocationWithdrawn(location="WH-GB")
    assert decode_tombstone("catalogue.products", b"two words") is None
    assert decode_tombstone("catalogue.products", b"\xff") is None
    assert decode_tombstone("checkout.orders", b"MUG") is None


@pytest.mark.parametrize("structured", [False, True])
def test_what_a_warehouse_does_has_a_moment(structured: bool) -> None:
    """The one that it names, else its event's time; in binary and in structured mode, and from an old major too."""
    noon, five = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC)
    counted = StockCounted(count_id="c", location="WH-GB", sku="MUG", counted=3)
    left = HandedOverV1(pick_list_id="p", carrier="dhl", tracking_numbers=("t",))
    for fact, moment in ((counted, five), (counted.model_copy(update={"at": noon}), noon), (left, five)):
        envelope = Envelope("id", "/warehouse", fact.TYPE, fact.subject, five)
        _, value, headers = encode(envelope, fact)
        if structured:
            event = {name.removeprefix("ce_"): text.decode() for name, text in headers if name.startswith("ce_")}
            value = json.dumps({**event, "data": json.loads(value)}).encode()
            headers = [("content-type", b"application/cloudevents+json")]
        heard = decode(value, headers)
        assert isinstance(heard, Heard)
        assert getattr(heard.fact, "at", None) == moment
