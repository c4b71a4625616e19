"""`workbench ask` and `workbench search`: questions to a running workbench."""

from typing import Annotated

import typer

from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.answers import answer as render_answer
from workbench.cli.render.hits import hits as render_hits

Question = Annotated[str, typer.Argument(help="A question in plain words.")]
Query = Annotated[str, typer.Argument(help="Words to look for.")]
TopK = Annotated[int | None, typer.Option("--top-k", min=1, help="How many passages to look at.", show_default="the service's")]
Limit = Annotated[int, typer.Option("--top-k", min=1, help="How many passages to show.")]


def ask(question: Question, top_k: TopK = None, url: Url = None, as_json: AsJson = False) -> None:
    """Answer a question from the documents, with citations."""
    reply = talk(url, lambda client: client.ask(question, top_k))
    if as_json:
        print_json(reply)
    else:
        console().print(render_answer(question, reply))


def search(query: Query, top_k: Limit = 10, url: Url = None, as_json: AsJson = False) -> None:
    """Find passages in the documents, best first."""
    reply = talk(url, lambda client: client.search(query, top_k))
    if as_json:
        print_json(reply)
    else:
        console().print(render_hits(reply))
