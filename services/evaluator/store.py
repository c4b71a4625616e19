"""What evaluator remembers: evaluations, the runs that they make, and the shards in which runs are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from contracts.codec import Received
from contracts.documents import BlobRef
from contracts.evals import EvalRequestedV1, EvalShardPlannedV1
from kit.effects import Effect, Effects
from kit.postgres import load_queries
from services.evaluator.record import RunRecord

REQUESTED, RUNNING, COMPLETED, FAILED, CANCELLED = "requested", "running", "completed", "failed", "cancelled"
# So many shards of a run wait on the topic at once: one a partition. The others are told when these are done.
TOLD_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is to be kept; `sample` are the ordinals of its cases."""

    record: RunRecord
    status: str
    sample: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an evaluation ended."""

    status: str
    verdict: str | None = None
    reason: str | None = None
    comparison: Mapping[str, Any] | None = None
    receipts: Sequence[Mapping[str, Any]] = ()
    error_code: str | None = None
    error_message: str | None = None


class Store:
    """The `evaluator` schema. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("evaluator")

    async def begin(self, event: Received[EvalRequestedV1]) -> asyncpg.Record:
        """Keeps a request; gives whose the evaluation of that id is, and its status."""
        row = event.data.model_dump()
        record = event.data.baseline_record.model_dump() if event.data.baseline_record else None
        sender = {"tenant_id": event.envelope.tenant_id, "requested_at": event.envelope.time}
        return await self._queries.begin_eval(self._pool, **{**row, "baseline_record": record}, **sender)

    async def skip(self, event: Received[EvalRequestedV1]) -> None:
        """Remembers that the event needs no effect."""
        async with self.effects.once(event):
            return

    async def start(self, effect: Effect, eval_id: UUID, fingerprint: str, candidate_run: UUID, baseline_run: UUID | None) -> bool:
        """Notes the runs of an evaluation; False if it does not wait for that."""
        runs = {"candidate_run": candidate_run, "baseline_run": baseline_run}
        return await self._queries.start_eval(effect.connection, eval_id=eval_id, fingerprint=fingerprint, **runs) is not None

    async def locked(self, effect: Effect, eval_id: UUID) -> asyncpg.Record | None:
        """An evaluation that nobody else decides about until the transaction ends."""
        return await self._queries.lock_eval(effect.connection, eval_id=eval_id)

    async def wait_briefly(self, effect: Effect) -> None:
        """From here on the transaction waits for no lock longer than five seconds: it fails, and is tried again."""
        await self._queries.wait_briefly(effect.connection)

    async def end(self, effect: Effect, eval_id: UUID, outcome: Outcome) -> None:
        """Ends an evaluation, and what runs of its runs."""
        for run in await self.runs(effect, eval_id):
            await self.end_run(effect, run["run_id"], outcome.status, None)
        await self._queries.end_eval(
            effect.connection,
            eval_id=eval_id,
            status=outcome.status,
            verdict=outcome.verdict,
            reason=outcome.reason,
            comparison=outcome.comparison,
            receipts=list(outcome.receipts),
            error_code=outcome.error_code,
            error_message=outcome.error_message,
        )

    async def put_run(self, effect: Effect, run: NewRun) -> None:
        """Keeps a run."""
        record = run.record
        told = {name: getattr(record, name) for name in ("run_id", "eval_id", "dataset", "fingerprint", "origin", "repeats", "seed")}
        body = record.model_dump(mode="json")
        await self._queries.put_run(
            effect.connection, **told, tenant_id=effect.tenant_id, status=run.status, sample=list(run.sample), record=body
        )

    async def run(self, tenant_id: str, run_id: UUID, effect: Effect | None = None) -> asyncpg.Record | None:
        """A run, or None."""
        return await self._queries.get_run(effect.connection if effect else self._pool, run_id=run_id, tenant_id=tenant_id)

    async def runs(self, effect: Effect, eval_id: UUID) -> list[asyncpg.Record]:
        """The runs that an evaluation made."""
        return [row async for row in self._queries.runs_of(effect.connection, eval_id=eval_id)]

    async def apart(self, effect: Effect, candidate: UUID, baseline: UUID) -> timedelta:
        """How long lies between the ends of two runs that have ended."""
        found: timedelta = await self._queries.runs_apart(effect.connection, candidate=candidate, baseline=baseline)
        return found

    async def end_run(self, effect: Effect, run_id: UUID, status: str, record: RunRecord | None) -> None:
        """Nothing is asked for a run any more; one that had ended stays as it is."""
        body = record.model_dump(mode="json") if record else None
        await self._queries.end_run(effect.connection, run_id=run_id, status=status, record=body)

    async def plan_shards(self, effect: Effect, run_id: UUID, cases: int, size: int) -> None:
        """Splits a run into shards; none is told."""
        starts = range(0, cases, size)
        shards = [
            {"shard_id": uuid5(run_id, str(first)), "run_id": run_id, "first": first, "last": min(first + size, cases)} for first in starts
        ]
        await self._queries.put_shard(effect.connection, [{**shard, "tenant_id": effect.tenant_id} for shard in shards])

    async def tell_shards(self, effect: Effect, eval_id: UUID, run_ids: Sequence[UUID], count: int = 1) -> None:
        """Tells the next shards of each run. The runs take turns in going first: who comes second finds what the first had to work out."""
        told = [await self._next_shards(effect, run_id, count) for run_id in run_ids]
        for number, shards in enumerate(zip_longest(*told)):
            for shard in shards if number % 2 == 0 else reversed(shards):
                if shard is not None:
                    await effect.publish(_planned(eval_id, shard))

    async def _next_shards(self, effect: Effect, run_id: UUID, count: int) -> list[asyncpg.Record]:
        rows = [row async for row in self._queries.next_shards(effect.connection, run_id=run_id, count=count)]
        return sorted(rows, key=lambda row: row["first"])

    async def tell_again(self, effect: Effect, shard: EvalShardPlannedV1) -> None:
        """Tells what is left of a shard."""
        await self._queries.touch_shard(effect.connection, shard_id=shard.shard_id)
        await effect.publish(shard)

    async def finish_shard(self, effect: Effect, shard_id: UUID) -> bool:
        """Notes that all its cases have results; False if that was known."""
        return await self._queries.finish_shard(effect.connection, shard_id=shard_id) is not None

    async def is_open(self, effect: Effect, run_id: UUID) -> bool:
        """Whether cases of a run have no result."""
        return bool(await self._queries.open_shards(effect.connection, run_id=run_id))

    async def ranking(self, effect: Effect, **place: str) -> None:
        """Waits until nobody else ranks that dataset; whoever comes next sees the runs of this transaction."""
        await self._queries.lock_board(effect.connection, **place)

    async def contending(self, effect: Effect, **place: str) -> list[asyncpg.Record]:
        """The fullest measured run of each variant on the dataset of this tenant, name and fingerprint; of equals the newest."""
        return [row async for row in self._queries.contending_runs(effect.connection, **place)]

    async def put_board(self, effect: Effect, board: Mapping[str, Any], **place: str) -> None:
        """Keeps the leaderboard of the dataset of this tenant, name and fingerprint."""
        await self._queries.put_board(effect.connection, board=board, **place)

    async def requeue(self, older_than_s: float) -> int:
        """Tells requests and shards again that nothing was heard of for so long. Returns their number."""
        requests = [row async for row in self._queries.lost_evals(self._pool, older_than_s=older_than_s)]
        for row in requests:
            async with self.effects.caused_by(None, row["tenant_id"]) as effect:
                await effect.publish(_requested(row))
        shards = [row async for row in self._queries.lost_shards(self._pool, older_than_s=older_than_s)]
        for row in shards:
            async with self.effects.caused_by(None, row["tenant_id"]) as effect:
                await self.tell_again(effect, _planned(row["eval_id"], row))
        return len(requests) + len(shards)


def _planned(eval_id: UUID, row: asyncpg.Record) -> EvalShardPlannedV1:
    return EvalShardPlannedV1(eval_id=eval_id, **{name: row[name] for name in ("shard_id", "run_id", "first", "last")})


def _requested(row: asyncpg.Record) -> EvalRequestedV1:
    record = BlobRef.model_validate(row["baseline_record"]) if row["baseline_record"] else None
    told = {name: row[name] for name in EvalRequestedV1.model_fields if name != "baseline_record"}
    return EvalRequestedV1(**told, baseline_record=record)
