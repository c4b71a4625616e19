"""How often a gate is wrong: `python -m tests.report.error_rates [--markdown docs/error-rates.md]`; runs without and with a regression."""

import os
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from services.evaluator.compare import compare
from services.evaluator.gate import Gate
from services.evaluator.verdict import Verdict
from tests.bench.report import machine, tell_machine
from tests.report.document import today, write_markdown
from tests.report.grid import Grid
from tests.report.session import make_console, run
from tests.report.simulated import CORRECT, NDCG, NONE, SCORES, TOKEN_F1, Regression, Shape, greatest, two_runs
from workbench.errors import INTERRUPTED

COMMAND = "python -m tests.report.error_rates --markdown docs/error-rates.md"
SHAPES = (Shape(120), Shape(120, 8), Shape(500), Shape(500, 8))
ALPHA, POWER = 0.05, 0.8
NARROW, USUAL_MARGIN = 0.02, 0.05
SURE = 0.999
TIMES = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """Many comparisons of one kind."""

    shape: Shape
    regression: Regression
    margin: float
    scores: tuple[str, ...]
    comparisons: int
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often each verdict came, and the minimum detectable effect that comparisons stated, in the middle, by score."""

    verdicts: Mapping[Verdict, int]
    mde: Mapping[str, float]

    @property
    def comparisons(self) -> int:
        """How many there were."""
        return sum(self.verdicts.values())


def attempt(trial: Trial) -> Outcome:
    """Makes the comparisons."""
    gate = make_gate(trial.scores, trial.margin)
    verdicts, effects = Counter[Verdict](), []
    for number in range(trial.comparisons):
        runs = two_runs(trial.shape, trial.regression, np.random.default_rng([trial.seed, number]))
        found = compare(*runs, gate, number, trial.resamples)
        verdicts[Verdict(found.verdict or "")] += 1
        effects.append([row.mde or 0.0 for row in found.metrics if row.rule])
    return Outcome(verdicts, dict(zip(trial.scores, np.median(effects, axis=0).tolist(), strict=True)))


def make_gate(scores: Sequence[str], margin: float) -> Gate:
    """No score may be worse, by that margin."""
    rules = [{"metric": score, "rule": "no_worse", "margin": margin} for score in scores]
    return Gate.model_validate({"name": "simulated", "description": "Nothing is worse.", "alpha": ALPHA, "power": POWER, "rules": rules})


def bound(comparisons: int) -> int:
    """How many false alarms a gate that keeps alpha has at most, in 999 of 1,000 such experiments; exact, by the binomial distribution."""
    return int(stats.binom.ppf(SURE, comparisons, ALPHA))


def main(arguments: Sequence[str]) -> int:
    """The whole report."""
    options, console, began = _options(arguments), make_console(), time.monotonic()
    facts = machine()
    tell_machine(console, facts)
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        equal = _equal(options, pool)
        grids = [_alarms(equal), _caught(options, pool, equal), _passed(options, pool)]
    for grid in grids:
        console.print(grid.shown(), "")
    if options.markdown:
        told = {"resamples": f"{options.resamples:,} a comparison", "took": f"{(time.monotonic() - began) / 60:.0f} minutes"}
        write_markdown(options.markdown, "error-rates", today(COMMAND, facts) | told, grids)
    return 0


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.report.error_rates", description=__doc__)
    parser.add_argument("--comparisons", type=int, default=400, metavar="N", help="of runs that do not differ; of others fewer; 400")
    parser.add_argument("--resamples", type=int, default=1_000, metavar="N", help="of each comparison; 1,000; the product takes 10,000")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="write the tables into this document as well")
    return parser.parse_args(arguments)


def _equal(options: Namespace, pool: Executor) -> dict[Shape, Outcome]:
    """Of runs that do not differ."""
    trials = [Trial(shape, NONE, NARROW, SCORES, options.comparisons, options.resamples, seed) for seed, shape in enumerate(SHAPES)]
    return dict(zip(SHAPES, pool.map(attempt, trials), strict=True))


def _alarms(equal: Mapping[Shape, Outcome]) -> Grid:
    rows = [[str(shape), str(found.comparisons), *_counts(found), f"{bound(found.comparisons)}"] for shape, found in equal.items()]
    pooled = Outcome(sum((Counter(found.verdicts) for found in equal.values()), Counter()), {})
    rows.append(["all", str(pooled.comparisons), *_counts(pooled), f"{bound(pooled.comparisons)}"])
    columns = ["runs", "comparisons", "FAIL", "PASS", "INCONCLUSIVE", f"most FAILs at alpha {ALPHA}"]
    caption = f"a FAIL is a false alarm; the last column is exact: P(more | alpha) < {1 - SURE:.3f}; three rules of margin {NARROW}"
    return Grid("Runs that do not differ", columns, rows, caption)


def _caught(options: Namespace, pool: Executor, equal: Mapping[Shape, Outcome]) -> Grid:
    trials = list(_planted(options, equal))
    rows = [
        [str(trial.shape), trial.regression.score, f"{times:g}", f"{trial.regression.effect:.3f}", str(found.comparisons), *_counts(found)]
        for (times, trial), found in zip(trials, pool.map(attempt, [trial for _, trial in trials]), strict=True)
    ]
    columns = ["runs", "worse", "times the effect", "loss", "comparisons", "FAIL", "PASS", "INCONCLUSIVE"]
    caption = (
        f"the effect: the minimum detectable effect at power {POWER} that comparisons of equal runs state, in the middle; 1 must FAIL "
        f"{POWER:.0%} of the time; [95 % interval, exact]; the same three rules of margin {NARROW}, of which one is broken"
    )
    return Grid("Regressions of known size", columns, rows, caption)


def _planted(options: Namespace, equal: Mapping[Shape, Outcome]) -> Iterator[tuple[float, Trial]]:
    kinds = [(shape, score, times) for shape in equal for score in SCORES for times in (TIMES if score != NDCG else (1.0,))]
    for seed, (shape, score, times) in enumerate(kinds, 100):
        count = max(1, options.comparisons * 2 // 5 if times == 1 else options.comparisons // 5)
        regression = Regression(score, min(times * equal[shape].mde[score], greatest(score)))
        yield times, Trial(shape, regression, NARROW, SCORES, count, options.resamples, seed)


def _passed(options: Namespace, pool: Executor) -> Grid:
    kinds = enumerate(((shape, score) for shape in SHAPES for score in (CORRECT, TOKEN_F1)), 200)
    count = max(1, options.comparisons * 2 // 5)
    trials = [
        Trial(shape, Regression(score, USUAL_MARGIN), USUAL_MARGIN, (score,), count, options.resamples, seed)
        for seed, (shape, score) in kinds
    ]
    rows = [
        [str(trial.shape), trial.regression.score, str(found.comparisons), *_counts(found)]
        for trial, found in zip(trials, pool.map(attempt, trials), strict=True)
    ]
    caption = f"one rule of margin {USUAL_MARGIN}, and a loss of just that: a PASS is false, and may come in {ALPHA:.0%} of comparisons"
    return Grid("A loss of just the margin", ["runs", "worse", "comparisons", "FAIL", "PASS", "INCONCLUSIVE"], rows, caption)


def _counts(found: Outcome) -> Iterator[str]:
    for verdict in (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE):
        count = found.verdicts.get(verdict, 0)
        ends = stats.binomtest(count, found.comparisons).proportion_ci(0.95)
        yield f"{count} = {count / found.comparisons:.1%} [{ends.low:.1%}, {ends.high:.1%}]"


if __name__ == "__main__":
    run(main, INTERRUPTED)
