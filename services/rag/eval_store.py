"""What rag keeps of evaluations, and what it reads of evaluator's views."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.effects import Effect
from kit.errors import Permanent
from kit.postgres import load_queries
from services.rag.store import Store


@dataclass(frozen=True, slots=True)
class EvalPage:
    """Which evaluations are wanted: those after the id `after`, of this dataset, of this experiment."""

    after: UUID | None = None
    limit: int = 100
    dataset: str | None = None
    experiment: str | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    """Which cases are wanted: those after the ordinal `after` that changed so (None: all)."""

    change: str | None = None
    after: int = -1
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Telling:
    """The score that tells what became of a case, and whether more of it is better."""

    score: str
    higher_is_better: bool = True


class EvalStore:
    """The table `evals`, and what others published. What is asked of another tenant is as if it were not there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._effects = store.effects
        self._pool: asyncpg.Pool = store.effects.pool
        self._queries = load_queries("rag")

    async def add(self, tenant_id: str, event: EvalRequestedV1, idempotency_key: str | None = None) -> UUID:
        """Keeps a request and tells it, once for each id and each key; gives the id. Raises Permanent `idempotency_key_reused`."""
        async with self._effects.caused_by(None, tenant_id) as effect:
            if idempotency_key is None:
                return await self._add(effect, event)
            await self._store.lock(effect, f"key/{tenant_id}/{idempotency_key}")
            digest = _digest(event)
            earlier = await self._store.answered(effect, idempotency_key)
            if earlier is not None:
                return _repeated(earlier, digest)
            await self._store.put_answered(effect, idempotency_key, digest, {"eval_id": str(event.eval_id)})
            return await self._add(effect, event)

    async def cancel(self, tenant_id: str, event: EvalCancelledV1) -> None:
        """Keeps that an evaluation is not wanted any more, and tells it."""
        async with self._effects.caused_by(None, tenant_id) as effect:
            await self._queries.cancel_eval(effect.connection, eval_id=event.eval_id, tenant_id=tenant_id)
            await effect.publish(event)

    async def requeue(self, older_than_s: float) -> int:
        """Tells every request, and every cancellation, again that evaluator has not heard of for so long. Returns their number."""
        rows = [row async for row in self._queries.lost_evals(self._pool, older_than_s=older_than_s)]
        for row in rows:
            async with self._effects.caused_by(None, row["tenant_id"]) as effect:
                await self._queries.touch_eval(effect.connection, eval_id=row["eval_id"])
                again = EvalCancelledV1(eval_id=row["eval_id"]) if row["heard"] else EvalRequestedV1.model_validate(row["request"])
                await effect.publish(again)
        return len(rows)

    async def evals(self, tenant_id: str, page: EvalPage) -> list[asyncpg.Record]:
        """Evaluations, newest first."""
        filters = {"after": page.after, "limit": page.limit, "dataset": page.dataset, "experiment": page.experiment}
        return [row async for row in self._queries.evals(self._pool, tenant_id=tenant_id, eval_id=None, **filters)]

    async def one(self, tenant_id: str, eval_id: UUID) -> asyncpg.Record | None:
        """An evaluation with the records of its runs, or None."""
        anywhere = {"after": None, "limit": 1, "dataset": None, "experiment": None}
        rows = [row async for row in self._queries.evals(self._pool, tenant_id=tenant_id, eval_id=eval_id, **anywhere)]
        return rows[0] if rows else None

    async def run(self, tenant_id: str, run_id: UUID) -> asyncpg.Record | None:
        """A run, by its own id or by that of the evaluation whose candidate it was; or None."""
        return await self._queries.eval_run(self._pool, tenant_id=tenant_id, run_id=run_id)

    async def compared(self, tenant_id: str, runs: tuple[UUID, UUID], gate: str | None) -> UUID | None:
        """The newest evaluation that was asked for of these two runs, candidate and baseline, under this gate; or None."""
        which = {"candidate": str(runs[0]), "baseline": str(runs[1]), "gate": gate}
        found: UUID | None = await self._queries.comparison(self._pool, tenant_id=tenant_id, **which)
        return found

    async def cases(self, tenant_id: str, runs: tuple[UUID, UUID | None], by: Telling, page: CasePage) -> list[asyncpg.Record]:
        """The cases of the first run beside those of the second."""
        which = {"candidate": runs[0], "baseline": runs[1], "score": by.score, "higher_is_better": by.higher_is_better}
        place = {"change": page.change, "after": page.after, "limit": page.limit}
        return [row async for row in self._queries.eval_cases(self._pool, tenant_id=tenant_id, **which, **place)]

    async def answers(self, tenant_id: str, run_id: UUID) -> list[asyncpg.Record]:
        """Every answer of a run with the values of its scores, None where there is none."""
        return [row async for row in self._queries.eval_record(self._pool, tenant_id=tenant_id, run_id=run_id)]

    async def leaderboards(self, tenant_id: str, dataset: str | None) -> list[asyncpg.Record]:
        """The leaderboards of a dataset, or of all."""
        return [row async for row in self._queries.leaderboards(self._pool, tenant_id=tenant_id, dataset=dataset)]

    async def experiments(self, tenant_id: str) -> list[asyncpg.Record]:
        """What evaluations were grouped by."""
        return [row async for row in self._queries.experiments(self._pool, tenant_id=tenant_id)]

    async def has_dataset(self, tenant_id: str, name: str) -> bool:
        """Whether a dataset of this name was registered."""
        return bool(await self._queries.has_dataset(self._pool, tenant_id=tenant_id, name=name))

    async def _add(self, effect: Effect, event: EvalRequestedV1) -> UUID:
        request = event.model_dump(mode="json")
        new = await self._queries.put_eval(effect.connection, eval_id=event.eval_id, tenant_id=effect.tenant_id, request=request)
        if new is not None:
            await effect.publish(event)
        return event.eval_id


def _digest(event: EvalRequestedV1) -> str:
    said = event.model_dump(mode="json", exclude={"eval_id"})
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _repeated(earlier: Mapping[str, Any], digest: str) -> UUID:
    if earlier["digest"] != digest:
        raise Permanent("idempotency_key_reused", "this Idempotency-Key came with another request before; use a new key")
    return UUID(earlier["response"]["eval_id"])
