"""`workbench demo`: the main job from end to end: a folder of documents becomes cited answers."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

import workbench
from workbench.cli.documents import upload_with_progress
from workbench.cli.options import AsJson, Url, print_json, talk, this_folder
from workbench.cli.render.answers import answer as render_answer
from workbench.cli.render.documents import outcomes as render_outcomes
from workbench.client import Client, Json, connected
from workbench.demonstration import Asked, Demonstration, Question, Script, read_script
from workbench.errors import FAILED, INTERRUPTED
from workbench.stack.folder import Addresses

HANDBOOK = Path(workbench.__file__).parents[1] / "datasets" / "handbook"
WITHIN_S = 600

Dataset = Annotated[
    Path,
    typer.Option("--dataset", exists=True, file_okay=False, help="Documents with a questions.jsonl.", show_default="the handbook"),
]


def demo(dataset: Dataset = HANDBOOK, url: Url = None, as_json: AsJson = False) -> None:
    """Show the main job: documents go in, cited answers come out.

    Uses the workbench that runs in this folder, or starts one and stops it afterwards. Exits 0 only if every document became searchable,
    every answerable question was answered with a citation, and the service abstained from the others.
    """
    screen, script = Console(quiet=as_json, highlight=False), read_script(dataset)
    shown = _shown(url, script, screen)
    if as_json:
        print_json(_json(shown))
    screen.print(_verdict(shown))
    if not shown.ok:
        raise typer.Exit(FAILED)


def _shown(url: str | None, script: Script, screen: Console) -> Demonstration:
    if url or this_folder().in_use():
        return talk(url, lambda client: _show(client, script, screen))
    with this_folder().held() as owner, screen.status("Starting the stack …") as spinner:
        # Loading the services takes a second or two, which no other command should take.
        from workbench.stack.stack import with_stack

        async def show(addresses: Addresses) -> Demonstration:
            spinner.stop()
            screen.print(Text(f"The stack is ready at {addresses.http}", style="bold green"))
            async with connected(addresses.http) as client:
                shown = await _show(client, script, screen)
            spinner.update("Stopping the stack …")
            spinner.start()
            return shown

        try:
            return with_stack(this_folder(), owner, show)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


async def _show(client: Client, script: Script, screen: Console) -> Demonstration:
    async with asyncio.timeout(WITHIN_S):
        screen.print(Text(f"\nUploading {len(script.files)} documents", style="bold"))
        documents = await upload_with_progress(client, script.files, screen)
        screen.print(render_outcomes(documents, []))
        screen.print(Text(f"\nAsking {len(script.questions)} questions", style="bold"))
        answers = [await _ask(client, question, screen) for question in script.questions]
    return Demonstration(documents, answers)


async def _ask(client: Client, question: Question, screen: Console) -> Asked:
    reply = await client.ask(question.text)
    screen.print(render_answer(question.text, reply))
    return Asked(question, reply)


def _verdict(shown: Demonstration) -> Text:
    indexed = sum(item.status == "indexed" for item in shown.documents)
    right = sum(item.ok for item in shown.answers)
    told = f"{indexed} of {len(shown.documents)} documents searchable, {right} of {len(shown.answers)} questions as they should be."
    return Text(told, style="bold green" if shown.ok else "bold red")


def _json(shown: Demonstration) -> Json:
    answers = [
        {"question": item.question.text, "answerable": item.question.answerable, "ok": item.ok, **item.answer} for item in shown.answers
    ]
    return {"ok": shown.ok, "documents": [asdict(item) for item in shown.documents], "answers": answers}
