"""`workbench ingest` and `workbench documents`: documents into a running workbench, and what became of them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from kit.clock import SystemClock
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.documents import documents as render_documents
from workbench.cli.render.documents import outcomes as render_outcomes
from workbench.cli.render.documents import tally
from workbench.client import Client
from workbench.errors import FAILED
from workbench.uploads import Outcome, find_files, upload_all

Paths = Annotated[list[Path], typer.Argument(exists=True, readable=True, help="Files, or folders with files.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until each document is searchable or refused.")]


def ingest(paths: Paths, wait: Wait = True, url: Url = None, as_json: AsJson = False) -> None:
    """Upload documents, and wait until they can be searched.

    Folders are read with all below them; files of other than the supported types are skipped. Exits 1 if a document failed.
    """
    files, skipped = find_files(paths)
    uploaded = talk(url, lambda client: upload_with_progress(client, files, Console(quiet=as_json, stderr=True), wait=wait))
    if as_json:
        print_json({"documents": [asdict(item) for item in uploaded], "skipped": [str(path) for path in skipped]})
    else:
        console().print(render_outcomes(uploaded, skipped))
        console().print(Text(f"\n{tally(uploaded)}", style="bold"))
    if not uploaded or not all(item.ok for item in uploaded):
        raise typer.Exit(FAILED)


def documents(url: Url = None, as_json: AsJson = False) -> None:
    """List the documents and their status."""
    found = talk(url, lambda client: client.documents())
    if as_json:
        print_json({"documents": found})
    elif found:
        console().print(render_documents(found))
    else:
        console().print("No documents yet; upload some with `workbench ingest PATH…`.")


async def upload_with_progress(client: Client, files: Sequence[Path], screen: Console, *, wait: bool = True) -> list[Outcome]:
    """Uploads files under a progress bar."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("Indexing" if wait else "Uploading", total=len(files))
        return await upload_all(client, files, SystemClock(), lambda _: progress.advance(task), wait=wait)
