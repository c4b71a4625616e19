"""The end of things: of a shard, of a run when its last shard is done, of an evaluation when its last run is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from contracts.evals import EvalCompletedV1, EvalRun, EvalShardPlannedV1
from kit.clock import Clock
from kit.effects import Effect
from kit.errors import Permanent, WorkbenchError
from kit.metrics import EVAL_SECONDS
from services.evaluator.case_store import CaseStore
from services.evaluator.compare import compare
from services.evaluator.gates import Gates
from services.evaluator.metrics.summary import summarise
from services.evaluator.rank import Rank
from services.evaluator.receipts import Compared, Signer, receipts, why_none
from services.evaluator.record import MetricFigure, RunRecord
from services.evaluator.store import CANCELLED, COMPLETED, FAILED, REQUESTED, RUNNING, Outcome, Store

log = structlog.get_logger(__name__)

_UNPAID = "budget_spent"


@dataclass(frozen=True, slots=True)
class Finish:
    """Decides about an evaluation under its lock, so that of several who finish something the last one sees that nothing is left."""

    store: Store
    cases: CaseStore
    gates: Gates
    rank: Rank
    signer: Signer | None
    clock: Clock

    async def shard(self, effect: Effect, shard: EvalShardPlannedV1, left: int) -> None:
        """What is left of a shard is told again; if nothing is, the next one is told, or the run has ended."""
        evaluation = await self.store.locked(effect, shard.eval_id)
        if evaluation is None or evaluation["status"] != RUNNING:
            return
        if left:
            await self.store.tell_again(effect, shard)
        elif await self.store.finish_shard(effect, shard.shard_id):
            await self._next(effect, evaluation, shard)

    async def _next(self, effect: Effect, evaluation: asyncpg.Record, shard: EvalShardPlannedV1) -> None:
        await self.store.tell_shards(effect, shard.eval_id, [shard.run_id])
        if not await self.store.is_open(effect, shard.run_id):
            await self._run(effect, shard.run_id)
            await self.evaluation(effect, evaluation)

    async def evaluation(self, effect: Effect, evaluation: asyncpg.Record) -> None:
        """Ends an evaluation, unless one of its runs is still being measured."""
        if any(run["status"] == RUNNING for run in await self.store.runs(effect, evaluation["eval_id"])):
            return
        runs = await self._runs(effect, evaluation)
        try:
            await self._require_paid(effect, evaluation, runs)
            outcome = await self._compared(effect, evaluation, runs)
        except Permanent as error:
            await self._end(effect, evaluation, Outcome(FAILED, error_code=error.code, error_message=error.message), runs)
            return
        await self._end(effect, evaluation, outcome, runs)
        await self.rank.dataset(effect, evaluation)

    async def fail(self, effect: Effect, eval_id: UUID, error: WorkbenchError) -> None:
        """An evaluation that nothing can be measured for ends, and says why."""
        await self._stop(effect, eval_id, Outcome(FAILED, error_code=error.code, error_message=error.message))

    async def cancel(self, effect: Effect, eval_id: UUID, reason: str | None) -> None:
        """An evaluation that nobody wants any more ends; what was measured is kept. Raises as asyncpg does while it is being judged."""
        await self.store.wait_briefly(effect)
        await self._stop(effect, eval_id, Outcome(CANCELLED, reason=reason))

    async def _stop(self, effect: Effect, eval_id: UUID, outcome: Outcome) -> None:
        evaluation = await self.store.locked(effect, eval_id)
        if evaluation is None or evaluation["tenant_id"] != effect.tenant_id or evaluation["status"] not in (REQUESTED, RUNNING):
            return
        await self._end(effect, evaluation, outcome, await self._runs(effect, evaluation))

    async def _run(self, effect: Effect, run_id: UUID) -> None:
        """Sums a run up."""
        run, spent = await self.store.run(effect.tenant_id, run_id, effect), await self.cases.spent(effect, run_id)
        assert run is not None  # noqa: S101 - its evaluation is locked
        scored = await self.cases.scored(effect, run_id)
        values = await asyncio.to_thread(summarise, scored, run["seed"])
        summed = {
            "models": tuple(spent["models"] or ()),
            "errors": spent["errors"],
            "cost_usd": None if spent["unpriced"] else spent["cost_usd"],
            "input_tokens": spent["input_tokens"],
            "output_tokens": spent["output_tokens"],
            "metrics": tuple(MetricFigure(**asdict(value)) for value in values),
        }
        await self.store.end_run(effect, run_id, COMPLETED, RunRecord.model_validate(run["record"]).model_copy(update=summed))
        log.info("eval.run_completed", run_id=str(run_id), cases=len(scored), errors=spent["errors"])

    async def _require_paid(self, effect: Effect, evaluation: asyncpg.Record, runs: Sequence[RunRecord]) -> None:
        own = [run.run_id for run in runs if run.eval_id == evaluation["eval_id"]]
        if unpaid := sum([(await self.cases.spent(effect, run_id))["unpaid"] for run_id in own]):
            told = f"a run's budget of ${evaluation['budget_usd']} had no room for {unpaid} questions; what was measured is kept"
            raise Permanent(_UNPAID, told)

    async def _compared(self, effect: Effect, evaluation: asyncpg.Record, runs: Sequence[RunRecord]) -> Outcome:
        name, dataset = evaluation["gate"], (evaluation["dataset"], evaluation["fingerprint"])
        gate = self.gates.required(name, *dataset) if name is not None else None
        scored = [await self.cases.scored(effect, run.run_id) for run in runs]
        candidate, baseline = scored[0], scored[1] if len(scored) > 1 else None
        found = (await asyncio.to_thread(compare, candidate, baseline, gate, evaluation["seed"])).as_json()
        compared = await self._beside(effect, runs, found)
        told = found | {"no_receipt": why_none(compared, self.signer)}
        expires_at = self.clock.now() + timedelta(days=gate.expires_days if gate else 0)
        return Outcome(COMPLETED, found["verdict"], found["reason"], told, receipts(compared, self.signer, expires_at))

    async def _beside(self, effect: Effect, runs: Sequence[RunRecord], found: Mapping[str, Any]) -> Compared:
        if len(runs) == 1:
            return Compared(runs[0], None, found)
        return Compared(runs[0], runs[1], found, await self.store.apart(effect, runs[0].run_id, runs[1].run_id))

    async def _runs(self, effect: Effect, evaluation: asyncpg.Record) -> list[RunRecord]:
        """The candidate's record and the baseline's, as far as there are any."""
        ids = [run_id for run_id in (evaluation["candidate_run"], evaluation["baseline_run"]) if run_id is not None]
        rows = [await self.store.run(evaluation["tenant_id"], run_id, effect) for run_id in ids]
        return [RunRecord.model_validate(row["record"]) for row in rows if row is not None]

    async def _end(self, effect: Effect, evaluation: asyncpg.Record, outcome: Outcome, runs: Sequence[RunRecord]) -> None:
        await self.store.end(effect, evaluation["eval_id"], outcome)
        told = [_told(run) for run in runs]
        await effect.publish(
            EvalCompletedV1(
                eval_id=evaluation["eval_id"],
                status=outcome.status,
                dataset=evaluation["dataset"],
                fingerprint=evaluation["fingerprint"],
                candidate=told[0] if told else None,
                baseline=told[1] if len(told) > 1 else None,
                gate=evaluation["gate"],
                verdict=outcome.verdict,
                reason=outcome.reason or outcome.error_message,
            )
        )
        EVAL_SECONDS.labels(outcome.status).observe((self.clock.now() - evaluation["requested_at"]).total_seconds())
        log.info("eval.ended", eval_id=str(evaluation["eval_id"]), status=outcome.status, verdict=outcome.verdict, code=outcome.error_code)


def _told(run: RunRecord) -> EvalRun:
    return EvalRun(run_id=run.run_id, variant=run.variant, sha256=run.sha256, cases=run.cases, unscored=run.errors)
