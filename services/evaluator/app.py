"""The one place where evaluator's parts are chosen and put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx2
from faststream.asgi import AsgiFastStream
from opentelemetry import trace

from contracts.evals import EvalRequestedV1, EvalShardPlannedV1
from contracts.topics import EVAL_SHARDS
from kit.adapters.blobs import ObjectBlobs
from kit.floor import Floor
from kit.reconcile import Reconcile
from kit.worker import Wiring, make_worker
from services.evaluator.case_store import CaseStore
from services.evaluator.dataset import Datasets
from services.evaluator.embed_together import EmbedTogether
from services.evaluator.finish import Finish
from services.evaluator.gate import load_gates
from services.evaluator.gates import Gates
from services.evaluator.handlers import handlers
from services.evaluator.http_rag import HttpRag
from services.evaluator.judge import Judge
from services.evaluator.judge_rag import RagJudge
from services.evaluator.plan import Plan
from services.evaluator.rag import Rag
from services.evaluator.rank import Rank
from services.evaluator.run import Pace, Run
from services.evaluator.scorers import make_scorers
from services.evaluator.scorers.scorer import Scorer
from services.evaluator.scorers.tools import Tools
from services.evaluator.settings import RagSettings, Settings
from services.evaluator.store import Store
from services.evaluator.traced import Traced


def build(settings: Settings) -> AsgiFastStream:
    """The service as an app."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        async with _client(settings.rag) as http:
            rag = HttpRag(http, floor.clock)
            floor.health.watch("rag", rag.ping, spared=True)
            yield _wiring(settings, floor, rag)

    return make_worker("evaluator", settings, wire)


def _wiring(settings: Settings, floor: Floor, rag: Rag) -> Wiring:
    store, cases = Store(floor.effects), CaseStore(floor.pool)
    gates = Gates(load_gates(settings.gates_folder) if settings.gates_folder else {})
    finish = Finish(store, cases, gates, Rank(store, cases), settings.receipts.signer, floor.clock)
    blobs = ObjectBlobs(settings.blobs.url, settings.blobs.endpoint)
    plan = Plan(store, cases, Datasets(cases, blobs), blobs, rag, gates, finish, settings.shard_cases)
    pace = Pace(settings.rag.concurrency, settings.shard_s)
    run = Run(store, cases, rag, lambda rag: _scorers(rag, settings), finish, pace, floor.clock)
    return Wiring(
        handlers(plan, run),
        jobs=[Reconcile(store.requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets).run],
        given_up={EvalRequestedV1: plan.give_up, EvalShardPlannedV1: run.give_up},
        apart=frozenset({EVAL_SHARDS}),
    )


def _scorers(rag: Rag, settings: Settings) -> Sequence[Scorer]:
    """Those of one run: what a judge costs is on its account. Their scores are in traces if these go anywhere."""
    judge = settings.judge
    scorers = make_scorers(Tools(EmbedTogether(rag), Judge(RagJudge(rag, judge.provider, judge.model)) if judge.model else None))
    return [Traced(scorers, trace.get_tracer(__name__))] if settings.otlp_endpoint else scorers


def _client(rag: RagSettings) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {rag.api_key.get_secret_value()}"} if rag.api_key else {}
    limits = httpx2.Limits(max_connections=2 * rag.concurrency, max_keepalive_connections=2 * rag.concurrency)
    return httpx2.AsyncClient(base_url=rag.url, headers=headers, timeout=rag.timeout_s, limits=limits)
