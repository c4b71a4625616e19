"""What commands share: the options --url and --json, how they print, and how they talk to a workbench."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from workbench.client import Client, connected
from workbench.errors import INTERRUPTED
from workbench.stack.folder import FOLDER, Folder

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="WORKBENCH_URL", help="The workbench to talk to.", show_default="this folder's"),
]


def this_folder() -> Folder:
    """The data folder of the current folder's stack."""
    return Folder(FOLDER.absolute())


def talk(url: str | None, work: Callable[[Client], Awaitable[T]]) -> T:
    """Runs `work` with a client of the workbench at `url`, or of this folder's stack. Raises NoStack if there is none."""

    async def run() -> T:
        async with connected(url or this_folder().addresses().http) as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def console() -> Console:
    """The terminal, without colours that guess at what a word means."""
    return Console(highlight=False)
