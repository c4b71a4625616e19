"""How sure an answer must be: `python -m tests.report.abstention --data FOLDER`; risk and coverage of the extractive answerer."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain

import httpx
import numpy as np

from kit.adapters.extractive import SUPPORT
from kit.adapters.minilm import MiniLM
from services.evaluator.metrics.aurc import aurc, risk_coverage
from services.evaluator.statistics.bootstrap import Resampling, bootstrap, together
from tests.bench.load import run_load
from tests.bench.report import machine, tell_machine
from tests.bench.stack import running_stack
from tests.bench.workspace import Workspace
from tests.report.document import today, write_markdown
from tests.report.grid import Grid
from tests.report.ingested import ingest
from tests.report.session import make_console, parsed, parser, run, workspace
from tests.report.sets import SQUAD, DataSet, Question, read_set
from tests.report.support import Prober, Remembering, holds
from tests.report.tables import told_estimate
from tests.report.thresholds import Judged, best_threshold, operate
from workbench.errors import INTERRUPTED

COMMAND = "make abstention-report DATA=../shared/datasets"
TOP_K = 5  # as many passages as the default variant answers from
TOLD_EVERY = 250


def main(arguments: Sequence[str]) -> int:
    """The whole report."""
    options, console = parsed(parser("abstention", __doc__), arguments), make_console()
    facts = machine()
    tell_machine(console, facts)
    data = read_set(options.data, SQUAD).sample(options.questions)
    with workspace(console) as place:
        judged = asyncio.run(_judge(data, place))
    grids = [_area(judged), _curve(judged), _thresholds(judged)]
    for grid in grids:
        console.print(grid.shown(), "")
    if options.markdown:
        write_markdown(options.markdown, "abstention", today(COMMAND, facts), grids)
    return 0


async def _judge(data: DataSet, place: Workspace) -> Judged:
    questions = [*data.questions, *data.unanswerable]
    place.tell(f"{data.name}: ingesting {len(data.texts)} documents")
    async with running_stack(place.new_folder(data.name)) as stack:
        await ingest(stack, data.texts)
        place.tell(f"{data.name}: searching for {len(questions)} questions")
        passages = await _passages(stack.http, questions)
    model = MiniLM()
    prober, answered = Prober(Remembering(model)), []
    for number, (question, found) in enumerate(zip(questions, passages, strict=True)):
        if number % TOLD_EVERY == 0:
            place.tell(f"{data.name}: {number} of {len(questions)} answered")
        answered.append(await prober.probe(question.text, found))
    model.close()
    return Judged(
        np.array([answer.support for answer in answered]),
        np.array([holds(answer.text, question.answers) for answer, question in zip(answered, questions, strict=True)]),
        np.array([bool(question.answers) for question in questions]),
        [question.topic for question in questions],
    )


async def _passages(http: httpx.AsyncClient, questions: Sequence[Question]) -> list[list[str]]:
    load = await run_load(http, "/search", [{"query": question.text, "top_k": TOP_K} for question in questions], 1)
    return [[hit["text"] for hit in answer.body["hits"]] for answer in load.answers]


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
    columns = ["judged on", "threshold", "ends well", "coverage", "risk", "abstains where no answer is", "abstains where one is"]
    rows = list(chain.from_iterable(_rows(*pair) for pair in _folds(judged)))
    caption = (
        "[95 % interval]; ends well: answered right, or left where there is no answer, as leaving all would "
        f"for {np.mean(~judged.answerable):.3f}; picked: by it most end well on the other half, which shares no paragraph with this one"
    )
    return Grid(f"{SQUAD}: thresholds", columns, rows, caption)


def _folds(judged: Judged) -> Iterator[tuple[str, Judged, Judged]]:
    first, second = judged.halves()
    yield "second half", first, second
    yield "first half", second, first


def _rows(name: str, picked_on: Judged, judged: Judged) -> Iterator[list[str]]:
    for label, threshold in (("picked", best_threshold(picked_on)), ("in force", SUPPORT), ("none", 0.0)):
        done = operate(judged, threshold)
        shares = (done.well, done.coverage, done.risk, done.abstains_rightly, done.abstains_wrongly)
        yield [name, f"{label}: {threshold:.3f}", *map(told_estimate, shares)]


if __name__ == "__main__":
    run(main, INTERRUPTED)
