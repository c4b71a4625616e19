"""The topics as a broker has them: what each holds, and how far each consumer group is behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from contracts.topics import TOPICS, Topic
from kit.route import Route
from workbench.records import Extent, Records, committed


@dataclass(frozen=True, slots=True)
class Held:
    """What a broker holds of a topic: how many partitions (0 if it has no such topic) and records."""

    topic: Topic
    partitions: int
    records: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far a group is in one partition; `committed` is None where it has not begun."""

    partition: int
    extent: Extent
    committed: int | None

    @property
    def lag(self) -> int:
        """How many records it has yet to handle."""
        return self.extent.end - max(self.extent.first, self.committed or 0)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in a topic, by partition; `waiting` records are in its retry topics."""

    group: str
    topic: str
    positions: tuple[Position, ...]
    waiting: int

    @property
    def lag(self) -> int:
        """How many records of the topic itself it has yet to handle."""
        return sum(position.lag for position in self.positions)


def routes() -> tuple[Route, ...]:
    """The way of every topic's records for each of its readers."""
    return tuple(Route(topic, reader) for topic in TOPICS for reader in topic.readers)


async def held(records: Records) -> list[Held]:
    """Every topic of the contracts. Raises DependencyDown."""
    extents = await records.extents(topic.name for topic in TOPICS)
    return [_held(topic, [extent for partition, extent in extents.items() if partition.topic == topic.name]) for topic in TOPICS]


async def lags(records: Records, kafka: str, routes: tuple[Route, ...]) -> list[Lag]:
    """How far each group is behind on its way. Raises DependencyDown.

    Positions are asked for before the ends of the partitions, so a lag may be a little too great, and is never below zero.
    """
    positions: dict[str, Mapping[TopicPartition, int | None]] = {}
    for group in {route.group for route in routes}:
        topics = [topic for route in routes if route.group == group for topic in route.consumed]
        positions[group] = await committed(kafka, group, (partition for topic in topics for partition in records.partitions.get(topic, ())))
    extents = await records.extents({topic for route in routes for topic in route.consumed})
    return [_lag(route, positions[route.group], extents) for route in routes]


def _held(topic: Topic, extents: list[Extent]) -> Held:
    return Held(topic, len(extents), sum(extent.records for extent in extents))


def _lag(route: Route, positions: Mapping[TopicPartition, int | None], extents: Mapping[TopicPartition, Extent]) -> Lag:
    own = [Position(at.partition, extents[at], offset) for at, offset in positions.items() if at.topic == route.topic.name]
    waiting = [Position(at.partition, extents[at], offset) for at, offset in positions.items() if at.topic in route.waiting]
    return Lag(route.group, route.topic.name, tuple(own), sum(position.lag for position in waiting))
