"""The ledger: every record that was sent, and what must become of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from time import monotonic

from aiokafka import AIOKafkaProducer

from contracts.base import Event
from contracts.chunks import ChunksEmbeddedV1
from contracts.codec import Record

Headers = tuple[tuple[str, bytes | None], ...]
Position = tuple[str, int, int]
Partition = tuple[str, int]
Offsets = dict[Partition, int]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A record to send. One that is `poison` must come to the dead letter topic as it is, any other must have its one effect.

    `event` is what it says, None where it says nothing.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    event: Event | None
    poison: bool = False

    @classmethod
    def of(cls, record: Record, event: Event) -> "Parcel":
        """A good one."""
        return cls(record.topic, record.key, record.value, record.headers, event)

    def spoilt(self, **changes: object) -> "Parcel":
        """The same with something wrong that makes it poison."""
        return replace(self, **{"event": None, **changes}, poison=True)  # type: ignore[arg-type]

    @property
    def event_id(self) -> str:
        """The CloudEvents id of a good one."""
        return (dict(self.headers)["ce_id"] or b"").decode()

    @property
    def size(self) -> int:
        """Bytes of its key and headers."""
        return len(self.key or b"") + sum(len(name) + len(value or b"") for name, value in self.headers)

    @property
    def is_part(self) -> bool:
        """Whether the next one belongs to it: a version whose last batch is not sent cannot become visible."""
        return isinstance(self.event, ChunksEmbeddedV1) and self.event.batch_no + 1 < self.event.batch_count

    @property
    def content(self) -> tuple[bytes | None, bytes | None, Headers]:
        """Its bytes."""
        return self.key, self.value, self.headers


@dataclass(frozen=True, slots=True)
class Sent:
    """A parcel that the broker has acknowledged, where it stands, and when that was (monotonic seconds)."""

    parcel: Parcel
    position: Position
    at: float

    @property
    def partition(self) -> Partition:
        """Topic and number."""
        return self.position[:2]


@dataclass
class Ledger:
    """What was sent and acknowledged, and what was attempted: a producer that loses an acknowledgement does not know."""

    acknowledged: list[Sent] = field(default_factory=list)
    attempted: list[Parcel] = field(default_factory=list)

    async def send(self, producer: AIOKafkaProducer, parcel: Parcel) -> None:
        """Sends and waits for all replicas."""
        self.attempted.append(parcel)
        sent = await producer.send_and_wait(parcel.topic, parcel.value, parcel.key, headers=list(parcel.headers))
        self.acknowledged.append(Sent(parcel, (sent.topic, sent.partition, sent.offset), monotonic()))

    @property
    def good(self) -> Iterator[Sent]:
        """What must have its effect."""
        return (sent for sent in self.acknowledged if not sent.parcel.poison)

    @property
    def poison(self) -> Iterator[Sent]:
        """What must be dead-lettered."""
        return (sent for sent in self.acknowledged if sent.parcel.poison)

    def ends(self, until: float | None = None) -> Offsets:
        """For each partition, the offset behind the last record that was acknowledged, or that was so at a time (monotonic seconds)."""
        ends: Offsets = {}
        for sent in self.acknowledged:
            if until is None or sent.at <= until:
                ends[sent.partition] = max(sent.position[2] + 1, ends.get(sent.partition, 0))
        return ends

    def beyond(self, offsets: Offsets) -> list[Sent]:
        """What was acknowledged and is not committed by `offsets`, in order of offset."""
        found = [sent for sent in self.acknowledged if sent.position[2] >= offsets.get(sent.partition, 0)]
        return sorted(found, key=lambda sent: sent.position)
