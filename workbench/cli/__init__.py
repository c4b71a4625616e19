"""The command line `workbench`: an outside client of a running workbench, and the way to run one on this machine."""

import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.text import Text

from kit.errors import WorkbenchError
from workbench.cli import ask, demo, documents, seed, status, up, usage
from workbench.cli.datasets import make_datasets
from workbench.cli.dlq import make_dlq
from workbench.cli.eval import make_eval
from workbench.cli.gate import gate
from workbench.cli.generations import make_generations
from workbench.cli.judged import Judged
from workbench.cli.keys import make_keys
from workbench.cli.registry import make_registry
from workbench.cli.topics import make_topics
from workbench.errors import FAILED, NO_STACK, NO_VERDICT, STACK_RUNS, NoStack, StackRuns
from workbench.verdicts import NoVerdict

_EXIT_CODES: dict[type[WorkbenchError], int] = {NoStack: NO_STACK, StackRuns: STACK_RUNS, NoVerdict: NO_VERDICT}


def make_app() -> typer.Typer:
    """All commands, in the order in which somebody meets them."""
    app = typer.Typer(
        name="workbench",
        help="Runs a RAG system on this machine, feeds it documents and asks it questions.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    for command in (demo.demo, up.up, status.status, documents.ingest, documents.documents, ask.ask, ask.search):
        app.command()(command)
    app.command()(seed.seed)
    app.command()(usage.usage)
    for kind in ("prompts", "variants"):
        app.add_typer(make_registry(kind), name=kind)
    app.add_typer(make_datasets(), name="datasets")
    app.add_typer(make_eval(), name="eval")
    app.command("gate", cls=Judged)(gate)
    app.add_typer(make_keys(), name="keys")
    app.add_typer(make_generations(), name="generations")
    app.add_typer(make_topics(), name="topics")
    app.add_typer(make_dlq(), name="dlq")
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that was typed; an error becomes one sentence on standard error and the exit code of its kind."""
    try:
        make_app()(args=arguments)
    except WorkbenchError as error:
        Console(stderr=True, highlight=False).print(Text.assemble(("Error: ", "bold red"), error.message), soft_wrap=True)
        sys.exit(_EXIT_CODES.get(type(error), FAILED))
