"""Questions: search, answer, embed."""

import asyncio

from fastapi import APIRouter

from contracts.queries import QueryAnsweredV1, RetrievedChunk, Usage
from kit.ports.vectors import Filter, Hit
from kit.tracing import current_trace_id
from services.rag.answer import Answer
from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.api.schemas import (
    EmbedRequest,
    EmbedResponse,
    EmbedUsage,
    QueryRequest,
    QueryResponse,
    SearchFilter,
    SearchHit,
    SearchRequest,
    SearchResponse,
    TitledCitation,
)
from services.rag.retrieve import Question
from services.rag.stopwatch import Stopwatch

router = APIRouter(tags=["questions"])


@router.post("/search", dependencies=[needs(Scope.QUERY)])
async def search(rag: Rag, who: Who, body: SearchRequest) -> SearchResponse:
    """Finds the chunks nearest to a query."""
    variant = await rag.catalogue.variants.resolve(who.tenant_id, body.variant, body.subject or body.query)
    question, watch = Question(body.query, who.tenant_id, variant, body.top_k, _filter(body.filter)), Stopwatch(rag.clock)
    hits = await rag.retriever.retrieve(question, watch)
    timings = watch.timings_ms("embed", "retrieve")
    return SearchResponse(hits=[_hit(hit) for hit in hits], timings_ms=timings, variant=variant.identity)


@router.post("/rag/query", dependencies=[needs(Scope.QUERY)])
async def query(rag: Rag, who: Who, body: QueryRequest) -> QueryResponse:
    """Answers a question with verified citations, or abstains."""
    variant = await rag.catalogue.variants.resolve(who.tenant_id, body.variant, body.subject or body.question)
    top_k = body.top_k or variant.definition.top_k
    question = Question(body.question, who.tenant_id, variant, top_k, _filter(body.filter), who.key_id)
    answer = await rag.answerer.answer(question)
    async with rag.store.effects.caused_by(None, who.tenant_id) as effect:
        await effect.publish(_answered(answer))
    return _response(answer)


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


def _hit(hit: Hit) -> SearchHit:
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
        citations=[TitledCitation(**citation.model_dump(), title=titles[citation.chunk_id]) for citation in answer.citations],
        contexts=[_hit(hit) for hit in answer.passages],
        provider=answer.completion.provider,
        model=answer.completion.model,
        prompt=answer.prompt,
        variant=answer.question.variant.identity,
        usage=_usage(answer),
        timings_ms=answer.timings_ms,
        cached=False,
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
