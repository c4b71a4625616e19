"""Evaluations as a person reads them: the table with intervals, the verdict and why, cases side by side, leaderboards."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench import figures
from workbench.evals import Json

STYLES = {"PASS": "bold green", "FAIL": "bold red", "INCONCLUSIVE": "bold yellow"}
_STATUS = {"completed": "green", "failed": "bold red", "cancelled": "dim"}
_MOVED = {"better": ("▲ ", "green"), "worse": ("▼ ", "red"), None: ("  ", "")}
_WIDE, _NAME = 120, 10
_CHANGES = {"fixed": "green", "broken": "red", "changed": "yellow", "same": "dim"}


def evaluation(found: Json, width: int, slices: bool = False) -> RenderableType:
    """Whole: who against whom, the figures, what changed, the verdict. Where it is narrow, intervals stand below their values."""
    shown = figures.ordered(figures.rows(found) if slices else figures.brief(found))
    table: list[RenderableType] = [Text(), _figures(found, shown, width < _WIDE)] if shown else []
    return Group(_heading(found), *table, Text(), *_ending(found))


def evaluations(found: Sequence[Json]) -> Table:
    """One a line."""
    table = _table("Evaluation", "Asked", "What", "Outcome")
    table.columns[0].no_wrap = table.columns[1].no_wrap = table.columns[3].no_wrap = True
    for one in found:
        asked = f"{datetime.fromisoformat(one['requested_at']):%m-%d %H:%M}"
        against = one["baseline_variant"] or ("a run" if one["baseline_run"] else None)
        told = (one["candidate_variant"] or "a run", against and f"against {against}", f"on {one['dataset']}")
        outcome = verdict(one) if one["verdict"] else status(one)
        table.add_row(Text(one["eval_id"]), asked, Text(" ".join(part for part in told if part)), outcome)
    return table


def status(found: Json) -> Text:
    """With how far it is while it runs."""
    progress = found["progress"]
    word = found["status"] + (f" {progress['done']}/{progress['total']}" if found["status"] == "running" else "")
    return Text(word, style=_STATUS.get(found["status"], "yellow"))


def verdict(found: Json) -> Text:
    """The word of the gate, or nothing."""
    said = found.get("verdict") or ""
    return Text(said, style=STYLES.get(said, ""))


def cases(metric: str, found: Sequence[Json]) -> RenderableType:
    """Each case with both answers; what only one of them says stands out."""
    return Group(*(part for case in found for part in _case(metric, case))) if found else Text("no such cases", style="dim")


def boards(found: Sequence[Json]) -> RenderableType:
    """Each leaderboard; a star is for those that cannot be told from the first."""
    return Group(*(part for board in found for part in _board(board)))


def experiments(found: Sequence[Json]) -> Table:
    """One a line."""
    table = _table("Experiment", "Evaluations", "PASS", "FAIL", "INCONCLUSIVE", "Datasets", "Hypothesis")
    for one in found:
        counts = [str(one[name]) for name in ("evaluations", "passed", "failed", "inconclusive")]
        table.add_row(Text(one["name"]), *counts, Text(", ".join(one["datasets"])), Text(one["hypothesis"] or ""))
    return table


def _heading(found: Json) -> Text:
    candidate = figures.named(found["candidate"]) if found["candidate"] else found["candidate_variant"] or "a run"
    baseline = figures.named(found["baseline"]) if found["baseline"] else found["baseline_variant"]
    against = f" against {baseline}" if baseline else ""
    return Text.assemble((f"{candidate}{against} on {found['dataset']}", "bold"), "  ", (found["eval_id"], "dim"))


def _figures(found: Json, rows: Sequence[Json], narrow: bool) -> Table:
    compared, gate = found["baseline"] is not None, found["gate"] is not None
    table = _table("Metric", "n", "Candidate", *(["Baseline", "Difference"] if compared else []), *(["Gate"] if gate else []))
    table.columns[0].min_width, table.columns[0].overflow = _NAME, "fold"
    for column in table.columns[1 : 5 if compared else 3] + (table.columns[-1:] if narrow else []):
        column.no_wrap = True
    if narrow:
        table.padding = (0, 1, 0, 0)
    for row in rows:
        cells = _cells(row, compared, figures.alpha_of(found))
        table.add_row(*(_narrowed(cell) if narrow else cell for cell in cells), *([_ruled(row, narrow)] if gate else []))
    return table


def _cells(row: Json, compared: bool, alpha: float) -> list[Text]:
    metric = row["metric"]
    part = "" if row["slice"] == figures.ALL else f" [{row['slice']}]"
    cells = [Text(f"{metric}{part}"), Text(str(row["n"])), Text(figures.interval(metric, row["candidate"]))]
    if not compared:
        return cells
    sign, style = _MOVED[figures.moved(row, alpha)]
    moved = Text(f"{sign}{figures.difference(metric, row['difference'])}", style=style)
    return [*cells, Text(figures.interval(metric, row["baseline"])), moved]


def _narrowed(cell: Text) -> Text:
    value, bracket, bounds = cell.plain.partition(" [")
    return Text(f"{value}\n[{bounds}" if bracket else value, style=cell.style)


def _ruled(row: Json, narrow: bool) -> Text:
    said = row.get("verdict") or ""
    return Text.assemble((said, STYLES.get(said, "")), "" if narrow or not said else f" {figures.rule(row)}")


def _ending(found: Json) -> list[Text]:
    told = [_counts(found["comparison"]["cases"])] if found["comparison"] and found["baseline"] else []
    for run in (found["candidate"], found["baseline"]):
        if run and run["errors"]:
            told.append(Text(f"{run['errors']} of {run['cases']} questions to {figures.named(run)} got no answer.", style="red"))
    if found["error"]:
        return [*told, Text(f"{found['status']}: {found['error']['message']}", style="bold red")]
    if found["verdict"]:
        return [*told, Text.assemble(verdict(found), f"  {found['reason'] or ''}")]
    return [*told, Text(found["reason"] or found["status"])]


def _counts(counts: Mapping[str, int]) -> Text:
    return Text(", ".join(f"{counts.get(name, 0)} {name}" for name in _CHANGES))


def _case(metric: str, case: Json) -> list[Text]:
    change = case["change"] or "measured"
    heading = Text.assemble((f"{change:8}", _CHANGES.get(change, "")), (case["question"], "bold"), (f"  {case['case_id']}", "dim"))
    accepted = (
        "nothing: the right thing is to abstain" if not case["answerable"] else " · ".join(case["answers"]) or "see the gold passages"
    )
    lines = [heading, Text(f"  accepted   {accepted}", style="dim")]
    baseline, candidate = case["baseline"], case["candidate"]
    if baseline:
        lines.append(_side("baseline", metric, baseline, candidate, "red"))
    return [*lines, _side("candidate", metric, candidate, baseline, "green"), Text()]


def _side(name: str, metric: str, side: Json, other: Json | None, style: str) -> Text:
    score = "" if side["score"] is None else f" ({metric} {figures.number(metric, side['score'])})"
    line = Text(f"  {name:9}  ")
    if side["error"]:
        return line.append(f"no answer: {side['error']}", style="red")
    words = (side["text"] or "").split()
    others = (other["text"] or "").split() if other else words
    for kind, _, _, start, end in difflib.SequenceMatcher(None, others, words, autojunk=False).get_opcodes():
        if end > start:
            line.append(" ".join(words[start:end]) + " ", style="" if kind == "equal" else style)
    return line.append(score.strip(), style="dim")


def _board(board: Json) -> list[RenderableType]:
    table = _table("Rank", "Variant", board["metric"], "n", "Cost", "Run")
    table.columns[0].no_wrap = table.columns[-1].no_wrap = True
    for entry in board["entries"]:
        rank = f"{entry['rank']}{'*' if entry['tied_for_first'] else ''}"
        cost = figures.number("cost_usd", entry.get("cost_usd"))
        value = figures.interval(board["metric"], entry)
        table.add_row(rank, Text(_variant(entry["variant"])), value, str(entry["n"]), cost, Text(str(entry["run_id"]), no_wrap=True))
    heading = Text.assemble((board["dataset"], "bold"), (f"  {board['fingerprint'][:12]}", "dim"))
    return [heading, table, Text("* cannot be told from the first", style="dim"), Text()]


def _variant(variant: Json | str) -> str:
    return variant if isinstance(variant, str) else f"{variant['name']}@{variant['version']}"


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
