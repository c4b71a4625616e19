"""The second verb of this service: the cases of a shard are asked and scored. It goes on where an earlier try ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from contracts.codec import Received
from contracts.evals import EvalShardPlannedV1
from contracts.queries import NamedVersion
from kit.clock import Clock
from kit.errors import Permanent, Rejected, WorkbenchError
from services.evaluator.ask import Asking
from services.evaluator.case_store import CaseStore
from services.evaluator.documents import require_documents
from services.evaluator.finish import Finish
from services.evaluator.measure import Measure
from services.evaluator.rag import Rag
from services.evaluator.record import RunRecord
from services.evaluator.scorers.scorer import Scorer
from services.evaluator.store import RUNNING, Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many questions are asked at once, and for how many seconds by one message."""

    concurrency: int
    shard_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """Asks rag for the variant that was pinned. What is not done in time is told again."""

    store: Store
    cases: CaseStore
    rag: Rag
    make_scorers: Callable[[Rag], Sequence[Scorer]]
    finish: Finish
    pace: Pace
    clock: Clock

    async def planned(self, event: Received[EvalShardPlannedV1]) -> None:
        """Handles `eval.shards`. Raises Rejected, after the evaluation is marked failed, if nothing can be asked, or summed up."""
        shard, tenant_id = event.data, event.envelope.tenant_id
        run = await self.store.run(tenant_id, shard.run_id)
        try:
            left = await self._ask(RunRecord.model_validate(run["record"]), shard, tenant_id) if run and run["status"] == RUNNING else 0
            async with self.store.effects.once(event) as effect:
                await self.finish.shard(effect, shard, left)
        except Permanent as error:
            await self.give_up(event, error)
            raise Rejected(error.code, error.message) from error

    async def give_up(self, event: Received[EvalShardPlannedV1], error: WorkbenchError) -> None:
        """The evaluation fails, and says why."""
        async with self.store.effects.once(event) as effect:
            await self.finish.fail(effect, event.data.eval_id, error)

    async def _ask(self, run: RunRecord, shard: EvalShardPlannedV1, tenant_id: str) -> int:
        """Gives how many cases are left."""
        until = self.clock.monotonic() + self.pace.shard_s
        waiting = await self.cases.waiting(shard.run_id, shard.first, shard.last)
        asking = Asking(self.cases, self._measure(run, tenant_id), shard.run_id, self.clock, self.pace.concurrency)
        kept = await asking.ask(waiting, until)
        log.info("eval.asked", run_id=str(shard.run_id), first=shard.first, last=shard.last, kept=kept, left=len(waiting) - kept)
        if kept == len(waiting):  # what was deleted meanwhile was not found: the figures would be of another task
            await require_documents(self.rag.on_behalf(tenant_id), run.dataset, run.fingerprint, run.named_generation)
        return len(waiting) - kept

    def _measure(self, run: RunRecord, tenant_id: str) -> Measure:
        assert run.prompt is not None  # noqa: S101 - what is asked was pinned with its prompt
        rag = self.rag.on_behalf(tenant_id, str(run.run_id))
        prompt = NamedVersion(name=run.prompt.name, version=run.prompt.version)
        return Measure(rag, self.make_scorers(rag), run.variant, prompt, self.clock)
