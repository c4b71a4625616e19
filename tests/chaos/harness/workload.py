"""What a service is given to do: a stream of small events with what is wrong in the world mixed in, for a seed always the same."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from random import Random
from uuid import UUID

from contracts.base import Event
from contracts.topics import Topic
from kit.settings import VectorEngine
from tests.chaos.harness.ledger import Headers, Parcel
from tests.events import record_of

REPEAT_EVERY = 40
POISON_EVERY = 50
# As many bytes as a broker takes by default, less the frame: what is put behind its headers makes a copy of it larger than that.
OVERSIZE = 1_048_400

ON_INSERT = "BEFORE INSERT"
ON_CHANGE = "AFTER INSERT OR UPDATE"


@dataclass(frozen=True, slots=True)
class Workload:
    """The events of a service, and what they leave behind.

    `effects` names, for each event type that leaves one row, its table and the field that is the row's key. `watched` tells which writes
    to which tables are kept for the checker. `tells` is the topic of what the service tells, if it tells anything. A service that has
    `vectors` keeps documents with their points there.
    """

    service: str
    topics: tuple[Topic, ...]
    events: Callable[[Random], Iterator[Event]]
    effects: Mapping[type[Event], tuple[str, str]]
    watched: Mapping[str, str]
    tells: Topic | None = None
    vectors: VectorEngine | None = None

    @property
    def alone(self) -> bool:
        """Whether it must run as one process: a folder of vectors has one owner."""
        return self.vectors is VectorEngine.EDGE

    def parcels(self, chance: Random) -> Iterator[Parcel]:
        """Records without end: good ones, every 40th of them sent again as it is, and after every 50th one that is poison."""
        spoils = cycle(_SPOILS)
        for number, event in enumerate(self.events(chance), start=1):
            parcel = Parcel.of(record_of(event, str(some_id(chance))), event)
            yield parcel
            if number % REPEAT_EVERY == 0:
                yield parcel
            if number % POISON_EVERY == 0:
                yield next(spoils)(parcel)


def some_id(chance: Random) -> UUID:
    """A random id."""
    return UUID(int=chance.getrandbits(128), version=4)


def _with(headers: Headers, name: str, value: bytes | None) -> Headers:
    return tuple((known, value if known == name else kept) for known, kept in headers)


_SPOILS: tuple[Callable[[Parcel], Parcel], ...] = (
    lambda parcel: parcel.spoilt(value=b"{not json"),
    lambda parcel: parcel.spoilt(headers=(*parcel.headers, ("x-null", None), ("ce_id", None))),
    lambda parcel: parcel.spoilt(headers=()),
    lambda parcel: parcel.spoilt(value=None),
    lambda parcel: parcel.spoilt(headers=_with(parcel.headers, "ce_id", b"\xff\xfe")),
    lambda parcel: parcel.spoilt(headers=_with(parcel.headers, "ce_type", b"workbench.unheard.of.v9")),
    lambda parcel: parcel.spoilt(value=(parcel.value or b"")[:-9]),
    lambda parcel: parcel.spoilt(value=b"x" * (OVERSIZE - parcel.size)),
    lambda parcel: parcel.spoilt(value=None, headers=()),
)
