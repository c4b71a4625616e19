"""`workbench eval`: measure a variant, compare it with another, look at what changed, and write it down."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.cli.eval_run import run
from workbench.cli.judged import Judged
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render import evals as render
from workbench.cli.watching import watched
from workbench.client import Client
from workbench.evals import Json
from workbench.mlflow import Exported, opened
from workbench.report.markdown import markdown
from workbench.report.page import page
from workbench.report.report import Report, gathered
from workbench.verdicts import require_completed
from workbench.written import write

Evaluation = Annotated[str, typer.Argument(metavar="EVALUATION", help="Its id, as `eval list` shows it.", show_default=False)]
Candidate = Annotated[str, typer.Argument(metavar="CANDIDATE", help="A run, or an evaluation that measured one.", show_default=False)]
Baseline = Annotated[str, typer.Argument(metavar="BASELINE", help="The same.", show_default=False)]
Change = Annotated[str, typer.Option("--change", help="fixed, broken, changed, same or all.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
Slices = Annotated[bool, typer.Option("--slices", help="Each slice of the cases as well.")]
OfDataset = Annotated[str | None, typer.Option("--dataset", help="Of this dataset.", show_default="all")]
OfExperiment = Annotated[str | None, typer.Option("--experiment", help="Of this experiment.", show_default="all")]
GateName = Annotated[str | None, typer.Option("--gate", help="Judged by this gate.", show_default="none")]
Why = Annotated[str | None, typer.Option("--reason", help="Why; it is told.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="A page that needs nothing else.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", dir_okay=False, help="For a pull request.")]
JsonFile = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="For a program.")]
Server = Annotated[str, typer.Option("--mlflow", envvar="MLFLOW_TRACKING_URI", help="An MLflow server: http://…", show_default=False)]
Out = Annotated[Path | None, typer.Option("--out", dir_okay=False, help="A file.", show_default="standard output")]


def make_eval() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(help="Measure variants on datasets, and prove which is better.", no_args_is_help=True, rich_markup_mode="markdown")
    app.command("run", cls=Judged)(run)
    for command in (watch, show, cases, compare, leaderboard, experiments, report, record, export, cancel):
        app.command()(command)
    app.command("list")(listed)
    return app


def watch(evaluation: Evaluation, url: Url = None, as_json: AsJson = False) -> None:
    """Follow an evaluation until it has ended, and show what it found."""
    _show(require_completed(talk(url, lambda client: watched(client, evaluation, as_json))), as_json)


def show(evaluation: Evaluation, slices: Slices = False, url: Url = None, as_json: AsJson = False) -> None:
    """Show an evaluation: figures with intervals, differences, the verdict and its reason."""
    _show(talk(url, lambda client: client.evals().get(evaluation)), as_json, slices)


def cases(evaluation: Evaluation, change: Change = "broken", limit: Most = 20, url: Url = None, as_json: AsJson = False) -> None:
    """Show cases with both answers: those that broke, unless told otherwise."""
    found = talk(url, lambda client: client.evals().cases(evaluation, change, limit))
    print_json(found) if as_json else console().print(render.cases(found["metric"], found["cases"]))


def compare(
    candidate: Candidate, baseline: Baseline, gate: GateName = None, slices: Slices = False, url: Url = None, as_json: AsJson = False
) -> None:
    """Compare two runs that were measured already, on the same cases."""

    async def work(client: Client) -> Json:
        asked = await client.evals().compare(candidate, baseline, gate)
        return require_completed(await watched(client, asked["eval_id"], as_json))

    _show(talk(url, work), as_json, slices)


def listed(dataset: OfDataset = None, experiment: OfExperiment = None, limit: Most = 20, url: Url = None, as_json: AsJson = False) -> None:
    """List evaluations, newest first."""
    found = talk(url, lambda client: client.evals().newest(limit, dataset=dataset, experiment=experiment))
    _list({"evals": found}, found, "No evaluations yet; ask for one with `workbench eval run`.", as_json)


def leaderboard(dataset: OfDataset = None, url: Url = None, as_json: AsJson = False) -> None:
    """Rank the runs of each dataset; a star is for those that cannot be told from the first."""
    found = talk(url, lambda client: client.evals().leaderboards(dataset))
    if as_json or not found:
        _list({"boards": found}, found, "No run is completed yet.", as_json)
    else:
        console().print(render.boards(found))


def experiments(url: Url = None, as_json: AsJson = False) -> None:
    """List experiments: evaluations that were asked for under one name."""
    found = talk(url, lambda client: client.evals().experiments())
    if as_json or not found:
        _list({"experiments": found}, found, "No experiments yet; name one with `workbench eval run --experiment`.", as_json)
    else:
        console().print(render.experiments(found))


def report(evaluation: Evaluation, html: Html = None, to_markdown: Markdown = None, to_json: JsonFile = None, url: Url = None) -> None:
    """Write an evaluation down: a page to look at, Markdown for a pull request, JSON for a program."""
    if not (html or to_markdown or to_json):
        raise typer.BadParameter("name a file with --html, --markdown or --json")

    async def work(client: Client) -> Report:
        return await gathered(client.evals(), require_completed(await client.evals().get(evaluation)))

    made = talk(url, work)
    texts = ((html, page), (to_markdown, markdown), (to_json, lambda one: json.dumps(one.json(), indent=2, ensure_ascii=False) + "\n"))
    for file, text in texts:
        if file:
            console().print(Text(str(write(file, text(made)))))


def record(evaluation: Evaluation, out: Out = None, url: Url = None) -> None:
    """Export the candidate's run: commit it, and it is a baseline later and elsewhere."""
    text = json.dumps(talk(url, lambda client: client.evals().record(evaluation)), indent=1, ensure_ascii=False)
    if out:
        write(out, f"{text}\n")
    else:
        print(text)


def export(evaluation: Evaluation, mlflow: Server, url: Url = None, as_json: AsJson = False) -> None:
    """Copy the candidate's run to an MLflow server: figures, settings, verdict. Again is harmless."""
    found = talk(url, lambda client: client.evals().get(evaluation))

    async def work() -> Exported:
        async with opened(mlflow, os.environ) as server:
            return await server.export(found)

    done = asyncio.run(work())
    told = f"run {done.run_id} of experiment {done.experiment_id} {'is new' if done.created else 'was there already'}"
    print_json(asdict(done)) if as_json else console().print(Text(told))


def cancel(evaluation: Evaluation, reason: Why = None, url: Url = None, as_json: AsJson = False) -> None:
    """End an evaluation; what was measured until then is kept."""
    told = talk(url, lambda client: client.evals().cancel(evaluation, reason))
    print_json(told) if as_json else console().print(Text(f"{told['eval_id']}: {told['status']}"))


def _show(found: Json, as_json: bool, slices: bool = False) -> None:
    print_json(found) if as_json else console().print(render.evaluation(found, console().width, slices))


def _list(told: Json, found: Sequence[Json], nothing: str, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        console().print(render.evaluations(found) if found else nothing)
