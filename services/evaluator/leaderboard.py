"""The leaderboard of a dataset: its runs in the order of one metric, and those that chance alone may keep from the first place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.evaluator.record import MetricFigure, RunRecord
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import cluster_sums, together
from services.evaluator.statistics.holm import holm
from services.evaluator.statistics.paired import permutation_p

PRIMARY = "correct"
ALPHA = 0.05
# As gates have it (`max_errors`): a question that failed by chance takes nobody off the board.
MAX_LOST = 0.01

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """A completed run of a variant."""

    run: RunRecord
    cases: Sequence[Scored]

    @property
    def value(self) -> float | None:
        """What it is ranked by."""
        return next((one.value for one in self.run.metrics if one.metric == PRIMARY), None)

    @property
    def answered(self) -> int:
        """How many of its cases have an answer."""
        return self.run.cases - sum(case.error for case in self.cases)

    @property
    def scores(self) -> Mapping[str, float]:
        """The score of each case that has one."""
        return {case.case_id: score for case in self.cases if (score := case.score(PRIMARY)) is not None}


def board(contenders: Sequence[Contender], seed: int = 0) -> Json:
    """`{metric, entries}`, best first; equal values share a rank.

    Only runs that answered as many cases as the fullest one, but for one in a hundred, are ranked: a few lucky cases are no lead, and what
    was lost may have been hard. Tied for first is whoever is not significantly behind the first: by the paired sign-flip test of clusters
    over the cases that both have scores for, p-values after Holm.
    """
    least = (1 - MAX_LOST) * max((one.answered for one in contenders), default=0)
    valued = [(one.value, one) for one in contenders if one.answered >= least and one.value is not None]
    ranked = sorted(valued, key=lambda pair: (-pair[0], _cost(pair[1]), pair[1].run.reference))
    values = [value for value, _ in ranked]
    adjusted = holm([_chance(one, ranked[0][1], seed) for _, one in ranked[1:]])
    tied = [True, *(p > ALPHA for p in adjusted)][: len(ranked)]
    entries = [_entry(one.run, values.index(value) + 1, tie) for (value, one), tie in zip(ranked, tied, strict=True)]
    return {"metric": PRIMARY, "entries": entries}


def _cost(one: Contender) -> float:
    """Of equals the cheaper comes first."""
    return float("inf") if one.run.cost_usd is None else one.run.cost_usd


def _chance(one: Contender, first: Contender, seed: int) -> float:
    """How likely chance alone sets the two as far apart; 1 where no case tells."""
    ours, theirs = one.scores, first.scores
    both = [case for case in one.cases if case.case_id in ours and case.case_id in theirs]
    if not both:
        return 1.0
    differences = np.array([ours[case.case_id] - theirs[case.case_id] for case in both])
    sums = cluster_sums(differences[:, None], together([case.unit for case in both]))[:, 0]
    return permutation_p(sums, np.random.default_rng(seed))


def _entry(run: RunRecord, rank: int, tied: bool) -> Json:
    figures = {figure.metric: figure for figure in run.metrics}
    return {
        "rank": rank,
        "tied_for_first": tied,
        "run_id": str(run.run_id),
        "variant": run.reference,
        **_interval(figures[PRIMARY]),
        "n": figures[PRIMARY].n,
        "errors": run.errors,
        "metrics": {name: _interval(figure) for name, figure in figures.items()},
        "cost_usd": run.cost_usd,
    }


def _interval(figure: MetricFigure) -> Json:
    return figure.model_dump(include={"value", "low", "high"})
