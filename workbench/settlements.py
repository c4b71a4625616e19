"""What became of a dead letter, remembered in its own dead letter topic: a marker record behind it names its place.

A topic cannot lose a single record, so a dead letter that was replayed or dropped stays; see docs/adr/0016-dead-letter-markers.md.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from aiokafka import ConsumerRecord

from contracts.codec import Record

_BLOCK = ("x-dlq-settled", "x-dlq-because", "x-dlq-by", "x-dlq-time")


class Place(NamedTuple):
    """Where a record stands in its topic; written `partition/offset`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Reads `partition/offset`. Raises ValueError."""
        partition, slash, offset = text.partition("/")
        if not (slash and partition.isdecimal() and offset.isdecimal()):
            raise ValueError(f"{text!r} is not PARTITION/OFFSET, such as 0/17")
        return cls(int(partition), int(offset))


class Settled(StrEnum):
    """The ways in which a dead letter is done with."""

    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a dead letter was done with, why, by whom and when."""

    how: Settled
    because: str
    by: str
    time: datetime

    def __str__(self) -> str:
        return f"{self.how} by {self.by} at {self.time.isoformat(timespec='seconds')}: {self.because}"


def marker(topic: str, place: Place, settlement: Settlement) -> Record:
    """The record that says in `topic` what became of the dead letter at `place`; the last one counts."""
    told = (settlement.how, settlement.because, settlement.by, settlement.time.isoformat())
    headers = tuple((name, text.encode()) for name, text in zip(_BLOCK, told, strict=True))
    return Record(topic, key=str(place).encode(), value=b"", headers=headers)


def read_marker(record: ConsumerRecord) -> tuple[Place, Settlement] | None:
    """What `record` says if it is a marker. A dead letter never is: its headers end with why it failed, whatever it was sent with."""
    if tuple(name for name, _ in record.headers) != _BLOCK:
        return None
    try:
        how, because, by, time = ((value or b"").decode() for _, value in record.headers)
        return Place.parse((record.key or b"").decode()), Settlement(Settled(how), because, by, datetime.fromisoformat(time))
    except ValueError:
        return None
