"""`workbench gate`: may this run replace that one? The exit code is the verdict."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.cli.eval_run import DEFAULT_GATE, read_record
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render import evals as render
from workbench.cli.watching import watched
from workbench.client import Client
from workbench.evals import Json
from workbench.receipts import why_none, write_receipts
from workbench.report.junit import junit
from workbench.report.markdown import markdown
from workbench.report.report import Report, gathered
from workbench.verdicts import NoVerdict, Verdict, require_completed, verdict_of
from workbench.written import write

Run = Annotated[str, typer.Option("--run", help="The candidate: a run, or an evaluation that measured it.", show_default=False)]
Baseline = Annotated[str, typer.Option("--baseline", help="What it must beat: the same, or a file of `eval record`.", show_default=False)]
Gate = Annotated[str, typer.Option("--gate", help="A gate that the evaluator knows.")]
JUnit = Annotated[Path | None, typer.Option("--junit", dir_okay=False, help="Write JUnit XML: a test case for the gate and for each rule.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", dir_okay=False, help="Write Markdown for a pull request.")]
Receipt = Annotated[
    Path | None, typer.Option("--receipt", dir_okay=False, help="Write the signed receipts, one for the variant, one for the prompt.")
]


def gate(
    run: Run,
    baseline: Baseline,
    gate: Gate = DEFAULT_GATE,
    to_junit: JUnit = None,
    to_markdown: Markdown = None,
    receipt: Receipt = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Judge a run against another one by a gate.

    Exits 0 for PASS, 1 for FAIL, 2 for INCONCLUSIVE; 5 if there is no verdict, 3 if no workbench runs here. In JUnit a FAIL is a failure,
    an INCONCLUSIVE is skipped: it neither passed nor failed, and whether that stops a build is for the exit code to say. With --receipt
    a PASS that has no receipt exits 5, since it moves no label; a FAIL and an INCONCLUSIVE keep their codes.
    """
    record = read_record(Path(baseline)) if Path(baseline).is_file() else None

    async def work(client: Client) -> Report:
        asked = await (_against_record(client, run, record, gate) if record else client.evals().compare(run, baseline, gate))
        return await gathered(client.evals(), require_completed(await watched(client, asked["eval_id"], as_json)))

    made = talk(url, work)
    verdict = verdict_of(made.found)
    if verdict is None:
        raise NoVerdict(
            "verdict_missing", f"evaluation {made.found['eval_id']} has no verdict: {made.found['reason'] or 'no gate judged it'}"
        )
    for file, text in ((to_junit, lambda one: junit(one.found)), (to_markdown, markdown)):
        if file:
            write(file, text(made))
    print_json(made.found) if as_json else console().print(render.evaluation(made.found, console().width))
    for told in _receipts(made.found, verdict, receipt) if receipt else []:
        console().print(Text(told, style="dim")) if not as_json else None
    raise typer.Exit(verdict.exit_code)


def _receipts(found: Json, verdict: Verdict, file: Path) -> list[str]:
    """Writes them; gives the files, or why there are none. Raises Permanent `receipt_none` after a PASS, which was to move a label."""
    if found["receipts"] or verdict is Verdict.PASS:
        return [str(written) for written in write_receipts(found, file)]
    return [why_none(found)]


async def _against_record(client: Client, run: str, record: Json, gate: str) -> Json:
    """Asks for the comparison with a run that was measured elsewhere, or before."""
    dataset = record.get("run", {}).get("dataset")
    if not isinstance(dataset, str):
        raise NoVerdict("record_invalid", "the baseline's file does not name its dataset; write one with `workbench eval record`")
    return await client.evals().request({"dataset": dataset, "candidate_run": run, "baseline_record": record, "gate": gate})
