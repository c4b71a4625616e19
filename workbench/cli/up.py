"""`workbench up`: keeps the stack of this folder running."""

import asyncio
import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from workbench.cli.options import AsJson, this_folder
from workbench.cli.render.stack import addresses as render_addresses
from workbench.cli.status import place_of_each
from workbench.stack.folder import Addresses

Fresh = Annotated[bool, typer.Option("--fresh", help="Forget everything in .workbench first.")]
LocalLLM = Annotated[bool, typer.Option("--local-llm", help="Answer with a small language model here (make local-llm). It invents.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The HTTP port.", show_default="a free one")]


def up(fresh: Fresh = False, port: Port = None, local_llm: LocalLLM = False, as_json: AsJson = False) -> None:
    """Start the whole workbench on this machine, and keep it running until Ctrl-C.

    Broker, Postgres, Valkey and the five services, on 127.0.0.1, with their data in .workbench. With --json, prints one line once it is
    ready. Exits 4 if another process runs the stack of this folder already.
    """
    began, screen = time.monotonic(), Console(quiet=as_json, highlight=False)
    with this_folder().held() as owner, screen.status("Starting the stack …") as spinner:
        # Loading the services takes a second or two, which no other command, nor a refusal of this one, should take.
        from workbench.stack.stack import with_stack

        ready = False

        async def keep(addresses: Addresses) -> None:
            nonlocal ready
            ready = True
            spinner.stop()
            _tell(screen, addresses, time.monotonic() - began, as_json)
            try:
                await asyncio.Event().wait()
            finally:
                spinner.update("Stopping …")
                spinner.start()

        try:
            with_stack(this_folder(), owner, keep, port=port or 0, fresh=fresh, local_llm=local_llm)
        except KeyboardInterrupt:
            spinner.stop()
            if not ready:
                raise
            screen.print("Stopped.")


def _tell(screen: Console, addresses: Addresses, took_s: float, as_json: bool) -> None:
    places = place_of_each(addresses)
    if as_json:
        print(json.dumps(places), flush=True)
    screen.print(Text(f"The stack is ready after {took_s:.1f} s. Ctrl-C stops it.\n", style="bold green"))
    screen.print(render_addresses(places))
    screen.print(Text('\nIn another terminal: workbench ingest PATH…, workbench ask "…"', style="dim"))
