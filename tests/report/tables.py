"""The tables of the retrieval report."""

from collections.abc import Iterator, Sequence

from services.evaluator.statistics.bootstrap import Estimate
from services.evaluator.statistics.paired import Comparison
from tests.bench.load import percentiles
from tests.report.grid import Grid
from tests.report.measured import SINGLES, Measured, verdicts
from tests.report.scores import METRICS, SPAN_METRICS, SPANS_AT, scores_of_spans
from tests.report.variants import DEFAULT

FIRST_METRIC = "nDCG@10"


def quality(measured: Measured) -> Grid:
    """A row a system: how much it finds, how fast, and how far the default is ahead."""
    data = measured.data
    columns = ["system", *METRICS, "p50/p95 ms", "timed", f"default - it, {FIRST_METRIC}"]
    rows = [list(_row(measured, number)) for number in range(len(measured.runs))]
    rows += [[name, f"not measured: {reason}"] for name, reason in measured.failures.items()]
    counts = f"{len(data.questions)} questions, {len(data.texts)} documents, {len(measured.runs[0].chunks)} chunks, {data.depth} asked for"
    embedding = f"a question's vector takes {_times(measured.embed_ms)} ms (p50/p95 of /embed) and is cached when variants are timed"
    return Grid(f"{data.name}: {counts}", columns, rows, f"[95 % interval]; {embedding}")


def _row(measured: Measured, number: int) -> Iterator[str]:
    run = measured.runs[number]
    yield run.name
    for metric in METRICS:
        yield told_estimate(measured.estimate(measured.scores[run.name][metric]))
    yield from (_times(run.ms), run.where)
    yield "" if run.name == DEFAULT else _difference(measured.compared(run.name, FIRST_METRIC))


def spans(measured: Measured) -> Grid:
    """How much of the wanted text the first chunks bring, and how much else."""
    rows = [
        [run.name, *(told_estimate(measured.estimate(scores)) for scores in scores_of_spans(run, measured.data).values())]
        for run in measured.runs
    ]
    caption = "Chroma's definitions (Smith and Troynikov, 2024), counted in characters as their code does"
    return Grid(f"{measured.data.name}: text of the first {SPANS_AT} chunks", ["system", *SPAN_METRICS], rows, caption)


def differences(all_measured: Sequence[Measured]) -> Grid:
    """The default less each single component, question by question."""
    rows = [
        [measured.data.name, metric, *(_difference(measured.compared(other, metric)) for other in SINGLES), measured.best_single(metric)]
        for measured in all_measured
        for metric in METRICS
    ]
    columns = ["set", "metric", *(f"default - {other}" for other in SINGLES), "best single"]
    return Grid(
        "The default less its components, paired",
        columns,
        rows,
        "[95 % interval of the mean difference, bootstrap]; p of the sign-flip test; a word if both agree; not corrected for their number",
    )


def show(all_measured: Sequence[Measured]) -> Grid:
    """Whether the default is what it must be."""
    columns = ["metric", "worse than the best single on", "beats BM25 on", "beats dense on", "never worse, and beats both on two sets"]
    rows = [
        [each.metric, *(", ".join(sets) or "none" for sets in (each.worse_on, each.beats_bm25_on, each.beats_dense_on)), _told(each.passed)]
        for each in verdicts(all_measured)
    ]
    return Grid(
        "Is the default the right one?",
        columns,
        rows,
        f"what counts is an interval without 0 and p <= 0.05, and of the metrics {FIRST_METRIC}",
    )


def _told(passed: bool) -> str:
    return "yes" if passed else "no"


def _times(ms: Sequence[float]) -> str:
    found = percentiles(ms)
    return f"{found['p50']:.1f}/{found['p95']:.1f}"


def told_estimate(estimate: Estimate) -> str:
    """The number and its interval."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _difference(comparison: Comparison) -> str:
    difference = comparison.difference
    mark = " better" if comparison.better else " worse" if comparison.worse else ""
    p_value = "<0.001" if comparison.p_value < 0.001 else f"={comparison.p_value:.3f}"
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] p{p_value}{mark}"
