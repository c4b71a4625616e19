"""Questions: search, answer, embed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request

from contracts.queries import Citation, QueryAnsweredV1, RetrievedChunk, Usage
from kit.errors import WorkbenchError
from kit.ports.vectors import Filter, Hit
from kit.tracing import current_trace_id
from services.rag.answered import Answer
from services.rag.api import problems
from services.rag.api.parts import Parts, Rag
from services.rag.api.principal import OnRun, Scope, Who, needs
from services.rag.api.schemas import (
    EmbedRequest,
    EmbedResponse,
    EmbedUsage,
    QueryRequest,
    QueryResponse,
    Rank,
    SearchFilter,
    SearchHit,
    SearchRequest,
    SearchResponse,
    TitledCitation,
)
from services.rag.api.streams import HEARTBEAT, EventStream, event, unless_gone, with_silences
from services.rag.proven import Delta
from services.rag.retrieve import Question
from services.rag.streaming import Piece

router = APIRouter(tags=["questions"])

_STREAMED = {
    "description": "the answer; with `stream` as events answer.started, answer.delta, answer.citation, answer.completed, error",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.post("/search", dependencies=[needs(Scope.QUERY)])
async def search(rag: Rag, who: Who, request: Request, body: SearchRequest, run: OnRun = None) -> SearchResponse:
    """Finds the chunks nearest to a query. `Cache-Control: no-store` asks for nothing remembered."""
    variant = await rag.catalogue.variants.resolve(who.tenant_id, body.variant, body.subject or body.query)
    question = Question(body.query, who.tenant_id, variant, body.top_k, _filter(body.filter), who.key_id, _may_be_cached(request), run)
    watch = question.stopwatch(rag.clock)
    hits = await rag.search.retrieve(question, watch)
    return SearchResponse(
        hits=[_hit(hit, body.explain) for hit in hits],
        timings_ms=watch.timings_ms("embed", "retrieve", "rerank"),
        variant=variant.identity,
        degraded=watch.degraded,
    )


@router.post("/rag/query", dependencies=[needs(Scope.QUERY)], response_model=QueryResponse, responses={200: _STREAMED})
async def query(rag: Rag, who: Who, request: Request, body: QueryRequest, run: OnRun = None) -> Any:
    """Answers a question with verified citations, or abstains. `Cache-Control: no-store` asks for nothing remembered."""
    variant = await rag.catalogue.variants.resolve(who.tenant_id, body.variant, body.subject or body.question)
    top_k = body.top_k or variant.definition.top_k
    question = Question(body.question, who.tenant_id, variant, top_k, _filter(body.filter), who.key_id, _may_be_cached(request), run)
    if body.stream:
        events = answer_events(rag, request, with_silences(rag.streaming.stream(question), rag.heartbeat_s))
        return EventStream(await unless_gone(request, anext(events)), events)
    answer = await rag.answers.answer(question)
    await _tell(rag, answer)
    return _response(answer)


async def answer_events(rag: Parts, request: Request, pieces: AsyncGenerator[Piece | None, None]) -> AsyncGenerator[bytes, None]:
    """Raises what is wrong before the first piece, so that it has a status of its own."""
    async with aclosing(pieces):
        piece = await anext(pieces)
        yield event("answer.started", {"request_id": request.state.request_id, "trace_id": current_trace_id()})
        try:
            while True:
                if isinstance(piece, Answer):
                    await _tell(rag, piece)
                if (told := _event(piece)) is not None:
                    yield told
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except (WorkbenchError, *problems.DATABASE_ERRORS) as error:
            yield event("error", problems.told_of(request, error))


def _event(piece: Piece | None) -> bytes | None:
    match piece:
        case None:
            return HEARTBEAT
        case Delta():
            return event("answer.delta", {"text": piece.text})
        case Citation():
            return event("answer.citation", piece)
        case Answer():
            return event("answer.completed", _response(piece))
    return None


async def _tell(rag: Parts, answer: Answer) -> None:
    await rag.teller.tell(_answered(answer), answer.question.tenant_id)


def _may_be_cached(request: Request) -> bool:
    return "no-store" not in request.headers.get("cache-control", "")


@router.post("/embed", dependencies=[needs(Scope.QUERY)])
async def embed(rag: Rag, body: EmbedRequest) -> EmbedResponse:
    """Gives the vectors of texts."""
    model = rag.embedder
    vectors = await model.embed(body.texts)
    tokens = await asyncio.to_thread(lambda: sum(model.count_tokens(text) for text in body.texts))
    usage = EmbedUsage(input_tokens=tokens)
    return EmbedResponse(embeddings=vectors.tolist(), model=model.name, dimensions=model.dimensions, usage=usage)


def _filter(filter: SearchFilter) -> Filter:
    return Filter(filter.document_ids, filter.media_types, filter.metadata)


def _hit(hit: Hit, explain: bool = False) -> SearchHit:
    chunk = hit.chunk
    return SearchHit(
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        version=chunk.document_version,
        score=hit.score,
        text=chunk.text,
        title=chunk.title,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading=chunk.heading,
        places={name: Rank(rank=place.rank, score=place.score) for name, place in hit.places.items()} if explain else None,
    )


def _usage(answer: Answer) -> Usage:
    usage = answer.completion.usage
    return Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd)


def _response(answer: Answer) -> QueryResponse:
    titles = {hit.chunk.chunk_id: hit.chunk.title for hit in answer.passages}
    return QueryResponse(
        answer_id=answer.answer_id,
        answer=answer.text,
        abstained=answer.abstained,
        confidence=answer.completion.confidence,
        citations=[TitledCitation(**citation.model_dump(), title=titles[citation.chunk_id]) for citation in answer.citations],
        contexts=[_hit(hit) for hit in answer.passages],
        provider=answer.completion.provider,
        model=answer.completion.model,
        prompt=answer.prompt,
        variant=answer.question.variant.identity,
        usage=_usage(answer),
        timings_ms=answer.timings_ms,
        degraded=list(answer.degraded),
        cached=answer.cached,
        trace_id=current_trace_id(),
    )


def _answered(answer: Answer) -> QueryAnsweredV1:
    return QueryAnsweredV1(
        answer_id=answer.answer_id,
        question=answer.question.text,
        answer=answer.text,
        abstained=answer.abstained,
        variant=answer.question.variant.identity,
        prompt=answer.prompt,
        provider=answer.completion.provider,
        model=answer.completion.model,
        retrieved=tuple(
            RetrievedChunk(
                chunk_id=hit.chunk.chunk_id,
                document_id=hit.chunk.document_id,
                document_version=hit.chunk.document_version,
                score=hit.score,
            )
            for hit in answer.passages
        ),
        citations=answer.citations,
        usage=_usage(answer),
        timings_ms=answer.timings_ms,
    )
