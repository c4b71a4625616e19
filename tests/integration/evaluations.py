"""An evaluator over a database, without a broker: what it tells is handed back to it here, in order, as far as a test wants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from contracts.base import Event
from contracts.codec import Received, decode
from contracts.evals import EvalCancelledV1, EvalCompletedV1, EvalRequestedV1
from kit.clock import Clock, SystemClock
from kit.datasets.case import Case
from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import written
from kit.effects import Effects
from kit.errors import Rejected
from kit.fakes.blobs import InMemoryBlobs
from kit.inbox import AlreadyHandled
from services.evaluator.answered import Answered
from services.evaluator.case_store import CaseStore
from services.evaluator.dataset import Datasets
from services.evaluator.finish import Finish
from services.evaluator.gate import Gate
from services.evaluator.gates import Gates
from services.evaluator.handlers import handlers
from services.evaluator.plan import Plan
from services.evaluator.rag import Rag
from services.evaluator.rank import Rank
from services.evaluator.receipts import Signer
from services.evaluator.run import Pace, Run
from services.evaluator.scorers.scorer import Judgement, Score
from services.evaluator.store import Store
from tests.events import received
from tests.integration.conftest import OpenEffects
from tests.unit.evaluator.rags import ScriptedRag

TENANT = "default"
ROUNDS = 500


class Correct:
    """An answer that holds an accepted one is correct."""

    names = ("correct",)

    async def judge(self, case: Case, answer: Answered) -> dict[str, Judgement]:
        """1 or 0."""
        return {"correct": Score(float(any(accepted in answer.text for accepted in case.answers)))}


@dataclass
class Evaluator:
    """A user sees `prepare`, `request`, `cancel` and the views; `step` and `settle` hand on what was told."""

    effects: Effects
    rag: ScriptedRag
    blobs: InMemoryBlobs
    store: Store
    handlers: Mapping[type[Event], Callable[[Received[Any]], Any]]
    admin: Effects
    waiting: list[Received[Any]] = field(default_factory=list)
    completed: list[EvalCompletedV1] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def prepare(self, name: str, cases: Sequence[Case]) -> str:
        """Uploads a dataset as rag keeps it; gives its fingerprint."""
        data = b"".join(written(case) for case in cases)
        blob = await self.blobs.put(data)
        await self.admin.pool.execute(
            "INSERT INTO datasets (tenant_id, name, fingerprint, cases, unanswerable, blob) VALUES ($1, $2, $3, $4, 0, $5) "
            "ON CONFLICT DO NOTHING",
            *(TENANT, name, fingerprint(cases), len(cases)),
            {"uri": blob.uri, "sha256": sha256(data).hexdigest(), "bytes": len(data)},
        )
        return fingerprint(cases)

    async def request(self, **fields: Any) -> UUID:
        """Hands a request in; gives the evaluation's id."""
        event = EvalRequestedV1(**{"eval_id": uuid4(), "candidate": "b", **fields})
        await self.hand(received(event))
        return event.eval_id

    async def evaluated(self, **fields: Any) -> dict[str, Any]:
        """Requests an evaluation and settles it; gives how it ended."""
        eval_id = await self.request(**fields)
        await self.settle()
        return await self.seen(eval_id)

    async def cancel(self, eval_id: UUID) -> None:
        """Hands a cancellation in."""
        await self.hand(received(EvalCancelledV1(eval_id=eval_id, reason="not needed")))

    async def hand(self, event: Received[Any]) -> None:
        """As delivery does: a refusal is remembered, and what was handled before is passed over."""
        try:
            await self.effects.refuse_if_handled(event)
            await self.handlers[type(event.data)](event)
        except Rejected as refused:
            self.refused.append(refused.code)
        except AlreadyHandled:
            pass

    async def told(self) -> list[Received[Any]]:
        """What was told and is not handed on yet."""
        rows = await self.effects.pool.fetch("DELETE FROM outbox RETURNING id, headers, value")
        for row in sorted(rows, key=lambda row: row["id"]):
            event = decode([(name, value.encode()) for name, value in row["headers"]], row["value"])
            if isinstance(event.data, EvalCompletedV1):
                self.completed.append(event.data)
            else:
                self.waiting.append(event)
        return self.waiting

    async def ended(self) -> list[EvalCompletedV1]:
        """What was told of evaluations that have ended."""
        await self.told()
        return self.completed

    async def step(self) -> bool:
        """Hands the next event on; False if there is none."""
        if not await self.told():
            return False
        await self.hand(self.waiting.pop(0))
        return True

    async def settle(self) -> None:
        """Hands on until nothing is left, which must come to an end."""
        for _ in range(ROUNDS):
            if not await self.step():
                return
        raise AssertionError("something is told for ever")

    async def seen(self, eval_id: UUID) -> dict[str, Any]:
        """The evaluation as rag sees it."""
        return dict(await self.effects.pool.fetchrow("SELECT * FROM v_evals WHERE eval_id = $1", eval_id))

    async def record(self, run_id: UUID) -> dict[str, Any]:
        """The record of a run as rag sees it."""
        found: dict[str, Any] = await self.effects.pool.fetchval("SELECT record FROM v_eval_runs WHERE run_id = $1", run_id)
        return found

    async def results(self, run_id: UUID) -> list[dict[str, Any]]:
        """The results of a run as rag sees them."""
        rows = await self.effects.pool.fetch("SELECT * FROM v_case_results WHERE run_id = $1 ORDER BY ordinal, repeat", run_id)
        return [dict(row) for row in rows]


@dataclass(frozen=True)
class Options:
    """How an evaluator is put together."""

    shard_cases: int = 4
    shard_s: float = 60.0
    concurrency: int = 3
    gates: Sequence[Gate] = ()
    signer: Signer | None = None
    clock: Clock = field(default_factory=SystemClock)


async def open_evaluator(open_effects: OpenEffects, rag: ScriptedRag, options: Options = Options()) -> Evaluator:
    """The service put together as its app does, with a rag and blobs in memory."""
    effects, admin, blobs = await open_effects("evaluator"), await open_effects("rag"), InMemoryBlobs()
    store, cases, gates = Store(effects), CaseStore(effects.pool), Gates({gate.name: gate for gate in options.gates})
    finish = Finish(store, cases, gates, Rank(store, cases), options.signer, options.clock)
    plan = Plan(store, cases, Datasets(cases, blobs), blobs, rag, gates, finish, options.shard_cases)
    run = Run(store, cases, rag, _scorers, finish, Pace(options.concurrency, options.shard_s), options.clock)
    by_type = {kind: handler for kinds in handlers(plan, run).values() for kind, handler in kinds.items()}
    return Evaluator(effects, rag, blobs, store, by_type, admin)


def _scorers(_: Rag) -> list[Correct]:
    return [Correct()]
