"""What the commands that talk to the broker share: the option --kafka, and how they find and reach it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from workbench.cli.options import this_folder
from workbench.errors import INTERRUPTED
from workbench.records import Records, reading

T = TypeVar("T")

Kafka = Annotated[
    str | None,
    typer.Option("--kafka", envvar="WORKBENCH_KAFKA", metavar="HOST:PORT", help="The broker.", show_default="this folder's"),
]


def address(kafka: str | None) -> str:
    """`kafka`, or the broker of this folder's stack. Raises NoStack if there is none."""
    return kafka or this_folder().addresses().kafka


def read(kafka: str, work: Callable[[Records], Awaitable[T]], *, peek: bool = False) -> T:
    """Runs `work` with what the broker at `kafka` holds. Raises DependencyDown."""

    async def run() -> T:
        async with reading(kafka, peek=peek) as records:
            return await work(records)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
