"""What a report is made of: the evaluation and its cases, as the service tells them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.evals import Evals, Json

MOST_LISTED = 100
MOST_DRAWN = 5_000


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation; cases by what changed; and of all cases as many as are drawn. `metric` is the score by which they changed."""

    found: Json
    metric: str
    broken: Sequence[Json] = ()
    fixed: Sequence[Json] = ()
    changed: Sequence[Json] = ()
    drawn: Sequence[Json] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many cases are fixed, broken, changed, the same: as the comparison says, or else of those that are drawn."""
        said = (self.found.get("comparison") or {}).get("cases")
        return dict(said) if said else dict(Counter(case["change"] for case in self.drawn if case["change"]))

    def json(self) -> Json:
        """The same for a program."""
        cases = {name: list(getattr(self, name)) for name in ("broken", "fixed", "changed")}
        return {"format": "workbench.report.v1", "evaluation": self.found, "metric": self.metric, "counts": self.counts, "cases": cases}


async def gathered(evals: Evals, found: Json) -> Report:
    """The report of an evaluation, with its cases."""
    eval_id = found["eval_id"]
    drawn = await evals.cases(eval_id, most=MOST_DRAWN)
    listed: dict[str, Any] = {}
    for change in ("broken", "fixed", "changed"):
        listed[change] = [] if found["baseline_run"] is None else (await evals.cases(eval_id, change, MOST_LISTED))["cases"]
    return Report(found, drawn["metric"], **listed, drawn=drawn["cases"])
