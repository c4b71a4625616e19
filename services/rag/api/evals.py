"""Evaluations: ask for one, follow it, look at its cases, export its run, compare runs; leaderboards and experiments."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from services.rag.api.evals_schemas import (
    Board,
    BoardList,
    CancelRequest,
    CaseInfo,
    CaseList,
    CaseSide,
    Change,
    EvalDetail,
    EvalInfo,
    EvalList,
    EvalProblem,
    EvalRequest,
    EvalTold,
    Experiment,
    ExperimentList,
    Progress,
    RecordedRun,
)
from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.eval_store import CasePage, EvalPage
from services.rag.evals import FINAL, Wish

router = APIRouter(tags=["evaluations"])

_READS = [needs(Scope.EVALS_READ)]
_WRITES = [needs(Scope.EVALS_WRITE)]
_NAMED = ("dataset", "candidate", "candidate_run", "baseline", "baseline_run", "baseline_record")
_MADE = ("progress", "error")
_ALL = "all"

Key = Annotated[str | None, Header(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.post("/evals", status_code=202, dependencies=_WRITES)
async def request_eval(rag: Rag, who: Who, body: EvalRequest, response: Response, idempotency_key: Key = None) -> EvalTold:
    """Asks for an evaluation."""
    named = {name: getattr(body, name) for name in _NAMED}
    wish = Wish(**named, rest=body.model_dump(exclude=set(_NAMED)))
    told = _told(await rag.evals.request(who.tenant_id, wish, idempotency_key), "requested")
    response.headers["Location"] = told.status_url
    return told


@router.get("/evals", dependencies=_READS)
async def list_evals(
    rag: Rag, who: Who, dataset: str | None = None, experiment: str | None = None, after: UUID | None = None, limit: Limit = 100
) -> EvalList:
    """Lists evaluations, newest first."""
    rows = await rag.evals.store.evals(who.tenant_id, EvalPage(after, limit, dataset, experiment))
    return EvalList(evals=[EvalInfo(**_info(row)) for row in rows], next=rows[-1]["eval_id"] if len(rows) == limit else None)


@router.get("/evals/{eval_id}", dependencies=_READS)
async def get_eval(rag: Rag, who: Who, eval_id: UUID) -> EvalDetail:
    """Tells how far an evaluation is, and what it found."""
    return EvalDetail(**_info(await rag.evals.get(who.tenant_id, eval_id)))


@router.post("/evals/{eval_id}/cancel", status_code=202, dependencies=_WRITES)
async def cancel_eval(rag: Rag, who: Who, eval_id: UUID, body: CancelRequest | None = None) -> EvalTold:
    """Ends an evaluation; what was measured until then is kept."""
    await rag.evals.cancel(who.tenant_id, eval_id, body.reason if body else None)
    return _told(eval_id, "cancelling")


@router.get("/evals/{eval_id}/cases", dependencies=_READS)
async def list_cases(
    rag: Rag,
    who: Who,
    eval_id: UUID,
    change: Annotated[Change, Query(description="fixed, broken, changed, same or all")] = _ALL,
    after: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1,
    limit: Limit = 100,
) -> CaseList:
    """Lists the cases with both answers and all scores."""
    page = CasePage(None if change == _ALL else change, after, limit)
    metric, rows = await rag.evals.cases(who.tenant_id, eval_id, page)
    return CaseList(metric=metric, cases=[_case(row) for row in rows], next=rows[-1]["ordinal"] if len(rows) == limit else None)


@router.get("/evals/{eval_id}/record", dependencies=_READS)
async def export_run(rag: Rag, who: Who, eval_id: UUID) -> RecordedRun:
    """Exports the candidate's run, to be a baseline later or elsewhere."""
    return RecordedRun(**await rag.evals.record(who.tenant_id, eval_id))


@router.get("/compare", dependencies=[*_WRITES, *_READS], responses={202: {"model": EvalDetail, "description": "it is being compared"}})
async def compare(
    rag: Rag,
    who: Who,
    response: Response,
    candidate: UUID,
    baseline: UUID,
    gate: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> EvalDetail:
    """Compares two runs of the same cases, each named by its id or its evaluation's; 202 until it is done: ask again."""
    row = await rag.evals.compare(who.tenant_id, candidate, baseline, gate)
    response.status_code = 200 if row["status"] in FINAL else 202
    response.headers["Location"] = f"/evals/{row['eval_id']}"
    return EvalDetail(**_info(row))


@router.get("/leaderboard", dependencies=_READS)
async def leaderboard(rag: Rag, who: Who, dataset: str | None = None) -> BoardList:
    """Ranks the runs of each dataset."""
    return BoardList(boards=[_board(row) for row in await rag.evals.store.leaderboards(who.tenant_id, dataset)])


@router.get("/experiments", dependencies=_READS)
async def experiments(rag: Rag, who: Who) -> ExperimentList:
    """Lists what evaluations were grouped by."""
    return ExperimentList(experiments=[Experiment(**row) for row in await rag.evals.store.experiments(who.tenant_id)])


def _told(eval_id: UUID, status: str) -> EvalTold:
    return EvalTold(eval_id=eval_id, status=status, status_url=f"/evals/{eval_id}")


def _info(row: Mapping[str, Any]) -> dict[str, Any]:
    problem = EvalProblem(code=row["error_code"], message=row["error_message"]) if row["error_code"] else None
    progress = Progress(done=row["done"], total=row["total"], failed=row["failed"])
    return {**{name: row[name] for name in EvalDetail.model_fields if name not in _MADE}, "progress": progress, "error": problem}


def _case(row: Mapping[str, Any]) -> CaseInfo:
    kept = {name: row[name] for name in ("ordinal", "case_id", "question", "answerable", "cluster", "change")}
    texts = {"answers": row["answers"] or [], "metadata": row["metadata"] or {}}
    baseline = _side(row, "baseline_") if row["compared"] else None
    return CaseInfo(**kept, **texts, candidate=_side(row, ""), baseline=baseline)


def _side(row: Mapping[str, Any], prefix: str) -> CaseSide:
    answer = row[f"{prefix}answer"]
    return CaseSide(
        score=row[f"{prefix}score"],
        text=answer.get("text") if answer else None,
        abstained=answer.get("abstained") if answer else None,
        answer=answer,
        scores=row[f"{prefix}scores"] or {},
        error=row[f"{prefix}error"],
    )


def _board(row: Mapping[str, Any]) -> Board:
    kept = {name: row[name] for name in ("dataset", "fingerprint", "updated_at")}
    return Board(**kept, metric=row["board"]["metric"], entries=row["board"]["entries"])
