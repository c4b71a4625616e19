"""Budgets, and what was spent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, model_validator

from kit.errors import Permanent
from kit.gateway.budget import LARGEST, MICROS, Budget, BudgetScope, Window, micros_of
from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.api.schemas import Request
from services.rag.usage import Spending, UsageBy, UsageRow

router = APIRouter(tags=["usage"])

_DEFAULT_SPAN = timedelta(days=30)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_BY = "|".join(UsageBy)

Subject = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
By = Annotated[str, Query(pattern=f"^({_BY})(,({_BY}))*$", description=f"any of {', '.join(UsageBy)}, with commas between")]


class BudgetRequest(Request):
    """Limits for each window: US dollars, tokens (input and output together), or both."""

    usd: Decimal | None = Field(default=None, ge=0, le=LARGEST // MICROS)
    tokens: int | None = Field(default=None, ge=0, le=LARGEST)

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.usd is None and self.tokens is None:
            raise ValueError("give usd, tokens or both")
        return self


class BudgetInfo(BaseModel):
    """A budget, what is spent or reserved of it in this window, and when the window ends (None: never)."""

    scope: BudgetScope
    subject: str
    window: Window
    usd: float | None
    tokens: int | None
    spent_usd: float
    spent_tokens: int
    ends_at: datetime | None


class UsageSum(BaseModel):
    """Sums of calls. Of the `unknown`, whose end nobody saw, all that may have been billed counts; `unpriced` have no known cost."""

    group: dict[str, str | None]
    calls: int
    failed: int
    cancelled: int
    unknown: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int


class UsageResponse(BaseModel):
    """The ledger from `start` to before `end`, grouped, and all of it."""

    start: datetime
    end: datetime
    by: list[UsageBy]
    rows: list[UsageSum]
    total: UsageSum


@router.put("/budgets/{scope}/{subject}/{window}", dependencies=[needs(Scope.BUDGETS_WRITE)])
async def put_budget(rag: Rag, who: Who, scope: BudgetScope, subject: Subject, window: Window, body: BudgetRequest) -> BudgetInfo:
    """Sets a budget of a tenant, an API key or an evaluation run; it holds everywhere within 5 s."""
    micros = None if body.usd is None else micros_of(body.usd)
    return _info(await rag.budgets.put(who, Budget(scope, subject, window, micros, body.tokens)))


@router.get("/budgets/{scope}/{subject}/{window}", dependencies=[needs(Scope.USAGE_READ)])
async def get_budget(rag: Rag, who: Who, scope: BudgetScope, subject: Subject, window: Window) -> BudgetInfo:
    """Tells a budget, and what is spent of it."""
    return _info(await rag.budgets.get(who, Budget(scope, subject, window)))


@router.delete("/budgets/{scope}/{subject}/{window}", status_code=204, dependencies=[needs(Scope.BUDGETS_WRITE)])
async def delete_budget(rag: Rag, who: Who, scope: BudgetScope, subject: Subject, window: Window) -> None:
    """Takes a budget away; that of the settings holds again, if there is one."""
    await rag.budgets.remove(who, Budget(scope, subject, window))


@router.get("/usage", dependencies=[needs(Scope.USAGE_READ)])
async def usage(
    rag: Rag,
    who: Who,
    by: By = "day,model",
    start: Annotated[datetime | None, Query(alias="from", description="30 days before `to` unless told")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="now unless told")] = None,
) -> UsageResponse:
    """Sums up the calls to language models of the tenant, or with `tenants:admin` of all tenants; times without a zone are UTC."""
    until = max(_utc(end) or rag.clock.now(), _EARLIEST + _DEFAULT_SPAN)
    since = _utc(start) or until - _DEFAULT_SPAN
    if since >= until:
        raise Permanent("request_invalid", f"`from` ({since.isoformat()}) must be before `to` ({until.isoformat()})")
    grouped = [UsageBy(name) for name in dict.fromkeys(by.split(","))]
    rows = [_sum(row) for row in await rag.usage.between(who, grouped, since, until)]
    return UsageResponse(start=since, end=until, by=grouped, rows=rows, total=_total(rows))


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _info(spending: Spending) -> BudgetInfo:
    budget = spending.budget
    return BudgetInfo(
        scope=budget.scope,
        subject=budget.subject,
        window=budget.window,
        usd=None if budget.micros is None else budget.micros / MICROS,
        tokens=budget.tokens,
        spent_usd=spending.micros / MICROS,
        spent_tokens=spending.tokens,
        ends_at=spending.ends_at,
    )


def _sum(row: UsageRow) -> UsageSum:
    sums = {name: getattr(row, name) for name in UsageSum.model_fields if name != "cost_usd"}
    return UsageSum(**sums, cost_usd=row.micros / MICROS)


def _total(rows: list[UsageSum]) -> UsageSum:
    counts = {name: sum(getattr(row, name) for row in rows) for name in UsageSum.model_fields if name not in ("group", "cost_usd")}
    micros = sum(round(row.cost_usd * MICROS) for row in rows)
    return UsageSum(group={}, **counts, cost_usd=micros / MICROS)
