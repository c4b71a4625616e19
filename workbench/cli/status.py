"""`workbench status`: where the stack of this folder answers, and how it is."""

from dataclasses import asdict
from typing import Any

import typer
from rich.text import Text

from workbench.cli.options import AsJson, Url, console, print_json, talk, this_folder
from workbench.cli.render.stack import addresses as render_addresses
from workbench.client import Client, Json
from workbench.errors import FAILED
from workbench.stack.folder import Addresses


def status(url: Url = None, as_json: AsJson = False) -> None:
    """Where the running stack answers, and whether each part does.

    Exits 0 if all do, 1 if one does not, 3 if no stack runs in this folder. With --json: the addresses with their passwords, unasked.
    """
    places = {"http": url} if url else place_of_each(this_folder().addresses())
    if as_json:
        print_json(places)
        return
    readiness = talk(places["http"], _readiness)
    said = {"http": readiness["status"], **readiness["dependencies"]}
    console().print(render_addresses(places, said))
    if readiness["status"] != "ok":
        console().print(Text("\nNot everything answers; see .workbench/logs.", style="yellow"))
        raise typer.Exit(FAILED)


def place_of_each(addresses: Addresses) -> dict[str, Any]:
    """The addresses by part, without those that there are none of."""
    return {part: place for part, place in asdict(addresses).items() if place is not None}


async def _readiness(client: Client) -> Json:
    return await client.readiness()
