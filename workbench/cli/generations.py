"""`workbench generations`: index generations of a running workbench, built beside each other and swapped."""

import asyncio
from typing import Annotated

import typer
from rich.progress import Progress
from rich.text import Text

from kit.errors import Permanent
from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.generations import generations as render_generations
from workbench.client import Client, Json

_LOOK_S = 0.5

Generation = Annotated[str, typer.Argument(metavar="GENERATION", help="Its name, such as g2.", show_default=False)]
Provider = Annotated[str, typer.Option("--provider", help="minilm, wordllama, onnx, openai or openai-compatible.", show_default=False)]
Model = Annotated[str | None, typer.Option("--model", help="The provider's name of the model.", show_default="the settings'")]
Dimensions = Annotated[int | None, typer.Option("--dimensions", min=1, help="Of the vectors.", show_default="the settings'")]
Chunker = Annotated[str, typer.Option("--chunker", help="markdown, sentence or fixed.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=8, help="Of a chunk.", show_default="what the model takes")]
Overlap = Annotated[int, typer.Option("--overlap", min=0, help="Tokens that chunks share.")]
Headings = Annotated[bool, typer.Option("--headings/--no-headings", help="Embed each chunk with the heading above it.")]
Named = Annotated[str | None, typer.Option("--name", help="What to call it.", show_default="the next number")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the progress until it is done.")]


def make_generations() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(
        help="Build an index with another embedding model or chunker, and move queries to it.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    for name, command in (("list", listed), ("build", build), ("swap", swap), ("rollback", rollback), ("retire", retire)):
        app.command(name)(command)
    return app


def listed(url: Url = None, as_json: AsJson = False) -> None:
    """List the generations, how far each is built, and which one queries use."""
    found = talk(url, lambda client: client.generations())
    if as_json:
        print_json({"generations": found})
    else:
        console().print(render_generations(found))


def build(
    provider: Provider,
    model: Model = None,
    dimensions: Dimensions = None,
    chunker: Chunker = "markdown",
    max_tokens: MaxTokens = None,
    overlap: Overlap = 0,
    headings: Headings = True,
    name: Named = None,
    wait: Wait = True,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Build a generation from every document, while queries go on."""
    cut = {"strategy": chunker, "max_tokens": max_tokens, "overlap": overlap, "headings": headings}
    asked = {"generation": name, "embedding": {"provider": provider, "model": model, "dimensions": dimensions}, "chunker": cut}

    async def work(client: Client) -> Json:
        told = await client.build_generation(asked)
        return await _built(client, told["generation"], as_json) if wait else told

    _show(talk(url, work), as_json)


def swap(generation: Generation, wait: Wait = True, url: Url = None, as_json: AsJson = False) -> None:
    """Move queries to a generation, as soon as it has all that they can find."""

    async def work(client: Client) -> Json:
        told = await client.swap_generation(generation)
        return await _moved(client, told["generation"]) if wait else told

    _show(talk(url, work), as_json)


def rollback(wait: Wait = True, url: Url = None, as_json: AsJson = False) -> None:
    """Move queries back to the generation before."""

    async def work(client: Client) -> Json:
        told = await client.roll_back_generation()
        return await _moved(client, told["generation"]) if wait else told

    _show(talk(url, work), as_json)


def retire(generation: Generation, url: Url = None, as_json: AsJson = False) -> None:
    """Remove a generation that queries do not use."""
    _show(talk(url, lambda client: client.retire_generation(generation)), as_json)


async def _built(client: Client, name: str, quiet: bool) -> Json:
    """The generation once it has all documents that it can have. Raises Permanent if some cannot be in it, or its name went to another."""
    with Progress(console=console(), disable=quiet) as progress:
        task = progress.add_task(f"Building {name}", total=None)
        while True:
            found = next((one for one in await client.generations() if one["generation"] == name), None)
            if found:
                progress.update(task, total=found["documents"], completed=found["complete"])
            if found and found["complete"] == found["documents"]:
                return found
            if found and found["complete"] + found["failed"] >= found["documents"]:
                raise Permanent("generation_incomplete", f"{found['failed']} documents cannot be in {name}: {', '.join(found['failures'])}")
            await asyncio.sleep(_LOOK_S)


async def _moved(client: Client, name: str) -> Json:
    """The generation once queries use it. Raises Permanent if that is given up."""
    wanted = False
    while True:
        found = await client.generation(name)
        if found["state"] == "active":
            return found
        if wanted and not found["wanted"]:
            raise Permanent(
                "swap_withdrawn", f"{name} did not catch up with the documents in time, or somebody withdrew the swap; try again"
            )
        wanted = found["wanted"]
        await asyncio.sleep(_LOOK_S)


def _show(told: Json, as_json: bool) -> None:
    if as_json:
        print_json(told)
    elif "state" in told:
        console().print(render_generations([told]))
    else:
        console().print(Text(f"{told['generation']}: under way; `workbench generations list` says how far."))
