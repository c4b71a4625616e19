"""`workbench usage`: what calls to language models cost."""

from typing import Annotated

import typer

from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render.usage import usage as render_usage

By = Annotated[str, typer.Option("--by", help="Any of tenant, key, run, day, provider, model and purpose, with commas between.")]
From = Annotated[str | None, typer.Option("--from", help="A day or a time (UTC).", show_default="30 days before --to")]
To = Annotated[str | None, typer.Option("--to", help="A day or a time (UTC), itself not included.", show_default="now")]


def usage(by: By = "day,model", start: From = None, end: To = None, url: Url = None, as_json: AsJson = False) -> None:
    """Show calls, tokens and cost, from the ledger of all calls to language models."""
    reply = talk(url, lambda client: client.usage(by, start, end))
    if as_json:
        print_json(reply)
    elif reply["rows"]:
        console().print(render_usage(reply))
    else:
        console().print(f"No calls to language models from {reply['start']} to {reply['end']}.")
