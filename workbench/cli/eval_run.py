"""`workbench eval run`: a dataset is prepared, a variant measured and compared, and the outcome shown, with an exit code that says it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render import evals as render
from workbench.cli.watching import watched
from workbench.client import Client
from workbench.datasets import PrepareOptions, Progress, prepare
from workbench.evals import Json
from workbench.report.page import page
from workbench.report.report import gathered
from workbench.verdicts import require_completed, verdict_of
from workbench.written import write

DEFAULT_GATE = "default"
_HUB = "hf:"

Dataset = Annotated[
    str, typer.Option("--dataset", help="A folder or a file, the name of a dataset, or hf:name[#config:split].", show_default=False)
]
Variant = Annotated[str, typer.Option("--variant", help="The candidate: a name, name@label or name@version.")]
Baseline = Annotated[str | None, typer.Option("--baseline", help="The variant that it must beat.", show_default="none")]
BaselineRun = Annotated[str | None, typer.Option("--baseline-run", help="Or a run that was measured before.", show_default="none")]
BaselineRecord = Annotated[
    Path | None, typer.Option("--baseline-record", exists=True, dir_okay=False, help="Or a file of `eval record`.", show_default="none")
]
Gate = Annotated[str | None, typer.Option("--gate", help="What gives the verdict.", show_default="`default` if there is a baseline")]
NoGate = Annotated[bool, typer.Option("--no-gate", help="Figures alone, no verdict.")]
Experiment = Annotated[str | None, typer.Option("--experiment", help="What it belongs to.", show_default="nothing")]
Hypothesis = Annotated[str | None, typer.Option("--hypothesis", help="What you expect, and why; it is kept.")]
Repeats = Annotated[int, typer.Option("--repeats", min=1, max=20, help="How often each case is asked.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="For the choice of cases, and for statistics.")]
MaxCases = Annotated[int | None, typer.Option("--max-cases", min=1, help="A sample of so many.", show_default="all")]
Budget = Annotated[float | None, typer.Option("--budget", min=0, help="US dollars that each run may cost.", show_default="no limit")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has ended.")]
ReportFile = Annotated[Path | None, typer.Option("--report", dir_okay=False, help="Write a page to look at.")]


def run(
    dataset: Dataset,
    variant: Variant = "default",
    baseline: Baseline = None,
    baseline_run: BaselineRun = None,
    baseline_record: BaselineRecord = None,
    gate: Gate = None,
    no_gate: NoGate = False,
    experiment: Experiment = None,
    hypothesis: Hypothesis = None,
    repeats: Repeats = 1,
    seed: Seed = 0,
    max_cases: MaxCases = None,
    budget: Budget = None,
    wait: Wait = True,
    report: ReportFile = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Measure a variant on a dataset, and compare it with a baseline.

    A folder or a file is prepared first: its documents are uploaded, its cases registered. Exits 0 for PASS, 1 for FAIL, 2 for
    INCONCLUSIVE, 0 where no gate was asked, 5 if there is no outcome, 3 if no workbench runs here.
    """
    if gate and no_gate:
        raise typer.BadParameter("--gate and --no-gate exclude each other")
    if report and not wait:
        raise typer.BadParameter("--report needs the outcome; leave --no-wait out, or write it later with `workbench eval report`")
    against = {"baseline": baseline, "baseline_run": baseline_run, "baseline_record": read_record(baseline_record)}
    chosen = gate or (DEFAULT_GATE if any(against.values()) and not no_gate else None)
    about = {"experiment": experiment, "hypothesis": hypothesis, "max_cases": max_cases, "budget_usd": budget}
    here = not dataset.startswith(_HUB) and Path(dataset).exists()
    asked = {"candidate": variant, **against, "gate": chosen, **about, "repeats": repeats, "seed": seed}

    async def work(client: Client) -> tuple[Json, str | None]:
        told = await client.evals().request({"dataset": await _prepared(client, dataset, as_json) if here else dataset} | _given(asked))
        if not wait:
            return told, None
        found = require_completed(await watched(client, told["eval_id"], as_json))
        return found, page(await gathered(client.evals(), found)) if report else None

    found, written = talk(url, work)
    if report and written:
        write(report, written)
    _finish(found, report if written else None, as_json)


def read_record(file: Path | None) -> Json | None:
    """A run that `eval record` wrote, or nothing where no file is named."""
    if file is None:
        return None
    try:
        read: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise typer.BadParameter(f"{file} is no recorded run; write one with `workbench eval record`")
    return read


async def _prepared(client: Client, dataset: str, quiet: bool) -> str:
    """The name that a folder's or a file's dataset is known by, once it is known."""
    with Bar(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_screen(quiet), transient=True
    ) as bar:
        return (await prepare(client, dataset, PrepareOptions(), _telling(bar))).name


def _telling(bar: Bar) -> Callable[[Progress], None]:
    task = bar.add_task("Preparing", total=None)
    return lambda progress: bar.update(task, description=str(progress.step), completed=progress.done, total=progress.total)


def _finish(found: Json, written: Path | None, as_json: bool) -> None:
    verdict = verdict_of(found)
    if as_json:
        print_json(found)
    elif "comparison" not in found:
        console().print(Text(f"{found['eval_id']}: under way; `workbench eval watch {found['eval_id']}` says how far."))
    else:
        console().print(render.evaluation(found, console().width))
        console().print(
            Text(
                f"\nThe report is in {written}." if written else f"\nworkbench eval report {found['eval_id']} --html report.html",
                style="dim",
            )
        )
    if verdict is not None:
        raise typer.Exit(verdict.exit_code)


def _given(asked: Json) -> Json:
    return {name: value for name, value in asked.items() if value is not None}


def _screen(quiet: bool) -> Console:
    return Console(stderr=True, quiet=quiet)
