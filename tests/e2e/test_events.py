"""Whoever speaks Kafka needs no code of ours; what cannot be used is kept, and what comes around it is processed."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.e2e.conftest import Workbench

UPLOADED = "workbench.docs.uploaded.v1"


def headers(event_type: str = UPLOADED, **changes: bytes | None) -> list[tuple[str, bytes | None]]:
    """CloudEvents 1.0 binary mode, as any client can write it."""
    usual = {
        "ce_specversion": b"1.0",
        "ce_id": uuid4().hex.encode(),
        "ce_source": b"tests/plain-client",
        "ce_type": event_type.encode(),
        "content-type": b"application/json",
    }
    return [*{**usual, **changes}.items()]


def stored_upload(workbench: Workbench, text: str, **changes: Any) -> dict[str, Any]:
    """Puts a text below the blob store and gives the data of its event."""
    data = text.encode()
    path = Path(urlsplit(workbench.addresses["blobs"]).path) / f"client-{uuid4().hex}.txt"
    path.write_bytes(data)
    blob = {"uri": f"{workbench.addresses['blobs']}/{path.name}", "sha256": sha256(data).hexdigest(), "bytes": len(data)}
    document = {"document_id": f"evt-{uuid4().hex}", "document_version": 1, "title": "From Kafka", "media_type": "text/plain"}
    return {**document, "blob": blob, **changes}


async def publish(workbench: Workbench, upload: dict[str, Any]) -> tuple[int, int]:
    """Publishes the event of an upload."""
    return await workbench.send("docs.uploaded", upload["document_id"], json.dumps(upload).encode(), headers())


async def test_a_plain_kafka_client_makes_a_document_searchable(workbench: Workbench) -> None:
    """It publishes docs.uploaded; HTTP tells its status like any other's."""
    upload = stored_upload(workbench, f"{uuid4().hex} The lighthouse keeper is called Marit.")

    await publish(workbench, upload)

    document = await workbench.settled(upload["document_id"])
    assert (document["status"], document["title"]) == ("indexed", "From Kafka")
    assert (await workbench.search("What is the lighthouse keeper called?"))[0]["document_id"] == upload["document_id"]


async def test_an_event_delivered_twice_has_one_effect(workbench: Workbench) -> None:
    """The same record, published again by a producer that was not sure."""
    upload, same = stored_upload(workbench, f"{uuid4().hex} Twice."), headers()
    for _ in range(2):
        await workbench.send("docs.uploaded", upload["document_id"], json.dumps(upload).encode(), same)

    later = {**stored_upload(workbench, f"{uuid4().hex} Later."), "document_id": upload["document_id"], "document_version": 2}
    await publish(workbench, later)

    await workbench.settled(upload["document_id"], 2)

    batches = await workbench.records("chunks.embedded", lambda record: record.key == upload["document_id"].encode(), count=2)
    assert [json.loads(batch.value)["document_version"] for batch in batches] == [1, 2]


@pytest.mark.parametrize(
    ("value", "changes", "code"),
    [
        (b"this is not JSON", {}, b"data_invalid"),
        (b"\xff\xfe\x00", {}, b"data_invalid"),
        (b'{"document_id": "x"}', {}, b"data_invalid"),
        (None, {}, b"tombstone"),
        (b"x" * 1_010_000, {}, b"data_invalid"),
        (b"{}", {"ce_id": None}, b"header_invalid"),
        (b"{}", {"ce_source": b"\xff\xfe"}, b"header_invalid"),
        (b"{}", {"ce_type": b"workbench.docs.uploaded.v99"}, b"type_unknown"),
        (b"{}", {"ce_type": b"workbench.eval.requested.v1"}, b"data_invalid"),
        (json.dumps({"document_id": "d", "document_version": 1}).encode(), {"ce_type": b"workbench.docs.indexed.v1"}, b"data_invalid"),
    ],
)
async def test_a_poison_record_is_dead_lettered_byte_for_byte(
    workbench: Workbench, value: bytes | None, changes: dict[str, bytes | None], code: bytes
) -> None:
    """And the good records before and after it, with the same key, are processed."""
    before = stored_upload(workbench, f"{uuid4().hex} before")
    after = {**stored_upload(workbench, f"{uuid4().hex} after"), "document_id": before["document_id"], "document_version": 2}
    sent = headers(**changes)
    await publish(workbench, before)
    partition, offset = await workbench.send("docs.uploaded", before["document_id"], value, sent)
    await publish(workbench, after)

    dead = await workbench.dead_letter("docs.uploaded.ingest.dlq", partition, offset)

    assert (dead.key, dead.value) == (before["document_id"].encode(), value)
    assert list(dead.headers[: len(sent)]) == sent
    assert dict(dead.headers)["x-error-code"] == code
    assert (await workbench.settled(before["document_id"], 2))["status"] == "indexed"


@pytest.mark.parametrize(
    ("blob", "code"),
    [
        ({"sha256": "0" * 64}, "blob_hash_mismatch"),
        ({"uri": "file:///etc/hostname"}, "blob_outside_store"),
        ({"uri": "{blobs}/no-such-blob"}, "blob_missing"),
        ({"uri": "{blobs}/../secrets.txt"}, "blob_outside_store"),
    ],
)
async def test_a_blob_that_is_not_what_the_event_says_fails_the_document(workbench: Workbench, blob: dict[str, str], code: str) -> None:
    """The document says why, and the event is in the dead letter topic."""
    upload = stored_upload(workbench, f"{uuid4().hex} original")
    upload["blob"] |= {name: value.replace("{blobs}", workbench.addresses["blobs"]) for name, value in blob.items()}

    partition, offset = await publish(workbench, upload)

    dead = await workbench.dead_letter("docs.uploaded.ingest.dlq", partition, offset)
    document = await workbench.settled(upload["document_id"])
    assert (document["status"], document["error"]["code"]) == ("failed", code)
    assert json.loads(dead.value) == upload


async def test_an_evaluation_request_is_stored(workbench: Workbench) -> None:
    """By the evaluator, once."""
    request = {"eval_id": str(uuid4()), "dataset": "handbook", "candidate": "b", "baseline": "a"}

    await workbench.send("eval.requested", request["eval_id"], json.dumps(request).encode(), headers("workbench.eval.requested.v1"))

    assert await workbench.eventually("SELECT dataset FROM evaluator.evals WHERE eval_id::text = $1", request["eval_id"]) == ["handbook"]


async def test_feedback_on_an_answer_is_stored_with_it(workbench: Workbench) -> None:
    """The answer came by queries.answered, the rating by a plain client; a rating nobody knows yet is kept as it came."""
    answer = await workbench.ask("What is the refund limit?")
    rating = {"feedback_id": str(uuid4()), "answer_id": answer["answer_id"], "rating": "sideways", "labels": ["slow"]}

    await workbench.send("feedback.received", answer["answer_id"], json.dumps(rating).encode(), headers("workbench.feedback.received.v1"))

    assert await workbench.eventually("SELECT rating FROM feedback.ratings WHERE answer_id::text = $1", answer["answer_id"]) == ["sideways"]
    assert await workbench.eventually("SELECT answer FROM feedback.answers WHERE answer_id::text = $1", answer["answer_id"]) == [
        answer["answer"]
    ]
