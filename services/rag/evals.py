"""Evaluations as a user sees them: requested, cancelled, followed, compared. Evaluator decides; here is refused what it surely would."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import structlog

from contracts.documents import BlobRef
from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.clock import Clock
from kit.errors import Permanent
from kit.ids import IdSource
from kit.ports.blobs import BlobStore
from services.rag.eval_store import CasePage, EvalStore, Telling
from services.rag.variants import Variants

log = structlog.get_logger(__name__)

RECORD_FORMAT = "workbench.run.v1"
LARGEST_RECORD_BYTES = 20 * 1024 * 1024
PRIMARY = "correct"
FINAL = frozenset({"completed", "failed", "cancelled"})
# How long a comparison answers for the next that asks the same: a failure long enough to be seen, a verdict until its
# receipts are to be renewed.
_HOLDS = {"completed": timedelta(days=1), "failed": timedelta(minutes=1), "cancelled": timedelta(minutes=1)}
_HUB = "hf:"
_COMPARISONS = UUID("c7b0f9d2-5a53-5f0b-8c1e-3d0f6f0b7a61")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for; `rest` are the fields of the event that are taken as they are. At most one baseline is given."""

    dataset: str
    candidate: str
    candidate_run: UUID | None = None
    baseline: str | None = None
    baseline_run: UUID | None = None
    baseline_record: Mapping[str, Any] | None = None
    rest: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Evals:
    """Every request is told on `eval.requested`, where anybody else may tell one as well."""

    store: EvalStore
    variants: Variants
    blobs: BlobStore
    ids: IdSource
    clock: Clock

    async def request(self, tenant_id: str, wish: Wish, idempotency_key: str | None = None) -> UUID:
        """Tells an evaluation, once for each `idempotency_key`; gives its id.

        Raises Permanent `dataset_unknown`, `variant_unknown`, `eval_same_variant`, `run_unknown`, `eval_other_dataset`, `record_invalid`
        or `record_too_large`.
        """
        eval_id = self.ids()
        await self._require_dataset(tenant_id, wish)
        one = await self._require_run(tenant_id, wish.candidate_run, wish.dataset)
        other = await self._require_run(tenant_id, wish.baseline_run, wish.dataset)
        if one is not None and other is not None and one["run_id"] == other["run_id"]:
            raise Permanent("eval_same_variant", "candidate_run and baseline_run are the same run; name two")
        candidate = _reference(one["record"]) if one else await self._candidate(tenant_id, wish, str(eval_id))
        event = EvalRequestedV1(
            eval_id=eval_id,
            dataset=wish.dataset,
            candidate=candidate,
            candidate_run=one["run_id"] if one else None,
            baseline=wish.baseline,
            baseline_run=other["run_id"] if other else None,
            baseline_record=await self._kept(wish.baseline_record),
            **(wish.rest or {}),
        )
        told = await self.store.add(tenant_id, event, idempotency_key)
        log.info("eval.asked_for", eval_id=str(told), dataset=wish.dataset, candidate=candidate)
        return told

    async def get(self, tenant_id: str, eval_id: UUID) -> asyncpg.Record:
        """An evaluation with the records of its runs. Raises Permanent `eval_unknown`."""
        row = await self.store.one(tenant_id, eval_id)
        if row is None:
            raise Permanent("eval_unknown", f"there is no evaluation {eval_id}; GET /evals lists them")
        return row

    async def cancel(self, tenant_id: str, eval_id: UUID, reason: str | None) -> None:
        """Tells that an evaluation is not wanted any more. Raises Permanent `eval_unknown`, or `eval_ended` if it has an outcome."""
        row = await self.get(tenant_id, eval_id)
        if row["status"] in FINAL - {"cancelled"}:
            raise Permanent("eval_ended", f"evaluation {eval_id} has {row['status']} already; there is nothing to cancel")
        await self.store.cancel(tenant_id, EvalCancelledV1(eval_id=eval_id, reason=reason))

    async def compare(self, tenant_id: str, candidate: UUID, baseline: UUID, gate: str | None) -> asyncpg.Record:
        """The evaluation that compares two runs under a gate, asked for if there is none: the same question has one answer for a day.

        One that failed or was cancelled is asked for anew a minute later. A run is named by its id, or by that of the evaluation whose
        candidate it was. Raises Permanent `run_unknown`, `run_unfinished`, `eval_same_variant`, or `eval_other_dataset` for runs that no
        figures can compare.
        """
        one, other = await self._completed(tenant_id, candidate), await self._completed(tenant_id, baseline)
        if one["run_id"] == other["run_id"]:
            raise Permanent("eval_same_variant", "candidate and baseline are the same run; name two")
        if one["fingerprint"] != other["fingerprint"]:
            raise _other_dataset(f"{one['dataset']} ({one['fingerprint'][:12]}) and {other['dataset']} ({other['fingerprint'][:12]})")
        known = await self.store.compared(tenant_id, (one["run_id"], other["run_id"]), gate)
        if known is not None and self._holds(row := await self.get(tenant_id, known)):
            return row
        event = EvalRequestedV1(
            eval_id=uuid5(known or _COMPARISONS, "\x1f".join((tenant_id, str(one["run_id"]), str(other["run_id"]), gate or ""))),
            dataset=one["dataset"],
            candidate=_reference(one["record"]),
            candidate_run=one["run_id"],
            baseline_run=other["run_id"],
            gate=gate,
        )
        return await self.get(tenant_id, await self.store.add(tenant_id, event))

    def _holds(self, row: Mapping[str, Any]) -> bool:
        """Whether an earlier comparison still answers."""
        return row["status"] not in FINAL or self.clock.now() - row["completed_at"] < _HOLDS[row["status"]]

    async def cases(self, tenant_id: str, eval_id: UUID, page: CasePage) -> tuple[str, list[asyncpg.Record]]:
        """By which score cases are fixed or broken, and the candidate's cases beside the baseline's. Raises Permanent `eval_unknown`."""
        row = await self.get(tenant_id, eval_id)
        by = _telling(row["comparison"] or {})
        if row["candidate_run"] is None:
            return by.score, []
        return by.score, await self.store.cases(tenant_id, (row["candidate_run"], row["baseline_run"]), by, page)

    async def record(self, tenant_id: str, eval_id: UUID) -> Json:
        """The candidate's run as it is exported. Raises Permanent `eval_unknown`, or `eval_unfinished` while it is being measured."""
        row = await self.get(tenant_id, eval_id)
        run = await self.store.run(tenant_id, row["candidate_run"]) if row["candidate_run"] else None
        if run is None or run["status"] != "completed":
            raise Permanent("eval_unfinished", f"evaluation {eval_id} is {row['status']}; a run is exported when it is completed")
        answers = await self.store.answers(tenant_id, run["run_id"])
        return {"format": RECORD_FORMAT, "run": run["record"], "cases": [_case(answer) for answer in answers]}

    async def _candidate(self, tenant_id: str, wish: Wish, subject: str) -> str:
        """What the candidate is called, once it is known that it can be measured, and that it is not the baseline."""
        candidate = await self.variants.resolve(tenant_id, wish.candidate, subject)
        if wish.baseline is not None and (await self.variants.resolve(tenant_id, wish.baseline, subject)).identity == candidate.identity:
            named = f"{candidate.identity.name}@{candidate.identity.version}"
            raise Permanent("eval_same_variant", f"candidate and baseline are both {named}; name two variants")
        return wish.candidate

    async def _require_dataset(self, tenant_id: str, wish: Wish) -> None:
        if not wish.dataset.startswith(_HUB) and not await self.store.has_dataset(tenant_id, wish.dataset):
            told = f"there is no dataset {wish.dataset!r}; GET /datasets lists them, `workbench datasets prepare` makes one"
            raise Permanent("dataset_unknown", told)

    async def _require_run(self, tenant_id: str, run_id: UUID | None, dataset: str) -> asyncpg.Record | None:
        if run_id is None:
            return None
        run = await self._run(tenant_id, run_id)
        if run["dataset"] != dataset:
            raise _other_dataset(f"run {run_id} is about {run['dataset']}, the evaluation about {dataset}")
        return run

    async def _run(self, tenant_id: str, run_id: UUID) -> asyncpg.Record:
        run = await self.store.run(tenant_id, run_id)
        if run is None:
            raise Permanent("run_unknown", f"there is no run {run_id}, nor an evaluation of this id that has measured one")
        return run

    async def _completed(self, tenant_id: str, run_id: UUID) -> asyncpg.Record:
        run = await self._run(tenant_id, run_id)
        if run["status"] != "completed":
            raise Permanent("run_unfinished", f"run {run['run_id']} is {run['status']}; runs are compared when they are completed")
        return run

    async def _kept(self, record: Mapping[str, Any] | None) -> BlobRef | None:
        if record is None:
            return None
        if record.get("format") != RECORD_FORMAT or not isinstance(record.get("run"), dict) or not record.get("cases"):
            raise Permanent("record_invalid", f"baseline_record is no {RECORD_FORMAT}; export one with `workbench eval record`")
        data = json.dumps(record, ensure_ascii=False).encode()
        if len(data) > LARGEST_RECORD_BYTES:
            raise Permanent("record_too_large", f"baseline_record has {len(data)} bytes, over the limit of {LARGEST_RECORD_BYTES}")
        blob = await self.blobs.put(data)
        return BlobRef(uri=blob.uri, sha256=blob.sha256, bytes=blob.bytes)


def _reference(record: Mapping[str, Any]) -> str:
    return f"{record['variant']['name']}@{record['variant']['version']}"


def _telling(comparison: Mapping[str, Any]) -> Telling:
    """As the comparison says; an older one names its primary metric alone."""
    score = comparison.get("primary_score") or comparison.get("primary") or PRIMARY
    return Telling(str(score), bool(comparison.get("higher_is_better", True)))


def _other_dataset(told: str) -> Permanent:
    return Permanent("eval_other_dataset", f"only runs on the same cases can be compared: {told}")


def _case(row: Mapping[str, Any]) -> Json:
    told = ("case_id", "cluster", "answerable", "metadata", "repeat", "error", "scores")
    return {**{name: row[name] for name in told}, "text": row["text"] or ""}
