"""`workbench seed`: the prompts and variants that come with the workbench, into one that runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import workbench
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.registry import seeded as render_seeded
from workbench.client import Client
from workbench.seed import Seeded, read_folder
from workbench.seed import seed as seed_from

PROMPTS = Path(workbench.__file__).parents[1] / "datasets" / "prompts"

Folder = Annotated[
    Path,
    typer.Argument(exists=True, file_okay=False, help="A folder of YAML files.", show_default="those that come with the workbench"),
]


def seed(folder: Folder = PROMPTS, url: Url = None, as_json: AsJson = False) -> None:
    """Register the prompts and variants of a folder. Again, it changes nothing; a label that is set is never moved."""
    files = read_folder(folder)

    async def work(client: Client) -> list[Seeded]:
        return [one async for one in seed_from(client, files)]

    done = talk(url, work)
    if as_json:
        print_json({"seeded": [asdict(one) for one in done]})
    else:
        console().print(render_seeded(done))
