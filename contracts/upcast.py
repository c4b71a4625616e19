"""Old events as new ones: pure functions from one major version of an event to the next, chained.

A new major version travels on the same topic beside the old one. Its upcaster lets a reader handle the new one alone, and still read all
that was ever written.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from contracts.base import Event
from contracts.topics import EVENT_TYPES

Upcaster = Callable[[Any], Event]


@dataclass(frozen=True, slots=True)
class Registry:
    """Every event by its CloudEvents type; and for each that has a newer major version, the function that makes it the next one.

    An upcaster looks at its event alone and keeps its key, so that the order of a key's records stays what it was.
    """

    types: Mapping[str, type[Event]]
    upcasters: Mapping[type[Event], Upcaster]

    def upcast(self, event: Event, asked: Container[type[Event]] | None = None) -> Event:
        """The newest version of `event` among those `asked` for, or of all; `event` itself if none of them is reached from it."""
        newest = event
        while upcaster := self.upcasters.get(type(event)):
            event = upcaster(event)
            if asked is None or type(event) in asked:
                newest = event
        return newest


REGISTRY = Registry(types=MappingProxyType(EVENT_TYPES), upcasters=MappingProxyType({}))
