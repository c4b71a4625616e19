"""A report as Markdown for a pull request: the verdict first, then what it rests on."""

import re
from collections.abc import Iterator, Sequence

from workbench import figures
from workbench.evals import Json
from workbench.report.report import Report

_LISTED = 10
_LONGEST = 160
_SIGNS = {"PASS": "✅", "FAIL": "❌", "INCONCLUSIVE": "⚠️"}
_MOVED = {"better": "▲", "worse": "▼", None: ""}


def markdown(report: Report) -> str:
    """The text; what users wrote is shown as it is and formats nothing."""
    return "\n".join([*_heading(report.found), *_table(report.found), *_cases(report), *_runs(report.found)]) + "\n"


def plain(text: object, longest: int = _LONGEST) -> str:
    """A text on one line of a table, in which nothing is Markdown, HTML or a mention of somebody."""
    line = " ".join(str(text).split())
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", line)
    unmarked = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\w)@", "&#64;", unmarked)  # recall@5 mentions nobody


def _heading(found: Json) -> Iterator[str]:
    verdict, baseline = found.get("verdict"), found["baseline"]
    against = f" against {plain(figures.named(baseline))}" if baseline else ""
    said = f"{_SIGNS.get(verdict, '●')} {verdict}" if verdict else ("Compared" if baseline else "Measured")
    yield f"### {said}: {plain(figures.named(found['candidate']))}{against} on {plain(found['dataset'])}"
    yield ""
    for text in (found.get("reason"), found.get("hypothesis") and f"Hypothesis: {found['hypothesis']}"):
        if text:
            yield from (plain(text, 1_000), "")


def _table(found: Json) -> Iterator[str]:
    compared, gate = found["baseline"] is not None, found["gate"] is not None
    names = ["Metric", "n", "Candidate", *(["Baseline", "Difference"] if compared else []), *(["Gate"] if gate else [])]
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in figures.ordered(figures.brief(found)):
        yield f"| {' | '.join(_cells(row, figures.alpha_of(found), compared, gate))} |"
    yield ""


def _cells(row: Json, alpha: float, compared: bool, gate: bool) -> Sequence[str]:
    metric = row["metric"]
    part = "" if row["slice"] == figures.ALL else f" ({plain(row['slice'])})"
    cells = [f"{plain(metric)}{part}", str(row["n"]), figures.interval(metric, row["candidate"])]
    if compared:
        moved = _MOVED[figures.moved(row, alpha)]
        cells += [figures.interval(metric, row["baseline"]), f"{moved} {figures.difference(metric, row['difference'])}".strip()]
    return [*cells, *([f"{row['verdict']}: {figures.rule(row)}" if row.get("verdict") else ""] if gate else [])]


def _cases(report: Report) -> Iterator[str]:
    if report.found["baseline"] is None:
        return
    counts = report.counts
    yield ", ".join(f"{counts.get(name, 0)} {name}" for name in ("fixed", "broken", "changed", "same")) + f" by {plain(report.metric)}."
    for title, cases in (("Broken", report.broken), ("Fixed", report.fixed)):
        yield from _listed(title, cases, counts.get(title.lower(), 0))
    yield ""


def _listed(title: str, cases: Sequence[Json], count: int) -> Iterator[str]:
    if not cases:
        return
    yield from ("", f"<details><summary>{title}: {count}</summary>", "", "| Question | Baseline | Candidate |", "|---|---|---|")
    for case in cases[:_LISTED]:
        yield f"| {plain(case['question'])} | {_said(case['baseline'])} | {_said(case['candidate'])} |"
    if count > _LISTED:
        yield from ("", f"The first {min(_LISTED, len(cases))}.")
    yield from ("", "</details>")


def _said(side: Json) -> str:
    return f"no answer: {plain(side['error'])}" if side["error"] else plain(side["text"] or "")


def _runs(found: Json) -> Iterator[str]:
    for name in ("candidate", "baseline"):
        run = found[name]
        if run:
            prompt = f", prompt {plain(run['prompt']['name'])} version {run['prompt']['version']}" if run.get("prompt") else ""
            told = f"{run['cases']} cases, {run['errors']} without an answer, {figures.number('cost_usd', run['cost_usd'])}"
            yield f"* {name.capitalize()}: {plain(figures.named(run))} (`{run['sha256'][:12]}`){prompt}; {told}; run `{run['run_id']}`"
    yield f"* Evaluation `{found['eval_id']}`, dataset content `{(found['fingerprint'] or '')[:12]}`"
