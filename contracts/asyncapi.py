"""The AsyncAPI 3.0 document of every topic: `contracts/asyncapi.json`. It is made from `contracts.topics` alone."""

from dataclasses import MISSING, fields
from typing import Any

from contracts.base import Event
from contracts.codec import schema_urn
from contracts.envelope import CONTENT_TYPE, SPECVERSION, Envelope, to_headers
from contracts.schema import file_stem
from contracts.topics import TOPICS, Topic, dead_letter_topic

Json = dict[str, Any]

_KAFKA_BINDING = "0.5.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_ABOUT = (
    "Every record is a CloudEvents 1.0 event in Kafka binary mode: attributes are `ce_*` headers, the value is the data as JSON. "
    "Events are facts and only grow: a reader ignores fields and headers it does not know. Delivery is at least once; "
    "`ce_id` with `ce_source` names an event, and the records of one key stay in order. What a consumer group cannot process goes, "
    f"byte for byte, to `{dead_letter_topic('<topic>', '<group>')}`."
)


def document() -> Json:
    """The whole document. Payloads refer to the files in `schemas/`, relative to it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "LLM Research Engineer Workbench",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
        "components": {
            "messages": {file_stem(event): _message(event) for topic in TOPICS for event in topic.events},
            "schemas": {"envelope": _envelope()},
        },
    }


def _channel(topic: Topic) -> Json:
    anyone = ", and so may anyone else" if topic.open_to_all else ""
    return {
        "address": topic.name,
        "description": f"Keyed by `{topic.key}`. `{topic.owner}` writes it{anyone}.",
        "messages": {file_stem(event): {"$ref": f"#/components/messages/{file_stem(event)}"} for event in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"retention.ms": int(topic.retention.total_seconds() * 1000)},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operations(topic: Topic) -> Json:
    sends = {f"{topic.owner}.sends.{topic.name}": _operation(topic, "send")}
    receives = {f"{reader}.receives.{topic.name}": _operation(topic, "receive") | _group(reader) for reader in topic.readers}
    return sends | receives


def _operation(topic: Topic, action: str) -> Json:
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{file_stem(event)}"} for event in topic.events]
    return {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}, "messages": messages}


def _group(reader: str) -> Json:
    return {"bindings": {"kafka": {"groupId": {"type": "string", "const": reader}, "bindingVersion": _KAFKA_BINDING}}}


def _message(event: type[Event]) -> Json:
    return {
        "name": event.TYPE,
        "title": event.TYPE,
        "summary": (event.__doc__ or "").split("\n", 1)[0],
        "contentType": CONTENT_TYPE,
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/envelope"},
                {"properties": {"ce_type": {"const": event.TYPE}, "ce_dataschema": {"const": schema_urn(event)}}},
            ]
        },
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./schemas/{file_stem(event)}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"`{event.KEY}`"}, "bindingVersion": _KAFKA_BINDING}},
    }


def _envelope() -> Json:
    names = _header_names()
    required = ["ce_specversion", *(names[field.name] for field in fields(Envelope) if field.default is MISSING)]
    properties = {name: {"type": "string"} for name in names.values()}
    return {
        "type": "object",
        "required": required,
        "properties": {
            "ce_specversion": {"type": "string", "const": SPECVERSION},
            "content-type": {"type": "string", "const": CONTENT_TYPE},
            **properties,
            "ce_time": {"type": "string", "format": "date-time"},
        },
    }


def _header_names() -> dict[str, str]:
    """Asks the codec itself: an envelope whose every attribute holds its own name gives the header of each."""
    own_names: Json = {field.name: field.name for field in fields(Envelope)}
    return {value.decode(): header for header, value in to_headers(Envelope(**own_names)) if value.decode() in own_names}
