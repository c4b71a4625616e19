"""What evaluator remembers of cases: their questions, once for each dataset, and what came of asking them, once for each run."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from kit.datasets.case import Case
from kit.effects import Effect
from kit.errors import Permanent
from kit.postgres import load_queries
from services.evaluator.answered import Answered
from services.evaluator.record import CaseRecord
from services.evaluator.scored import Scored, Scores
from services.evaluator.scorers.scorer import Judgement, Score

_AT_ONCE = 1_000
# What Postgres has no text for.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that has no result yet, for one of its repeats."""

    ordinal: int
    repeat: int
    case: Case


@dataclass(frozen=True, slots=True)
class Result:
    """What came of asking a case: an answer with its scores, or the reason why there is none."""

    ordinal: int
    repeat: int
    answer: Answered | None = None
    scores: dict[str, Judgement] = field(default_factory=dict)
    error: str | None = None
    code: str | None = None


class CaseStore:
    """Cases and results in the `evaluator` schema."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = load_queries("evaluator")

    async def dataset(self, tenant_id: str, name: str) -> asyncpg.Record:
        """The newest upload of a dataset. Raises Permanent `dataset_unknown` with those that there are."""
        row = await self._queries.dataset_named(self._pool, tenant_id=tenant_id, name=name)
        if row is None:
            names = await self._queries.dataset_names(self._pool, tenant_id=tenant_id) or ["none yet"]
            told = f"there is no dataset {name!r}; there are: {', '.join(sorted(names))}. `workbench datasets prepare` makes one"
            raise Permanent("dataset_unknown", told)
        return row

    async def has(self, tenant_id: str, fingerprint: str) -> bool:
        """Whether the cases of a dataset are here."""
        return bool(await self._queries.count_cases(self._pool, tenant_id=tenant_id, fingerprint=fingerprint))

    async def keep(self, tenant_id: str, fingerprint: str, cases: AsyncIterator[Case]) -> None:
        """Keeps all cases of a dataset, or none; those that are here already stay as they are."""
        dataset = {"tenant_id": tenant_id, "fingerprint": fingerprint}
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.lock_cases(connection, **dataset)
            if await self._queries.count_cases(connection, **dataset):
                return
            ordinal = 0
            async for batch in _batches(cases):
                bodies = [case.model_dump(mode="json") for case in batch]
                await self._queries.put_cases(connection, **dataset, ordinals=list(range(ordinal, ordinal + len(batch))), bodies=bodies)
                ordinal += len(batch)
            await self._queries.analyse_cases(connection)

    async def sample(self, tenant_id: str, fingerprint: str, max_cases: int | None, seed: int) -> list[int]:
        """The ordinals of all cases, or of so many: equal seeds draw equal cases."""
        dataset = {"tenant_id": tenant_id, "fingerprint": fingerprint}
        return list(await self._queries.sample_of(self._pool, **dataset, max_cases=max_cases, seed=seed) or ())

    async def waiting(self, run_id: UUID, first: int, last: int) -> list[Waiting]:
        """Those of the places `[first, last)` that have no result."""
        rows = self._queries.waiting_cases(self._pool, run_id=run_id, first=first, last=last)
        return [Waiting(row["ordinal"], row["repeat"], Case.model_validate(row["body"])) async for row in rows]

    async def put(self, run_id: UUID, results: Sequence[Result]) -> str:
        """Keeps results, unless there are some of the same cases; gives the status of the run. What no text can have becomes U+FFFD."""
        status: str = await self._queries.put_results(
            self._pool,
            run_id=run_id,
            ordinals=[result.ordinal for result in results],
            repeats=[result.repeat for result in results],
            answers=[_storable(_answer(result.answer)) for result in results],
            scores=[{name: _storable(_score(score)) for name, score in result.scores.items()} for result in results],
            errors=[_storable(result.error) for result in results],
            codes=[result.code for result in results],
        )
        return status

    async def put_recorded(self, effect: Effect, run_id: UUID, fingerprint: str, cases: Sequence[CaseRecord]) -> None:
        """Keeps what another workbench measured. Raises Permanent `record_invalid` if it is of cases that the dataset has not."""
        found = await self._queries.put_recorded(
            effect.connection,
            run_id=run_id,
            tenant_id=effect.tenant_id,
            fingerprint=fingerprint,
            case_ids=[case.case_id for case in cases],
            repeats=[case.repeat for case in cases],
            answers=[None if case.error else {"text": _storable(case.text)} for case in cases],
            scores=[{name: _recorded(value) for name, value in case.scores.items()} for case in cases],
            errors=[_storable(case.error) for case in cases],
        )
        if found != len(cases):
            raise Permanent("record_invalid", f"{len(cases) - found} of its {len(cases)} cases are not in the dataset that it names")

    async def scored(self, effect: Effect, run_id: UUID, only: str | None = None) -> list[Scored]:
        """A run's cases in their order, each with its scores' means over repeats: all of them with the text, or the `only` one."""
        found: list[Scored] = []
        repeats: list[asyncpg.Record] = []
        columns: dict[str, int] = {}
        async for row in effect.connection.cursor(self._queries.scored_results.sql, only, run_id, prefetch=_AT_ONCE):
            if repeats and repeats[0]["ordinal"] != row["ordinal"]:
                found.append(_scored(repeats, columns))
                repeats = []
            repeats.append(row)
        return [*found, _scored(repeats, columns)] if repeats else found

    async def spent(self, effect: Effect, run_id: UUID) -> asyncpg.Record:
        """What a run's answers cost, who gave them, and how many questions have none."""
        return await self._queries.spent_by_run(effect.connection, run_id=run_id)

    async def unpaid(self, run_id: UUID) -> int:
        """How many of a run's questions have no answer because its budget was spent."""
        return int((await self._queries.spent_by_run(self._pool, run_id=run_id))["unpaid"])


async def _batches(cases: AsyncIterator[Case]) -> AsyncIterator[list[Case]]:
    batch: list[Case] = []
    async for case in cases:
        batch.append(case)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _answer(answer: Answered | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {**asdict(answer), "variant": answer.variant.model_dump(), "prompt": answer.prompt.model_dump()}


def _storable(value: Any) -> Any:
    """The same JSON, whatever a model wrote."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list | tuple) else value


def _score(judgement: Judgement) -> dict[str, Any]:
    if isinstance(judgement, Score):
        return {"value": judgement.value, "evidence": judgement.evidence}
    return {"unscored": judgement.reason}


def _recorded(value: float | None) -> dict[str, Any]:
    return {"unscored": "it was not scored where it was recorded"} if value is None else {"value": value, "evidence": ""}


def _scored(repeats: Sequence[asyncpg.Record], columns: dict[str, int]) -> Scored:
    """One case. A repeat without an answer leaves the others' scores as they are, and is counted; without any the case is an error."""
    answered, first = [row for row in repeats if not row["failed"]], repeats[0]
    return Scored(
        case_id=first["case_id"],
        scores=Scores(columns, dict(_means([row["scores"] or {} for row in answered]))),
        text=first["text"] or "",
        answerable=first["answerable"],
        cluster=first["cluster"],
        metadata=first["metadata"],
        error=not answered,
        failed=1 - len(answered) / len(repeats),
    )


def _means(scores: Sequence[Mapping[str, float | None]]) -> Iterator[tuple[str, float]]:
    """Of the names that have a score."""
    for name in dict.fromkeys(name for each in scores for name in each):
        values = [value for each in scores if (value := each.get(name)) is not None]
        if values:
            yield name, sum(values) / len(values)
