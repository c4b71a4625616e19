"""The one place where rag's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import redis.asyncio as redis
from fastapi import FastAPI

from kit.adapters.blobs import ObjectBlobs
from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.open_collections import open_collections
from kit.adapters.open_embeddings import Embeddings, open_embeddings
from kit.adapters.open_rerank import open_rerankers
from kit.adapters.tokens import TokenCounter
from kit.floor import Floor, given_or_opened, open_floor, running
from kit.gateway.caps import DefaultCaps
from kit.health import BUILD_VERSION, Health
from kit.lag import watch_lag
from kit.ports.collections import Collections
from kit.reconcile import Reconcile
from kit.tell import Teller
from services.rag.answer import Answerer
from services.rag.api import datasets, documents, evals, generate, generations, keys, problems, queries, registry, texts, usage
from services.rag.api.health import health_router
from services.rag.api.middleware import MULTIPART_FRAME_BYTES, TELEMETRY, BodyLimit, Observed
from services.rag.api.parts import Parts
from services.rag.api.schemas import Problem
from services.rag.authenticate import Authenticator
from services.rag.cache import CachedEmbedding
from services.rag.catalogue import make_catalogue
from services.rag.cite import Citer
from services.rag.datasets import Datasets
from services.rag.eval_store import EvalStore
from services.rag.evals import Evals
from services.rag.generations import Generations
from services.rag.indexes import LiveIndexes
from services.rag.keys import Keys
from services.rag.memo import Memo
from services.rag.models import open_models
from services.rag.remembered import Recall, RememberedAnswers, RememberedSearch
from services.rag.rerank import Reranking
from services.rag.retrieve import Retriever
from services.rag.rewrite import Rewriter
from services.rag.settings import Settings
from services.rag.store import Store
from services.rag.streaming import Streaming
from services.rag.upload import Uploads
from services.rag.usage import Budgets, StoredCaps, Usage
from services.rag.write import Writer

_TITLE = "LLM Research Engineer Workbench"
_PROBLEM = {
    "description": "what is wrong and what to do",
    "content": {problems.MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
}


@dataclass(frozen=True, slots=True)
class Shared:
    """Parts that several services of one process share; what is None the service opens itself."""

    models: Embeddings | None = None
    collections: Collections | None = None


def build(settings: Settings, models: Embeddings | None = None, collections: Collections | None = None) -> FastAPI:
    """The service as an app; `models` and `collections` are given where several services of one process share them."""
    health, shared = Health("rag"), Shared(models, collections)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Parts]]:
        async with open_floor(settings, health) as floor, _open(settings, shared, floor) as parts:
            reconcile = Reconcile(parts.store.requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets)
            unheard = Reconcile(parts.evals.store.requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets)
            async with running([reconcile.run, unheard.run, parts.catalogue.changes.hear, partial(watch_lag, floor.clock)]):
                yield {"parts": parts}

    app = FastAPI(title=_TITLE, version=BUILD_VERSION, lifespan=lifespan, telemetry=TELEMETRY)
    problems.add_problem_handlers(app)
    for router in (
        documents.router,
        texts.router,
        queries.router,
        generate.router,
        registry.prompts,
        registry.variants,
        keys.router,
        generations.router,
        datasets.router,
        evals.router,
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
        models = await given_or_opened(stack, shared.models, open_embeddings(settings.embedding))
        collections = await given_or_opened(stack, shared.collections, open_collections(settings.vectors))
        cache = await stack.enter_async_context(redis.from_url(settings.redis.url.get_secret_value(), socket_connect_timeout=2))
        wrap = partial(CachedEmbedding, redis=cache)
        indexes = LiveIndexes(floor.pool, floor.clock, models, collections, settings.vectors.collection, wrap)
        floor.health.watch("vectors", indexes.ping)
        store, cached = Store(floor.effects), wrap(await models.get())
        caps = StoredCaps(floor.pool, DefaultCaps(settings.budgets), floor.clock)
        llm = await stack.enter_async_context(open_models(settings, floor, cached, cache, caps))
        floor.health.watch("redis", cached.ping, spared=True)
        rerankers = await stack.enter_async_context(open_rerankers(settings.rerank, await models.get(), llm))
        retriever = Retriever(indexes, Bm25Encoder(), store, Rewriter(llm), Reranking(rerankers))
        answerer = Answerer(retriever, Writer(llm), Citer(store), TokenCounter().text, floor.clock, floor.ids)
        recall = Recall(Memo(cache, settings.cache.ttl_s, settings.cache.largest_bytes), store, indexes.epoch)
        answers = RememberedAnswers(answerer, recall, floor.ids)
        api_keys = Keys(floor.pool, floor.clock, floor.ids)
        blobs = ObjectBlobs(settings.blobs.url, settings.blobs.endpoint)
        catalogue = make_catalogue(floor.pool, cache, floor.clock, settings.promotion)
        yield Parts(
            search=RememberedSearch(retriever, recall),
            answers=answers,
            streaming=Streaming(answerer, answers, floor.clock),
            uploads=Uploads(store, blobs, floor.ids),
            datasets=Datasets(floor.pool, blobs),
            keys=api_keys,
            authenticator=_authenticator(settings, api_keys),
            store=store,
            teller=Teller(floor.effects),
            embedder=cached,
            llm=llm,
            budgets=Budgets(floor.pool, floor.clock),
            usage=Usage(floor.pool),
            generations=Generations(floor.effects, models),
            evals=Evals(EvalStore(store), catalogue.variants, blobs, floor.ids, floor.clock),
            catalogue=catalogue,
            clock=floor.clock,
            max_document_bytes=settings.max_document_bytes,
            heartbeat_s=settings.heartbeat_s,
        )


def _authenticator(settings: Settings, api_keys: Keys) -> Authenticator:
    return Authenticator(api_keys, settings.key_required, settings.admin_key.get_secret_value() if settings.admin_key else None)
