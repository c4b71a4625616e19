"""`workbench dlq`: the records that a consumer group could not handle: see them, send them once more, or let them go."""

import getpass
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from kit.clock import SystemClock
from kit.route import Route
from kit.settings import KafkaSettings
from workbench.cli.kafka import Kafka, address, read
from workbench.cli.options import AsJson, console, print_json
from workbench.cli.render import dead_letters as render
from workbench.client import Json
from workbench.dead_letters import DeadLetter, Pace, Selection, Sender, drop, read_values, replay, tallies
from workbench.dead_letters import read as read_letters
from workbench.records import Records
from workbench.settlements import Place, Settled, Settlement
from workbench.topics import routes

Work = Callable[[Records, Sender, Sequence[DeadLetter]], AsyncIterator[DeadLetter]]


def _route(name: str) -> Route:
    named = [route for route in routes() if name in (route.dead_letters, route.topic.name)]
    if len(named) != 1:
        raise typer.BadParameter(f"{name} is not one of {', '.join(route.dead_letters for route in routes())}")
    return named[0]


Topic = Annotated[
    Route, typer.Argument(parser=_route, metavar="TOPIC", help="A dead letter topic, or the topic itself.", show_default=False)
]
Topics = Annotated[
    Route | None, typer.Argument(parser=_route, metavar="TOPIC", help="One alone, with its records.", show_default="all of them")
]
Record = Annotated[Place, typer.Argument(parser=Place.parse, metavar="PARTITION/OFFSET", help="Its place.", show_default=False)]
Chosen = Annotated[list[Place] | None, typer.Option("--record", parser=Place.parse, metavar="P/O", help="This one; may be repeated.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Those with this error code.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]
Again = Annotated[bool, typer.Option("--again", help="Those too that were replayed or dropped before.")]
Rate = Annotated[float, typer.Option("--rate", min=0.1, metavar="N", help="At most so many a second.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Because = Annotated[str, typer.Option("--because", help="Why nobody needs them; it is kept.", show_default=False)]


def make_dlq() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(help="See, replay and drop dead letters.", no_args_is_help=True, rich_markup_mode="markdown")
    for name, command in (("list", listed), ("show", show), ("replay", replayed), ("drop", dropped)):
        app.command(name)(command)
    return app


def listed(topic: Topics = None, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Count the dead letters by topic, group and error code; with a TOPIC, list its records too."""

    async def work(records: Records) -> list[DeadLetter]:
        return [letter for route in ([topic] if topic else routes()) for letter in await read_letters(records, route)]

    found = read(address(kafka), work)
    if as_json:
        counts = [{**asdict(tally), "oldest": tally.oldest.isoformat(), "newest": tally.newest.isoformat()} for tally in tallies(found)]
        print_json({"counts": counts} | ({"records": [_json(letter) for letter in found]} if topic else {}))
        return
    console().print(render.tallies(tallies(found)))
    if topic and found:
        console().print(Text(), render.letters(found))


def show(topic: Topic, record: Record, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show one dead letter: why it failed, where it came from, its headers and its value."""

    async def work(records: Records) -> tuple[DeadLetter, Json | None, Json | None]:
        [letter] = Selection(frozenset({record}), again=True).of(await read_letters(records, topic))
        [whole] = [whole async for whole in read_values(records, topic, {record})]
        return letter, render.described(whole.key), render.described(whole.value)

    letter, key, value = read(address(kafka), work)
    if as_json:
        headers = [{"name": name, "value": render.described(told)} for name, told in letter.headers]
        print_json({**_json(letter), "headers": headers, "key": key, "value": value})
    else:
        console().print(render.letter(letter, key, value))


def replayed(
    topic: Topic,
    record: Chosen = None,
    reason: Reason = None,
    every: All = False,
    rate: Rate = 50,
    again: Again = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters to their topic once more, for the group that could not handle them; the other groups skip them.

    What was replayed or dropped before is left out, or refused if it is named, unless --again is given.
    """
    if as_json and not (yes or dry_run):
        raise typer.BadParameter("with --json nobody can be asked; add --yes or --dry-run", param_hint="--json")
    selection, clock = _selection(record, reason, every, again), SystemClock()

    def work(records: Records, sender: Sender, letters: Sequence[DeadLetter]) -> AsyncIterator[DeadLetter]:
        if letters and not yes:
            typer.confirm(f"Replay {len(letters)} to {topic.topic.name} for {topic.group}?", abort=True, err=True)
        return replay(records, sender, letters, Pace(clock, rate), getpass.getuser())

    done = _done(address(kafka), topic, selection, None if dry_run else work, as_json)
    _tell(done, "would be replayed" if dry_run else "replayed", dry_run, as_json)


def dropped(
    topic: Topic,
    because: Because,
    record: Chosen = None,
    reason: Reason = None,
    every: All = False,
    again: Again = False,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Mark dead letters as done with, and say why. The records stay until their retention ends; `replay --again` brings them back."""
    if not because.strip():
        raise typer.BadParameter("say why", param_hint="--because")
    settlement = Settlement(Settled.DROPPED, because, getpass.getuser(), SystemClock().now())
    selection = _selection(record, reason, every, again)
    _tell(
        _done(address(kafka), topic, selection, lambda _, sender, letters: drop(sender, letters, settlement), as_json),
        "dropped",
        False,
        as_json,
    )


def _selection(record: list[Place] | None, reason: str | None, every: bool, again: bool) -> Selection:
    if [bool(record), reason is not None, every].count(True) != 1:
        raise typer.BadParameter("say which: one of --record, --reason and --all")
    return Selection(frozenset(record or ()), reason, again)


def _done(kafka: str, route: Route, selection: Selection, work: Work | None, quiet: bool) -> list[DeadLetter]:
    """What `work` did, one by one under a progress bar; without it, what it would do."""
    screen = Console(quiet=quiet, stderr=True)

    async def run(records: Records) -> list[DeadLetter]:
        chosen = selection.of(await read_letters(records, route))
        if work is None:
            return chosen
        # Loading the broker's framework takes half a second, which no other command should take.
        from kit.broker import open_publisher

        async with open_publisher(KafkaSettings(bootstrap_servers=kafka, idempotent=False), "dlq") as sender:
            return await _followed(work(records, sender, chosen), len(chosen), screen)

    return read(kafka, run)


async def _followed(steps: AsyncIterator[DeadLetter], total: int, screen: Console) -> list[DeadLetter]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    done: list[DeadLetter] = []
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("Dead letters", total=total)
        async for letter in steps:
            done.append(letter)
            progress.advance(task)
    return done


def _tell(letters: Sequence[DeadLetter], what: str, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": dry_run, "count": len(letters), "records": [str(letter.place) for letter in letters]})
        return
    if dry_run and letters:
        console().print(render.letters(letters))
    console().print(Text(f"{len(letters)} {what}." if letters else "Nothing to do: all of them were settled before.", style="bold"))


def _json(letter: DeadLetter) -> Json:
    return {
        "topic": letter.route.topic.name,
        "group": letter.route.group,
        "record": str(letter.place),
        "code": letter.code,
        "why": dict(letter.why),
        "failed_at": letter.time.isoformat(),
        "bytes": letter.size,
        "settled": {**asdict(letter.settlement), "time": letter.settlement.time.isoformat()} if letter.settlement else None,
    }
