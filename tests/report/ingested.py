"""A data set goes through the product: over HTTP in, and its chunks as the topic tells them."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from contracts.topics import CHUNKS_EMBEDDED
from services.evaluator.metrics.spans import Span
from tests.bench.report import MeasurementFailed
from tests.bench.stack import UPLOADS_AT_ONCE, Stack
from tests.report.sets import DataSet, Text

_TOGETHER = 40  # documents; the bench gives a wave of them four minutes
_TOLD_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it was indexed."""

    span: Span
    text: str


async def ingest(stack: Stack, texts: Sequence[Text]) -> list[Chunk]:
    """Uploads all, waits until they can be found, and gives their chunks. Raises MeasurementFailed and TimeoutError."""
    async with stack.outcomes() as outcomes:
        for first in range(0, len(texts), _TOGETHER):
            await outcomes.indexed(await _upload_all(stack.http, texts[first : first + _TOGETHER]))
    return await _chunks(stack, {text.document_id for text in texts})


async def _upload_all(http: httpx.AsyncClient, texts: Sequence[Text]) -> set[str]:
    waiting, ids = iter(texts), set()

    async def client() -> None:
        for text in waiting:
            ids.add(await _upload(http, text))

    await asyncio.gather(*(client() for _ in range(UPLOADS_AT_ONCE)))
    return ids


async def _upload(http: httpx.AsyncClient, text: Text) -> str:
    body = {"document_id": text.document_id, "title": text.title, "text": text.text, "media_type": text.media_type}
    response = await http.post("/ingest", json=body)
    if response.status_code != httpx.codes.ACCEPTED:
        raise MeasurementFailed(f"/ingest of {text.document_id} answered {response.status_code}: {response.text[:300]}")
    return text.document_id


async def _chunks(stack: Stack, documents: set[str]) -> list[Chunk]:
    consumer = AIOKafkaConsumer(CHUNKS_EMBEDDED.name, bootstrap_servers=stack.addresses["kafka"], auto_offset_reset="earliest")
    await consumer.start()
    chunks: dict[str, Chunk] = {}
    missing = dict.fromkeys(documents, 1)
    try:
        async with asyncio.timeout(_TOLD_WITHIN_S):
            while any(missing.values()):
                told: dict[str, Any] = json.loads((await consumer.getone()).value)
                chunks |= {each["chunk_id"]: _chunk(told["document_id"], each) for each in told["chunks"]}
                held = sum(chunk.span.document_id == told["document_id"] for chunk in chunks.values())
                missing[told["document_id"]] = told["chunk_count"] - held
    finally:
        await consumer.stop()
    return list(chunks.values())


def _chunk(document_id: str, told: dict[str, Any]) -> Chunk:
    return Chunk(Span(document_id, told["start"], told["end"]), told["text"])


def check_places(data: DataSet, chunks: Sequence[Chunk]) -> None:
    """Raises MeasurementFailed if gold places are counted in the set's own texts and chunks do not stand where they say in those."""
    texts = {text.document_id: text.text for text in data.texts}
    moved = [chunk.span for chunk in chunks if texts[chunk.span.document_id][chunk.span.start : chunk.span.end] != chunk.text]
    if data.by_span and moved:
        raise MeasurementFailed(f"{data.name}: {len(moved)} chunks are not where they say, the first at {moved[0]}")
