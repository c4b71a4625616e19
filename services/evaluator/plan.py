"""The first verb of this service: a request becomes runs, cut into shards that replicas share."""

from dataclasses import dataclass
from math import ceil
from uuid import UUID, uuid5

import structlog

from contracts.codec import Received
from contracts.documents import BlobRef
from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.effects import Effect
from kit.errors import Permanent, WorkbenchError
from kit.health import BUILD_VERSION
from kit.ports.blobs import BlobStore
from services.evaluator.case_store import CaseStore
from services.evaluator.dataset import Datasets
from services.evaluator.documents import require_documents
from services.evaluator.finish import Finish
from services.evaluator.gates import Gates
from services.evaluator.rag import Pinned, Rag
from services.evaluator.record import RecordedRun, RunRecord, parsed
from services.evaluator.store import COMPLETED, REQUESTED, RUNNING, TOLD_AT_ONCE, NewRun, Store

log = structlog.get_logger(__name__)

LARGEST_RECORD_BYTES = 64 * 1024 * 1024
_LARGER = 4


@dataclass(frozen=True, slots=True)
class Side:
    """The candidate or the baseline of an evaluation: a run that there is already, or one to be made, of a record or by asking."""

    run: RunRecord
    is_new: bool = False
    recorded: RecordedRun | None = None

    @property
    def is_asked(self) -> bool:
        """Whether its questions are still to be put to rag."""
        return self.is_new and self.recorded is None


@dataclass(frozen=True, slots=True)
class Plan:
    """Plans evaluations, and takes them back. What cannot be evaluated ends as failed with the reason."""

    store: Store
    cases: CaseStore
    datasets: Datasets
    blobs: BlobStore
    rag: Rag
    gates: Gates
    finish: Finish
    shard_cases: int

    async def requested(self, event: Received[EvalRequestedV1]) -> None:
        """Handles `eval.requested`. Raises Permanent `eval_id_taken`."""
        known = await self.store.begin(event)
        if known["tenant_id"] != event.envelope.tenant_id:
            raise Permanent("eval_id_taken", f"evaluation {event.data.eval_id} belongs to another tenant; choose another id")
        try:
            if known["status"] == REQUESTED:
                await self._plan(event)
            else:
                await self.store.skip(event)
        except Permanent as error:
            await self.give_up(event, error)

    async def cancelled(self, event: Received[EvalCancelledV1]) -> None:
        """Handles a cancellation; of an evaluation that has ended, or that nobody knows, there is nothing to cancel."""
        async with self.store.effects.once(event) as effect:
            await self.finish.cancel(effect, event.data.eval_id, event.data.reason)

    async def give_up(self, event: Received[EvalRequestedV1], error: WorkbenchError) -> None:
        """The evaluation fails, and says why."""
        async with self.store.effects.once(event) as effect:
            await self.finish.fail(effect, event.data.eval_id, error)

    async def _plan(self, event: Received[EvalRequestedV1]) -> None:
        asked, tenant_id = event.data, event.envelope.tenant_id
        fingerprint = await self._fingerprint(asked, tenant_id)
        if asked.gate is not None:
            self.gates.required(asked.gate, asked.dataset, fingerprint)
        sides = [await self._candidate(asked, tenant_id, fingerprint)]
        if (baseline := await self._baseline(asked, tenant_id, fingerprint)) is not None:
            sides.append(baseline)
        _require_two(sides)
        sample = await self._sample(asked, tenant_id, fingerprint)
        if asked.budget_usd is not None:
            await self._limit(asked.budget_usd, tenant_id, sides)
        async with self.store.effects.once(event) as effect:
            await self._start(effect, asked, sides, sample)
        log.info("eval.planned", eval_id=str(asked.eval_id), dataset=asked.dataset, cases=len(sample), runs=len(sides))

    async def _fingerprint(self, asked: EvalRequestedV1, tenant_id: str) -> str:
        """Of the dataset; where nothing is to be asked, of the candidate's run."""
        if asked.candidate_run is not None and asked.baseline_record is None and (asked.baseline_run or asked.baseline is None):
            return (await self._known(asked.candidate_run, tenant_id)).fingerprint
        return await self.datasets.fetched(tenant_id, asked.dataset)

    async def _sample(self, asked: EvalRequestedV1, tenant_id: str, fingerprint: str) -> list[int]:
        sample = await self.cases.sample(tenant_id, fingerprint, asked.max_cases, asked.seed)
        if not sample:
            raise Permanent("dataset_empty", f"{asked.dataset} has no cases; prepare it with some")
        return sample

    async def _candidate(self, asked: EvalRequestedV1, tenant_id: str, fingerprint: str) -> Side:
        if asked.candidate_run is not None:
            return Side(_of(fingerprint, await self._known(asked.candidate_run, tenant_id), "candidate"))
        return await self._to_ask(asked, tenant_id, fingerprint, asked.candidate, "candidate")

    async def _baseline(self, asked: EvalRequestedV1, tenant_id: str, fingerprint: str) -> Side | None:
        if asked.baseline_run is not None:
            return Side(_of(fingerprint, await self._known(asked.baseline_run, tenant_id), "baseline"))
        if asked.baseline_record is not None:
            return await self._recorded(asked, asked.baseline_record, fingerprint)
        if asked.baseline is not None:
            return await self._to_ask(asked, tenant_id, fingerprint, asked.baseline, "baseline")
        return None

    async def _known(self, run_id: UUID, tenant_id: str) -> RunRecord:
        row = await self.store.run(tenant_id, run_id)
        if row is None:
            raise Permanent("run_unknown", f"there is no run {run_id}; GET /evals lists evaluations with their runs")
        if row["status"] != COMPLETED:
            raise Permanent("run_unfinished", f"run {run_id} is {row['status']}; name one that is completed")
        if unpaid := await self.cases.unpaid(run_id):
            raise Permanent("run_unpaid", f"run {run_id} had no budget for {unpaid} of its questions; measure it anew with more")
        return RunRecord.model_validate(row["record"])

    async def _recorded(self, asked: EvalRequestedV1, blob: BlobRef, fingerprint: str) -> Side:
        recorded = parsed(await self.blobs.get(blob.uri, LARGEST_RECORD_BYTES))
        run = _of(fingerprint, recorded.run, "baseline")
        return Side(run.model_copy(update={"run_id": _run_id(asked, "baseline"), "eval_id": asked.eval_id}), True, recorded)

    async def _to_ask(self, asked: EvalRequestedV1, tenant_id: str, fingerprint: str, reference: str, role: str) -> Side:
        rag = self.rag.on_behalf(tenant_id)
        pinned = await rag.pin(reference)
        documents = await require_documents(rag, asked.dataset, fingerprint, pinned.index_generation)
        return Side(_record(asked, fingerprint, pinned, documents, _run_id(asked, role)), True)

    async def _limit(self, usd: float, tenant_id: str, sides: list[Side]) -> None:
        """What the calls of each run may cost is rag's to watch."""
        for side in sides:
            if side.is_asked:
                await self.rag.on_behalf(tenant_id).send("PUT", f"/budgets/run/{side.run.run_id}/total", {"usd": usd})

    async def _start(self, effect: Effect, asked: EvalRequestedV1, sides: list[Side], sample: list[int]) -> None:
        candidate, baseline = sides[0].run, sides[1].run if len(sides) > 1 else None
        evaluation = await self.store.locked(effect, asked.eval_id)
        ids = candidate.run_id, baseline.run_id if baseline else None
        if evaluation is None or not await self.store.start(effect, asked.eval_id, candidate.fingerprint, *ids):
            return
        for side in sides:
            if side.recorded is not None:
                await self._keep(effect, side, side.recorded)
            elif side.is_asked:
                await self._split(effect, side.run, sample)
        to_ask = [side.run.run_id for side in sides if side.is_asked]
        await self.store.tell_shards(effect, asked.eval_id, to_ask, TOLD_AT_ONCE)
        started = await self.store.locked(effect, asked.eval_id)
        assert started is not None  # noqa: S101 - it was there, and is locked
        await self.finish.evaluation(effect, started)

    async def _keep(self, effect: Effect, side: Side, recorded: RecordedRun) -> None:
        await self.store.put_run(effect, NewRun(side.run, COMPLETED, ()))
        await self.cases.put_recorded(effect, side.run.run_id, side.run.fingerprint, recorded.cases)

    async def _split(self, effect: Effect, run: RunRecord, sample: list[int]) -> None:
        whole = run.model_copy(update={"cases": len(sample)})
        await self.store.put_run(effect, NewRun(whole, RUNNING, sample))
        await self.store.plan_shards(effect, run.run_id, len(sample), self._shard_size(len(sample)))

    def _shard_size(self, cases: int) -> int:
        """At its end a shard leaves workers idle: a run that has enough for every partition has larger ones."""
        return min(max(self.shard_cases, ceil(cases / TOLD_AT_ONCE)), _LARGER * self.shard_cases)


def _run_id(asked: EvalRequestedV1, role: str) -> UUID:
    return uuid5(asked.eval_id, role)


def _record(asked: EvalRequestedV1, fingerprint: str, pinned: Pinned, documents: int | None, run_id: UUID) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        eval_id=asked.eval_id,
        variant=pinned.variant,
        sha256=pinned.sha256,
        prompt=pinned.prompt,
        index_generation=pinned.index_generation,
        dataset=asked.dataset,
        fingerprint=fingerprint,
        cases=0,
        documents=documents,
        repeats=asked.repeats,
        seed=asked.seed,
        code_version=BUILD_VERSION,
        settings=pinned.settings,
    )


def _of(fingerprint: str, run: RunRecord, role: str) -> RunRecord:
    if run.fingerprint != fingerprint:
        told = f"the {role}'s run is of {run.dataset} with other cases ({run.fingerprint[:12]}, not {fingerprint[:12]}): measure it anew"
        raise Permanent(f"{role}_of_another_dataset", told)
    return run


def _require_two(sides: list[Side]) -> None:
    """Two runs, or two variants that are to be asked."""
    asked = [side for side in sides if side.is_asked]
    same_run = len({side.run.run_id for side in sides}) < len(sides)
    same_variant = len(asked) == 2 and asked[0].run.sha256 == asked[1].run.sha256 and asked[0].run.prompt == asked[1].run.prompt
    if same_run or same_variant:
        named = f"{sides[0].run.variant.name}@{sides[0].run.variant.version}"
        raise Permanent("eval_same_variant", f"candidate and baseline are both {named} with the same prompt; name two")
