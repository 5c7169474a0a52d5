"""One AsyncAPI 3.0 document of the whole system: topics, who says and who hears what, and in which form."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from packhorse_contracts import registry, topics
from packhorse_contracts.attributes import JSON
from packhorse_contracts.base import Fact
from packhorse_contracts.export.samples import sample
from packhorse_contracts.export.schemas import Json, components
from packhorse_contracts.topic_settings import SERVICES, TopicSettings

BINDING: Final = "0.5.0"
BROKERS: Final = 3
"""The bindings show the topics as a production cluster holds them."""

_TITLES: Final = {"console": "Console (operators)", "storefront": "Storefronts", "purchasing": "Purchasing"}
_DEAD: Final = "deadLetters"


def document(settings: Iterable[TopicSettings]) -> Json:
    """The document, ready to be written as YAML."""
    held = {topic.name: topic for topic in settings}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:packhorse:system",
        "info": {
            "title": "Packhorse",
            "version": "1.0.0",
            "description": (
                "Event-driven order fulfilment. The only public interface is Kafka; every event is a CloudEvent 1.0, "
                "said in binary mode and heard in binary and structured mode."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The Kafka cluster of the installation.",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of a broker"}},
            }
        },
        "channels": {
            **{topic.name: _channel(topic, held[topic.name]) for topic in topics.ALL.values()},
            _DEAD: _dead_letters(),
        },
        "operations": _operations(),
        "components": {
            "messages": {**{fact.TYPE: _message(fact) for fact in _facts()}, _DEAD: _dead_letter()},
            "schemas": {
                "EnvelopeHeaders": _headers(),
                **components(_facts(), "#/components/schemas/{model}"),
            },
        },
    }


def facts_on(topic: topics.Topic) -> list[type[Fact]]:
    """The facts that are said on a topic, by their wire type."""
    return [fact for fact in _facts() if topic == fact.TOPIC]


def _facts() -> list[type[Fact]]:
    return [fact for _, fact in sorted(registry.facts.items())]


def _ref(path: str) -> Json:
    return {"$ref": f"#/{path}"}


def _channel(topic: topics.Topic, held: TopicSettings) -> Json:
    configs = held.configs(BROKERS)
    # Kafka's names; the binding has numbers where the broker takes text, and the policy as a list.
    configuration: Json = {
        "cleanup.policy": [held.cleanup],
        **{name: int(configs[name]) for name in ("retention.ms", "max.message.bytes") if name in configs},
    }
    kind = "The latest fact about each thing stays for ever." if topic.compacted else "Facts in order of their key."
    return {
        "address": topic.name,
        "description": f"{kind} The key is the {topic.key}.",
        "messages": {fact.TYPE: _ref(f"components/messages/{fact.TYPE}") for fact in facts_on(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": held.partitions,
                "replicas": held.replicas(BROKERS),
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations() -> Json:
    operations: Json = {}
    for topic in topics.ALL.values():
        messages = [_ref(f"channels/{topic.name}/messages/{fact.TYPE}") for fact in facts_on(topic)]
        for action, parties in (("send", topic.writers), ("receive", topic.readers)):
            for party in parties:
                operations[f"{party}.{action}.{topic.name}"] = _operation(party, action, topic.name, messages)
    for service in SERVICES:
        operations[f"{service}.send.{_DEAD}"] = _operation(
            service, "send", _DEAD, [_ref(f"channels/{_DEAD}/messages/{_DEAD}")]
        )
    return operations


def _operation(party: str, action: str, channel: str, messages: Sequence[JsonValue]) -> Json:
    verb = "says" if action == "send" else "hears"
    return {
        "action": action,
        "channel": _ref(f"channels/{channel}"),
        "title": f"{_TITLES.get(party, party.capitalize())} {verb} {channel}",
        "tags": [{"name": party}],
        "messages": list(messages),
    }


def _message(fact: type[Fact]) -> Json:
    event = sample(fact)
    name = registry.name_of(fact)
    replaced = registry.newest(fact)
    old: Json = {} if replaced is fact else {"x-replaced-by": replaced.TYPE}
    planned: Json = {"x-planned": True} if fact.PLANNED else {}
    return {
        "name": fact.TYPE,
        "title": f"{name.sayer}: {name.fact.replace('_', ' ')}, version {name.major}",
        "summary": (fact.__doc__ or "").strip(),
        "contentType": JSON,
        "headers": {
            "allOf": [
                _ref("components/schemas/EnvelopeHeaders"),
                {"type": "object", "properties": {"ce_type": {"type": "string", "const": fact.TYPE}}},
            ]
        },
        "payload": _ref(f"components/schemas/{fact.__name__}"),
        "correlationId": {"location": "$message.header#/ce_correlationid", "description": "The order id"},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"The {fact.KEY}"}, "bindingVersion": BINDING}},
        "examples": [{"name": "golden", "headers": _sample_headers(event), "payload": event["data"]}],
        **old,
        **planned,
    }


def _sample_headers(event: Mapping[str, JsonValue]) -> Json:
    attributes: Json = {f"ce_{name}": str(value) for name, value in event.items() if name != "data"}
    attributes.pop("ce_datacontenttype")
    return {"content-type": JSON} | attributes


def _headers() -> Json:
    def text(meaning: str, **more: JsonValue) -> Json:
        return {"type": "string", "description": meaning, **more}

    return {
        "type": "object",
        "description": "CloudEvents 1.0 attributes in binary mode, as Kafka headers of UTF-8 text.",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
        "properties": {
            "content-type": text("Form of the value", const=JSON),
            "ce_specversion": text("Version of CloudEvents", const="1.0"),
            "ce_id": text("Unique per source; a repeat has the same one"),
            "ce_source": text("Who says it, e.g. /packhorse/order"),
            "ce_type": text("packhorse.<who says it>.<fact in past tense>.v<major>"),
            "ce_subject": text("Id of the thing that the fact is about"),
            "ce_time": text("When it was said, RFC 3339", format="date-time"),
            "ce_correlationid": text("The order id, where there is one"),
            "ce_causationid": text("ce_id of the event that caused this one"),
            "ce_sequence": text(
                "Gapless number within key and source, on what our services say. A reader of a compacted topic keeps "
                "the highest for each subject; a reader of facts never drops by it",
                pattern="^[0-9]+$",
            ),
            "ce_partitionkey": text("The Kafka key"),
            "ce_policyversion": text(
                "Version of the policy that it was decided under; absent where none was looked at, or none was set",
                pattern="^[0-9]+$",
            ),
            "traceparent": text("W3C trace context"),
        },
    }


def _dead_letters() -> Json:
    return {
        "address": "{topic}.{service}.dead",
        "description": "What a service gave up on: original key, value and headers, with the reason in headers beside.",
        "parameters": {
            "topic": {"description": "The topic it came from", "enum": list(topics.ALL)},
            "service": {"description": "The service that gave up", "enum": list(SERVICES)},
        },
        "messages": {_DEAD: _ref(f"components/messages/{_DEAD}")},
    }


def _dead_letter() -> Json:
    meanings = {
        "dead-letter-id": "Id to retry or discard it by",
        "dead-letter-code": "Stable name of the fault",
        "dead-letter-reason": "A sentence for people",
        "dead-letter-field": "The header or field at fault",
        "dead-letter-parked": "true where later records of the key wait for it",
        "dead-letter-origin": "topic-partition@offset",
        "dead-letter-traceback": "Where the service's own code failed",
    }
    return {
        "name": _DEAD,
        "title": "A record that was given up",
        "headers": {
            "type": "object",
            "required": ["dead-letter-id", "dead-letter-code", "dead-letter-reason", "dead-letter-origin"],
            "properties": {name: {"type": "string", "description": text} for name, text in meanings.items()},
        },
        "payload": {"description": "The original bytes, whatever they are"},
    }
