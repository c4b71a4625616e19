"""`workbench prompts` and `workbench variants`: one set of commands, since both are versions and labels."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.cli.options import AsJson, Url, console, print_json, talk
from workbench.cli.render import registry as render
from workbench.client import Client, Json
from workbench.seed import read_version

_SHARE = re.compile(r"(?P<version>[1-9]\d*)(?:=(?P<share>\d*\.?\d+))?")

Name = Annotated[str, typer.Argument(help="Its name.", show_default=False)]
Label = Annotated[str, typer.Argument(help="A label, such as production.", show_default=False)]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A YAML file: see datasets/prompts.", show_default=False)]
Number = Annotated[int | None, typer.Option("--version", min=1, help="This one.", show_default="the newest")]
Old = Annotated[int, typer.Argument(min=1, metavar="FROM", help="The older version.", show_default=False)]
New = Annotated[int, typer.Argument(min=1, metavar="TO", help="The newer version.", show_default=False)]
Target = Annotated[list[str], typer.Argument(metavar="VERSION…", help="A version, or shares of several: 3=0.9 4=0.1.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.", show_default=False)]
Receipt = Annotated[Path | None, typer.Option("--receipt", exists=True, dir_okay=False, help="An evaluation's signed receipt, as JSON.")]


def make_registry(kind: str) -> typer.Typer:
    """The command for the `prompts` or the `variants`, with its subcommands."""
    commands = _Commands(kind)
    app = typer.Typer(help=f"Register, compare and release {kind}.", no_args_is_help=True, rich_markup_mode="markdown")
    for name, command in (
        ("list", commands.listed),
        ("show", commands.show),
        ("create", commands.create),
        ("diff", commands.diff),
        ("label", commands.label),
        ("history", commands.history),
        ("rollback", commands.rollback),
    ):
        app.command(name)(command)
    return app


@dataclass(frozen=True, slots=True)
class _Commands:
    kind: str

    def listed(self, url: Url = None, as_json: AsJson = False) -> None:
        """List the names with their newest versions, and where their labels point."""
        found = talk(url, lambda client: client.registry(self.kind).entries())
        print_json({"entries": found}) if as_json else console().print(render.entries(found))

    def show(self, name: Name, version: Number = None, url: Url = None, as_json: AsJson = False) -> None:
        """Show all versions of a name, and what the newest, or another one, says."""

        async def work(client: Client) -> tuple[Json, Json]:
            registry = client.registry(self.kind)
            entry = await registry.entry(name)
            return entry, await registry.version(name, version or entry["versions"][0]["version"])

        entry, shown = talk(url, work)
        print_json({**entry, "shown": shown}) if as_json else console().print(render.entry(entry, shown))

    def create(self, file: File, url: Url = None, as_json: AsJson = False) -> None:
        """Register the version that a file describes; if the newest says the same, there is no new one."""
        read = read_version(file)
        if read.kind.path != self.kind:
            raise typer.BadParameter(f"{file} describes a {read.kind}; use `workbench {read.kind.path} create`", param_hint="FILE")
        made = talk(url, lambda client: client.registry(self.kind).register(read.body()))
        print_json(made) if as_json else console().print(Text(f"{made['name']}@{made['version']}  {made['sha256'][:12]}", style="bold"))

    def diff(self, name: Name, old: Old, new: New, url: Url = None, as_json: AsJson = False) -> None:
        """Compare two versions: the text line by line, and what else differs by field."""
        found = talk(url, lambda client: client.registry(self.kind).diff(name, old, new))
        print_json(found) if as_json else console().print(render.diff(found))

    def label(
        self, name: Name, label: Label, target: Target, reason: Reason, receipt: Receipt = None, url: Url = None, as_json: AsJson = False
    ) -> None:
        """Point a label to a version, or to several with shares: a canary.

        `label NAME production 3=0.9 4=0.1` sets a canary, `3=1 4=0` pauses it, `4` finishes it, and `rollback` ends it.
        """
        move = {**_points(target), "reason": reason, **_proof(receipt)}
        state = talk(url, lambda client: client.registry(self.kind).move(name, label, move))
        print_json(state) if as_json else console().print(render.state(name, state))

    def history(self, name: Name, label: Label, url: Url = None, as_json: AsJson = False) -> None:
        """Show every move of a label: who, when, why, from where, to where."""
        moves = talk(url, lambda client: client.registry(self.kind).history(name, label))
        print_json({"label": label, "moves": moves}) if as_json else console().print(render.history(moves))

    def rollback(self, name: Name, label: Label, reason: Reason, receipt: Receipt = None, url: Url = None, as_json: AsJson = False) -> None:
        """Point a label to where it pointed before; again, and it goes one further back."""
        why = {"reason": reason, **_proof(receipt)}
        state = talk(url, lambda client: client.registry(self.kind).roll_back(name, label, why))
        print_json(state) if as_json else console().print(render.state(name, state))


def _points(target: list[str]) -> Json:
    shares = [_SHARE.fullmatch(text) for text in target]
    if len(shares) == 1 and shares[0] and shares[0]["share"] is None:
        return {"version": int(shares[0]["version"])}
    weights = {share["version"]: float(share["share"]) for share in shares if share and share["share"]}
    if len(weights) != len(target):
        raise typer.BadParameter("give one version, or the shares of several: 3=0.9 4=0.1", param_hint="VERSION…")
    return {"weights": weights}


def _proof(receipt: Path | None) -> Json:
    try:
        return {"receipt": json.loads(receipt.read_text(encoding="utf-8"))} if receipt else {}
    except ValueError as error:
        raise typer.BadParameter(f"{receipt} is not JSON: {error}", param_hint="--receipt") from error
