"""`workbench datasets`: what evaluations ask, made ready and listed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render import datasets as render
from workbench.client import Client
from workbench.datasets import Prepared, PrepareOptions, Progress, Step, prepare

Reference = Annotated[
    str,
    typer.Argument(metavar="SET", help="A folder with a dataset.yaml, a file, or hf:<name>[#config:split].", show_default=False),
]
Named = Annotated[str | None, typer.Option("--name", help="What evaluations call it.", show_default="as it calls itself")]
Mapping = Annotated[
    str | None,
    typer.Option("--mapping", help="native, squad, squad_v2, hotpotqa, nq_open or columns.", show_default="recognised"),
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", help="Which column is what: question=q,answers=gold,metadata.topic=subject", show_default="their own names"),
]
Split = Annotated[str | None, typer.Option("--split", help="Of a dataset of the hub.", show_default="the only one")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="The first cases alone.", show_default="all")]
Name = Annotated[str, typer.Argument(help="A dataset, as `workbench datasets list` shows it.", show_default=False)]


def make_datasets() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(help="Prepare and list datasets: what evaluations ask.", no_args_is_help=True, rich_markup_mode="markdown")
    for name, command in (("list", listed), ("show", show), ("prepare", make_ready)):
        app.command(name)(command)
    return app


def listed(url: Url = None, as_json: AsJson = False) -> None:
    """List the datasets that can be evaluated on."""
    found = talk(url, lambda client: client.datasets())
    if as_json:
        print_json({"datasets": found})
    elif found:
        console().print(render.datasets(found))
    else:
        console().print("No datasets yet; make one ready with `workbench datasets prepare datasets/handbook_qa`.")


def show(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Show a dataset, its slices, and what its name stood for before."""
    found = talk(url, lambda client: client.dataset(name))
    print_json(found) if as_json else console().print(render.dataset(found))


def make_ready(
    reference: Reference,
    name: Named = None,
    mapping: Mapping = None,
    columns: Columns = None,
    split: Split = None,
    limit: Limit = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Upload a set's documents, wait until they can be searched, check its gold spans, and register its cases.

    Again, it changes nothing: what is there already is left as it is.
    """
    options = PrepareOptions(name, mapping, _columns(columns), split, limit)
    done = talk(url, lambda client: prepare_with_progress(client, reference, options, Console(quiet=as_json, stderr=True)))
    print_json(asdict(done)) if as_json else console().print(render.prepared(done))


async def prepare_with_progress(client: Client, reference: str, options: PrepareOptions, screen: Console) -> Prepared:
    """Prepares a dataset under a progress bar for each step."""
    with _bars(screen) as tell:
        return await prepare(client, reference, options, tell)


@contextmanager
def _bars(screen: Console) -> Iterator[Callable[[Progress], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=screen, transient=True) as bars:
        tasks = {step: bars.add_task(step.value, total=None, visible=False) for step in Step}
        yield lambda told: bars.update(tasks[told.step], completed=told.done, total=told.total, visible=True)


def _columns(text: str | None) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in (text or "").split(",") if pair.strip()]
    if not all(target.strip() and column.strip() for target, _, column in pairs):
        raise typer.BadParameter("write which column is what: question=q,answers=gold", param_hint="--columns")
    return {target.strip(): column.strip() for target, _, column in pairs}
