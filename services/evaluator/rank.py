"""The leaderboard of a dataset is written anew when a run of it is completed."""

import asyncio
from dataclasses import dataclass

import asyncpg

from kit.effects import Effect
from services.evaluator.case_store import CaseStore
from services.evaluator.leaderboard import PRIMARY, Contender, board
from services.evaluator.record import RunRecord
from services.evaluator.store import Store


@dataclass(frozen=True, slots=True)
class Rank:
    """Ranks the fullest measured run of each variant, of equals the newest."""

    store: Store
    cases: CaseStore

    async def dataset(self, effect: Effect, evaluation: asyncpg.Record) -> None:
        """Ranks the runs of an evaluation's dataset. Evaluations that end together do this one after the other, each seeing the last."""
        place = {name: evaluation[name] for name in ("tenant_id", "dataset", "fingerprint")}
        await self.store.ranking(effect, **place)
        records = [RunRecord.model_validate(row["record"]) for row in await self.store.contending(effect, **place)]
        contenders = [Contender(run, await self.cases.scored(effect, run.run_id, PRIMARY)) for run in records]
        await self.store.put_board(effect, await asyncio.to_thread(board, contenders), **place)
