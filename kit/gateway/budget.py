"""Budgets: how much a tenant, an API key or an evaluation run may spend in a window of time.

Money is whole micro-dollars (millionths of a US dollar), each call's rounded up: sums are exact, and what a counter holds is never below
what is billed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from kit.ports.llm import Caller

MICROS = 1_000_000
# Larger numbers are not exact in Redis' scripts: 9 billion dollars.
LARGEST = 2**53 - 1
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


class BudgetScope(StrEnum):
    """What a budget is of."""

    TENANT = "tenant"
    KEY = "key"
    RUN = "run"


class Window(StrEnum):
    """How long a budget is for; days and months are those of UTC, and a total never ends."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"

    @property
    def renews(self) -> bool:
        """Whether there is a next window."""
        return self is not Window.TOTAL

    def bounds(self, at: datetime) -> tuple[datetime, datetime]:
        """The beginning of the window that `at` is in, and the moment after its end."""
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        match self:
            case Window.DAY:
                return midnight, midnight + timedelta(days=1)
            case Window.MONTH:
                first = midnight.replace(day=1)
                return first, (first + timedelta(days=32)).replace(day=1)
            case Window.TOTAL:
                return _BEGINNING, _END


@dataclass(frozen=True, slots=True)
class Counter:
    """What one subject spends in one window, from `start` to before `end`."""

    scope: BudgetScope
    subject: str
    window: Window
    start: datetime
    end: datetime

    @classmethod
    def at(cls, scope: BudgetScope, subject: str, window: Window, at: datetime) -> "Counter":
        """The counter of the window that `at` is in."""
        return cls(scope, subject, window, *window.bounds(at))

    @property
    def name(self) -> str:
        """Tells it from all others of its tenant."""
        return f"{self.scope}:{self.subject}:{self.window}:{self.start:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many micro-dollars, and so many tokens (input and output together), in each window; None is no limit."""

    scope: BudgetScope
    subject: str
    window: Window
    micros: int | None = None
    tokens: int | None = None

    def counter(self, at: datetime) -> Counter:
        """What it limits at that time."""
        return Counter.at(self.scope, self.subject, self.window, at)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call takes from budgets; `micros` is None where the model has no known price."""

    input_tokens: int
    output_tokens: int
    micros: int | None

    @property
    def tokens(self) -> int:
        """Of both kinds."""
        return self.input_tokens + self.output_tokens


NOTHING = Charge(0, 0, 0)


def subjects_of(caller: Caller) -> Iterator[tuple[BudgetScope, str]]:
    """Who pays for a caller's calls."""
    yield BudgetScope.TENANT, caller.tenant_id
    if caller.key_id is not None:
        yield BudgetScope.KEY, caller.key_id
    if caller.run_id is not None:
        yield BudgetScope.RUN, caller.run_id


def counters_of(caller: Caller, at: datetime) -> Iterator[Counter]:
    """All counters that a call at that time belongs to, whether or not there is a budget for them."""
    for scope, subject in subjects_of(caller):
        for window in Window:
            yield Counter.at(scope, subject, window, at)


def micros_of(usd: float | Decimal) -> int:
    """Dollars in micro-dollars, rounded up."""
    return int((Decimal(str(usd)) * MICROS).to_integral_value(ROUND_CEILING))
