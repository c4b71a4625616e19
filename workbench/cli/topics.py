"""`workbench topics`: the topics of the contracts, as the broker has them, and how far each group is behind."""

from dataclasses import asdict
from typing import Annotated

import typer

from contracts.topics import TOPICS, Topic
from workbench.cli.kafka import Kafka, address, read
from workbench.cli.options import AsJson, console, print_json
from workbench.cli.render.topics import described as render_described
from workbench.cli.render.topics import held as render_held
from workbench.cli.render.topics import lags as render_lags
from workbench.client import Json
from workbench.records import Records
from workbench.topics import Held, Lag, held, lags, routes


def _topic(name: str) -> Topic:
    for topic in TOPICS:
        if topic.name == name:
            return topic
    raise typer.BadParameter(f"{name} is not one of {', '.join(topic.name for topic in TOPICS)}")


Name = Annotated[Topic, typer.Argument(parser=_topic, metavar="NAME", help="A topic of the contracts.", show_default=False)]
Group = Annotated[str | None, typer.Option("--group", help="This consumer group alone.")]


def make_topics() -> typer.Typer:
    """The command with its subcommands."""
    app = typer.Typer(help="List the topics, and how far each consumer group is behind.", rich_markup_mode="markdown")
    app.callback(invoke_without_command=True)(listed)
    app.command("describe")(describe)
    app.command("lag")(lag)
    return app


def listed(context: typer.Context, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """List the topics with their partitions, retention, owner, readers and records."""
    if context.invoked_subcommand:
        return
    found = read(address(kafka), held, peek=True)
    if as_json:
        print_json({"topics": [_held_json(item) for item in found]})
    else:
        console().print(render_held(found))


def describe(name: Name, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show one topic: its events, its key, and where each of its readers is in each partition."""
    at = address(kafka)

    async def work(records: Records) -> tuple[Held, list[Lag]]:
        [this] = [item for item in await held(records) if item.topic == name]
        return this, await lags(records, at, tuple(route for route in routes() if route.topic == name))

    this, behind = read(at, work, peek=True)
    if as_json:
        print_json({**_held_json(this), "lag": [_lag_json(item) for item in behind]})
    else:
        console().print(render_described(this, behind))


def lag(group: Group = None, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show how many records each consumer group has yet to handle, and how many wait in its retry topics."""
    ways = tuple(route for route in routes() if group in (None, route.group))
    if not ways:
        raise typer.BadParameter(f"{group} is not one of {', '.join(sorted({route.group for route in routes()}))}", param_hint="--group")
    at = address(kafka)
    behind = read(at, lambda records: lags(records, at, ways), peek=True)
    if as_json:
        print_json({"lag": [_lag_json(item) for item in behind]})
    else:
        console().print(render_lags(behind))


def _held_json(item: Held) -> Json:
    topic = item.topic
    return {
        "topic": topic.name,
        "key": topic.key,
        "events": [event.TYPE for event in topic.events],
        "partitions": topic.partitions,
        "partitions_at_broker": item.partitions,
        "retention_s": int(topic.retention.total_seconds()),
        "owner": topic.owner,
        "open_to_all": topic.open_to_all,
        "readers": topic.readers,
        "records": item.records,
    }


def _lag_json(item: Lag) -> Json:
    positions = [{**asdict(position), "lag": position.lag} for position in item.positions]
    return {"group": item.group, "topic": item.topic, "lag": item.lag, "waiting": item.waiting, "positions": positions}
