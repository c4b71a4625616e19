"""How sure an answer must be: `python -m tests.report.abstention --data FOLDER`; risk and coverage of the extractive answerer."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from kit.adapters.extractive import SUPPORT
from services.evaluator.metrics.aurc import aurc, risk_coverage
from services.evaluator.statistics.bootstrap import Resampling, bootstrap, together
from tests.bench.handbook import HANDBOOK
from tests.bench.report import machine, tell_machine
from tests.bench.stack import running_stack
from tests.bench.workspace import Workspace
from tests.report.document import today, write_markdown
from tests.report.forced import Answered, answered, holds, proves
from tests.report.grid import Grid
from tests.report.ingested import ingest
from tests.report.session import make_console, parsed, parser, run, workspace
from tests.report.sets import SQUAD, DataSet, read_set
from tests.report.tables import told_estimate
from tests.report.thresholds import Judged, balance, balanced_threshold, best_threshold, chosen_threshold, operate
from workbench.errors import INTERRUPTED

COMMAND = "make abstention-report DATA=FOLDER"
CANDIDATES = [round(0.5 + 0.05 * step, 2) for step in range(12)]


@dataclass(frozen=True, slots=True)
class Both:
    """The sets that the threshold is chosen by."""

    squad: Judged
    handbook: Judged


def main(arguments: Sequence[str]) -> int:
    """The whole report."""
    options, console = parsed(parser("abstention", __doc__), arguments), make_console()
    facts = machine()
    tell_machine(console, facts)
    data = read_set(options.data, SQUAD).sample(options.questions)
    with workspace(console) as place:
        both = asyncio.run(_judge(data, place))
    grids = [_area(both.squad), _curve(both.squad), _thresholds(both.squad), _choice(both)]
    for grid in grids:
        console.print(grid.shown(), "")
    if options.markdown:
        write_markdown(options.markdown, "abstention", today(COMMAND, facts, options.questions), grids)
    return 0


async def _judge(data: DataSet, place: Workspace) -> Both:
    return Both(await _judge_squad(data, place), await _judge_handbook(place))


async def _judge_squad(data: DataSet, place: Workspace) -> Judged:
    questions = [*data.questions, *data.unanswerable]
    place.tell(f"{data.name}: ingesting {len(data.texts)} documents")
    async with running_stack(place.new_folder(data.name)) as stack:
        await ingest(stack, data.texts)
        place.tell(f"{data.name}: asking {len(questions)} questions")
        answers = await answered(stack.http, [question.text for question in questions])
    right = [holds(answer.text, question.answers) for answer, question in zip(answers, questions, strict=True)]
    return _judged(answers, right, [bool(question.answers) for question in questions], [question.topic for question in questions])


async def _judge_handbook(place: Workspace) -> Judged:
    """The questions of the project's own corpus, each a topic of its own; right is an answer that quotes what answers it."""
    folder = await place.with_handbook()
    lines = (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions: list[dict[str, Any]] = [json.loads(line) for line in lines]
    async with running_stack(folder) as stack:
        place.tell(f"handbook: asking {len(questions)} questions")
        answers = await answered(stack.http, [question["question"] for question in questions])
    right = [bool(q["answerable"]) and proves(answer.quotes, q["quote"]) for answer, q in zip(answers, questions, strict=True)]
    return _judged(answers, right, [q["answerable"] for q in questions], [q["id"] for q in questions])


def _judged(answers: Sequence[Answered], right: Sequence[bool], answerable: Sequence[bool], topics: Sequence[str]) -> Judged:
    return Judged(np.array([answer.confidence for answer in answers]), np.array(right), np.array(answerable), topics)


def _area(judged: Judged) -> Grid:
    def estimate(confidence: Sequence[float]) -> str:
        statistic = aurc(confidence, judged.loss)
        return told_estimate(bootstrap(statistic, together(judged.topics), np.random.default_rng(0), Resampling(2_000)))

    rows = [
        ["support of the extractive answerer", estimate(judged.support.tolist())],
        ["the best there could be: every right answer before every wrong one", estimate([-lost for lost in judged.loss])],
        ["chance: the risk of answering all", estimate([0.0] * len(judged.loss))],
    ]
    counts = f"{judged.answerable.sum()} answerable and {(~judged.answerable).sum()} unanswerable questions"
    return Grid(f"{SQUAD}: area under the risk-coverage curve, {counts}", ["confidence", "AURC"], rows, "[95 % interval]; less is better")


def _curve(judged: Judged) -> Grid:
    curve = risk_coverage(judged.support.tolist(), judged.loss)
    places = [int(np.searchsorted(curve.coverage, share)) for share in np.arange(1, 11) / 10]
    rows = [[f"{curve.coverage[at]:.2f}", f"{curve.threshold[at]:.3f}", f"{curve.risk[at]:.3f}"] for at in places]
    caption = "risk: the share of what is answered that does not hold an accepted answer, be it because there is none"
    return Grid(f"{SQUAD}: risk and coverage", ["coverage", "threshold", "risk"], rows, caption)


def _thresholds(judged: Judged) -> Grid:
    columns = [
        "judged on",
        "threshold",
        "ends well",
        "coverage",
        "risk",
        "keeps of right answers",
        "abstains where no answer is",
        "balance",
    ]
    rows = list(chain.from_iterable(_rows(*pair) for pair in _folds(judged)))
    caption = (
        "[95 % interval]; ends well: answered right, or left where there is no answer, as leaving all would "
        f"for {np.mean(~judged.answerable):.3f}; balance: Youden's J, the two columns before it less 1; picked on the other half, which "
        "shares no paragraph with this one"
    )
    return Grid(f"{SQUAD}: thresholds", columns, rows, caption)


def _folds(judged: Judged) -> Iterator[tuple[str, Judged, Judged]]:
    first, second = judged.halves()
    yield "second half", first, second
    yield "first half", second, first


def _rows(name: str, picked_on: Judged, judged: Judged) -> Iterator[list[str]]:
    thresholds = {
        "picked for most ending well": best_threshold(picked_on),
        "picked for balance": balanced_threshold(picked_on),
        "in force": SUPPORT,
        "none": 0.0,
    }
    for label, threshold in thresholds.items():
        done = operate(judged, threshold)
        shares = (done.well, done.coverage, done.risk, done.keeps_right, done.abstains_rightly)
        yield [name, f"{label}: {threshold:.3f}", *map(told_estimate, shares), f"{balance(judged, threshold):.3f}"]


def _choice(both: Both) -> Grid:
    """What the threshold in force was chosen by."""
    columns = ["threshold"]
    for name in (SQUAD, "handbook"):
        columns += [f"{name}: keeps of right answers", "abstains where no answer is", "balance"]
    rows = [[f"{threshold:.2f}", *_does(both.squad, threshold), *_does(both.handbook, threshold)] for threshold in CANDIDATES]
    chosen = chosen_threshold([both.squad, both.handbook], CANDIDATES)
    caption = f"of these {chosen:.2f} has the greatest mean balance of the two sets, each counting as one; {SUPPORT:.2f} is in force"
    return Grid("The threshold, chosen by both sets", columns, rows, caption)


def _does(judged: Judged, threshold: float) -> list[str]:
    sure, unanswerable = judged.support >= threshold, ~judged.answerable
    kept, left = f"{(sure & judged.right).sum()} of {judged.right.sum()}", f"{(~sure & unanswerable).sum()} of {unanswerable.sum()}"
    return [kept, left, f"{balance(judged, threshold):.3f}"]


if __name__ == "__main__":
    run(main, INTERRUPTED)
