"""Where a record goes when it fails: the topics it passes through for one consumer group, and the headers that tell its way.

    <topic>  ->  <topic>.<group>.retry-30s  ->  <topic>.<group>.retry-5m  ->  <topic>.<group>.dlq

Key, value and headers stay byte for byte as they were sent; on each step one block of headers is put behind them, in place of the block of
the step before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from contracts.topics import RETRY_STAGES, Topic, dead_letter_topic, retry_topic
from kit.errors import WorkbenchError

Headers = Sequence[tuple[str, bytes | None]]

SOURCE = ("x-source-topic", "x-source-partition", "x-source-offset")
_BLOCK = (*SOURCE, "x-attempts", "x-error-kind", "x-error-code", "x-error-message", "x-error-time")
REPLAY_FOR = "x-replay-for"
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Route:
    """The way of `topic`'s records for `group`; `delays_s` says how long each retry stage keeps them."""

    topic: Topic
    group: str
    delays_s: tuple[float, ...] = tuple(stage.delay.total_seconds() for stage in RETRY_STAGES)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The retry topics, in order."""
        return tuple(retry_topic(self.topic.name, self.group, stage) for stage in RETRY_STAGES)

    @property
    def consumed(self) -> tuple[str, ...]:
        """The topics the group reads: the topic itself and its retry topics."""
        return (self.topic.name, *self.waiting)

    @property
    def dead_letters(self) -> str:
        """Where the way ends."""
        return dead_letter_topic(self.topic.name, self.group)

    def after(self, topic: str) -> str:
        """The topic behind `topic`."""
        steps = (*self.consumed, self.dead_letters)
        return steps[steps.index(topic) + 1]

    def due_in(self, record: ConsumerRecord, now: datetime) -> float:
        """Seconds until the record may be tried: its retry stage's delay after it came there, 0 or less outside of any."""
        if record.topic == self.topic.name:
            return 0.0
        came: float = record.timestamp / 1000
        return came + self.delays_s[self.waiting.index(record.topic)] - now.timestamp()

    def sent(self, record: ConsumerRecord) -> Headers:
        """The headers as the record was first sent with."""
        headers: Headers = record.headers
        return headers[: len(headers) - len(self._block(record))]

    def is_for_others(self, record: ConsumerRecord) -> bool:
        """Whether the record was replayed for another group."""
        replayed_for = dict(self.sent(record)).get(REPLAY_FOR)
        return replayed_for is not None and replayed_for != self.group.encode()

    def forwarded(self, record: ConsumerRecord, failure: WorkbenchError, tries: int, now: datetime) -> list[tuple[str, bytes | None]]:
        """The headers with which the record goes on: as sent, then where it came from first, how often it was tried, and why it failed."""
        before = self._block(record)
        block = {
            "x-source-topic": record.topic.encode(),
            "x-source-partition": str(record.partition).encode(),
            "x-source-offset": str(record.offset).encode(),
            **{name: before[name] for name in SOURCE if name in before},
            "x-attempts": str(_number(before.get("x-attempts")) + tries).encode(),
            "x-error-kind": type(failure).__name__.encode(),
            "x-error-code": failure.code.encode(),
            "x-error-message": failure.message[:_LONGEST_MESSAGE].encode(),
            "x-error-time": now.isoformat().encode(),
        }
        return [*self.sent(record), *((name, block[name]) for name in _BLOCK)]

    def _block(self, record: ConsumerRecord) -> Mapping[str, bytes]:
        """The block that the step before put behind; none on the topic itself, nor where somebody else wrote into a retry topic."""
        last = record.headers[-len(_BLOCK) :]
        ours = record.topic != self.topic.name and tuple(name for name, _ in last) == _BLOCK
        return dict(last) if ours else {}


def _number(text: bytes | None) -> int:
    return int(text) if text and text.isdigit() else 0
