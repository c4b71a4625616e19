"""Evaluations in memory, and a client of their routes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.clock import FakeClock
from kit.fakes.blobs import InMemoryBlobs
from kit.ids import new_id
from services.rag.api import evals, problems
from services.rag.api.evals_schemas import EvalDetail
from services.rag.api.middleware import Observed
from services.rag.eval_store import CasePage, EvalPage, Telling
from services.rag.evals import Evals
from services.rag.principal import Principal, Scope
from tests.unit.rag.served import OneUser, direct
from tests.unit.rag.shelf import TENANT, shelf_with_built_in, variants_on

EVERYTHING = frozenset({Scope.EVALS_READ, Scope.EVALS_WRITE})
NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)
VARIANT = {"name": "default", "version": "1"}


def record(run_id: UUID, fingerprint: str = "f" * 64) -> dict[str, Any]:
    """What is told of a run."""
    where = {"dataset": "faq", "fingerprint": fingerprint, "cases": 2}
    return {"run_id": str(run_id), "origin": "measured", "variant": VARIANT, "sha256": "a" * 64, **where}


@dataclass
class InMemoryEvals:
    """The twin of EvalStore: requests are rows at once, and what evaluator would publish is put there by the test."""

    rows: dict[tuple[str, UUID], dict[str, Any]] = field(default_factory=dict)
    runs: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    told: list[EvalRequestedV1 | EvalCancelledV1] = field(default_factory=list)
    pages: list[CasePage] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))

    async def add(self, tenant_id: str, event: EvalRequestedV1, _: str | None = None) -> UUID:
        """Once for each id."""
        if (tenant_id, event.eval_id) not in self.rows:
            self.told.append(event)
            self.rows[tenant_id, event.eval_id] = row(event)
        return event.eval_id

    async def cancel(self, _: str, event: EvalCancelledV1) -> None:
        """Only tells."""
        self.told.append(event)

    async def one(self, tenant_id: str, eval_id: UUID) -> dict[str, Any] | None:
        """Of this tenant alone."""
        return self.rows.get((tenant_id, eval_id))

    async def evals(self, tenant_id: str, page: EvalPage) -> list[dict[str, Any]]:
        """In the order in which they came."""
        return [one for (owner, _), one in self.rows.items() if owner == tenant_id][: page.limit]

    async def run(self, _: str, run_id: UUID) -> dict[str, Any] | None:
        """One that was put there."""
        return self.runs.get(run_id)

    async def compared(self, tenant_id: str, runs: tuple[UUID, UUID], gate: str | None) -> UUID | None:
        """The last that was told."""
        asked = [one for (owner, _), one in self.rows.items() if owner == tenant_id]
        same = [one["eval_id"] for one in asked if (one["candidate_run"], one["baseline_run"], one["gate"]) == (*runs, gate)]
        return same[-1] if same else None

    async def has_dataset(self, _: str, name: str) -> bool:
        """There is one."""
        return name == "faq"

    async def answers(self, _: str, __: UUID) -> list[dict[str, Any]]:
        """One with a score, one that got none."""
        told = {"case_id": "q1", "cluster": "c", "answerable": True, "metadata": {}, "repeat": 0}
        scores = {"correct": 1.0, "recall@5": None}
        return [
            {**told, "text": "yes", "scores": scores, "error": None},
            {**told, "case_id": "q2", "text": None, "scores": {}, "error": "e"},
        ]

    async def cases(self, _: str, __: Any, by: Telling, page: CasePage) -> list[dict[str, Any]]:
        """One, in both runs, whose text says by what it is told."""
        self.pages.append(page)
        sides = {f"{side}{name}": None for side in ("", "baseline_") for name in ("score", "answer", "scores", "error")}
        told = {"ordinal": 4, "case_id": "q1", "question": "?", "answerable": True, "answers": None, "metadata": None, "cluster": None}
        return [{**told, **sides, "score": 1.0, "answer": {"text": str(by), "abstained": False}, "compared": True, "change": "fixed"}]


def row(event: EvalRequestedV1, **fields: Any) -> dict[str, Any]:
    """What the query gives of a request that nobody has seen yet."""
    asked = {
        name: getattr(event, name) for name in ("eval_id", "dataset", "candidate_run", "baseline_run", "gate", "experiment", "hypothesis")
    }
    wishes = {name: getattr(event, name) for name in ("seed", "repeats", "max_cases", "budget_usd")}
    nothing = dict.fromkeys(name for name in EvalDetail.model_fields if name not in ("progress", "error"))
    variants = {"candidate_variant": event.candidate, "baseline_variant": event.baseline, "status": "requested", "receipts": []}
    counts = {"done": 0, "total": 0, "failed": 0, "error_code": None, "error_message": None, "requested_at": "2026-11-29T01:00:00Z"}
    return {**nothing, **asked, **wishes, **variants, **counts, **fields}


def app_over(store: InMemoryEvals, scopes: frozenset[Scope] = EVERYTHING) -> httpx.AsyncClient:
    """A client of the routes alone."""
    app = FastAPI()
    verbs = Evals(store, variants_on(shelf_with_built_in()), InMemoryBlobs(), new_id, store.clock)
    app.state.parts = SimpleNamespace(evals=verbs, authenticator=OneUser(Principal(TENANT, "k", scopes)))
    problems.add_problem_handlers(app)
    app.include_router(evals.router)
    app.add_middleware(Observed)
    return direct(app)


async def got(store: InMemoryEvals, path: str, scopes: frozenset[Scope] = EVERYTHING) -> httpx.Response:
    """GET."""
    async with app_over(store, scopes) as http:
        return await http.get(path)
