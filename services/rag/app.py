"""The one place where rag's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import redis.asyncio as redis
from fastapi import FastAPI

from kit.adapters.blobs import ObjectBlobs
from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.open_embedding import open_embedding
from kit.adapters.open_vectors import open_vectors
from kit.floor import Floor, given_or_opened, open_floor, running
from kit.gateway.caps import DefaultCaps
from kit.health import BUILD_VERSION, Health
from kit.ports.embedding import EmbeddingModel
from kit.ports.vectors import VectorStore
from kit.reconcile import Reconcile
from services.rag.answer import Answerer
from services.rag.api import documents, generate, keys, problems, queries, registry, usage
from services.rag.api.health import health_router
from services.rag.api.middleware import MULTIPART_FRAME_BYTES, BodyLimit, Observed
from services.rag.api.parts import Parts
from services.rag.api.schemas import Problem
from services.rag.authenticate import Authenticator
from services.rag.cache import CachedEmbedding
from services.rag.catalogue import make_catalogue
from services.rag.cite import Citer
from services.rag.keys import Keys
from services.rag.models import open_models
from services.rag.retrieve import Retriever
from services.rag.settings import Settings
from services.rag.store import Store
from services.rag.upload import Uploads
from services.rag.usage import Budgets, StoredCaps, Usage

_PROBLEM = {
    "description": "what is wrong and what to do",
    "content": {problems.MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
}


@dataclass(frozen=True, slots=True)
class Shared:
    """Parts that several services of one process share; what is None the service opens itself."""

    embedder: EmbeddingModel | None = None
    vectors: VectorStore | None = None


def build(settings: Settings, embedder: EmbeddingModel | None = None, vectors: VectorStore | None = None) -> FastAPI:
    """The service as an app; `embedder` and `vectors` are given where several services of one process share them."""
    health, shared = Health("rag"), Shared(embedder, vectors)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Parts]]:
        async with open_floor(settings, health) as floor, _open(settings, shared, floor) as parts:
            reconcile = Reconcile(parts.store.requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets)
            async with running([reconcile.run, parts.catalogue.changes.hear]):
                yield {"parts": parts}

    app = FastAPI(title="LLM Research Engineer Workbench", version=BUILD_VERSION, lifespan=lifespan)
    problems.add_problem_handlers(app)
    for router in (
        documents.router,
        queries.router,
        generate.router,
        registry.prompts,
        registry.variants,
        keys.router,
        usage.router,
        health_router(health),
    ):
        app.include_router(router, responses={"4XX": _PROBLEM, "5XX": _PROBLEM})
    app.add_middleware(BodyLimit, limit=settings.max_document_bytes + MULTIPART_FRAME_BYTES)
    app.add_middleware(Observed)
    return app


@asynccontextmanager
async def _open(settings: Settings, shared: Shared, floor: Floor) -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        model = await given_or_opened(stack, shared.embedder, open_embedding(settings.embedding))
        vectors = await given_or_opened(stack, shared.vectors, open_vectors(settings.vectors))
        cache = await stack.enter_async_context(redis.from_url(settings.redis.url.get_secret_value()))
        floor.health.watch("vectors", vectors.count)
        store, cached = Store(floor.effects), CachedEmbedding(model, cache)
        caps = StoredCaps(floor.pool, DefaultCaps(settings.budgets), floor.clock)
        llm = await stack.enter_async_context(open_models(settings, floor, cached, cache, caps))
        floor.health.watch("redis", cached.ping)
        retriever = Retriever(cached, Bm25Encoder(), vectors, store)
        api_keys = Keys(floor.pool, floor.clock, floor.ids)
        admin_key = settings.admin_key.get_secret_value() if settings.admin_key else None
        yield Parts(
            answerer=Answerer(retriever, llm, Citer(store), floor.clock, floor.ids),
            retriever=retriever,
            uploads=Uploads(store, ObjectBlobs(settings.blobs.url, settings.blobs.endpoint), floor.ids),
            keys=api_keys,
            authenticator=Authenticator(api_keys, settings.key_required, admin_key),
            store=store,
            embedder=cached,
            llm=llm,
            budgets=Budgets(floor.pool, floor.clock),
            usage=Usage(floor.pool),
            catalogue=make_catalogue(floor.pool, cache, floor.clock, settings.promotion),
            clock=floor.clock,
            max_document_bytes=settings.max_document_bytes,
            heartbeat_s=settings.heartbeat_s,
        )
