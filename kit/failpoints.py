"""Named places where a process may die, for tests that kill it there: `EVALUATOR_FAILPOINT=after_commit:17` ends it at its 17th pass.

A process that is told no failpoint passes them all; each costs one comparison.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Place(StrEnum):
    """Where the delivery of a record, or the publication of an event, is interrupted."""

    AFTER_EFFECT = "after_effect"
    """A handler has written its effect; its transaction is open, and its events are not told."""
    MID_BATCH = "mid_batch"
    """One of several events that share a transaction has written its effect; the transaction is open."""
    BEFORE_COMMIT = "before_commit"
    """All of a transaction is written, and it is not committed. Not only a handler's: any that may tell an event."""
    AFTER_COMMIT = "after_commit"
    """The effects of a partition's records, or their copies on other topics, are durable; their offset is not committed."""
    MID_RELAY = "mid_relay"
    """The broker has acknowledged a batch of the outbox, which still holds it."""
    DURING_DRAIN = "during_drain"
    """Partitions are being given up; a record may be in hand."""


PATTERN = rf"^({'|'.join(Place)}):[1-9]\d*$"


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Failpoints:
    """Dies by SIGKILL at the `nth` pass of `place`; without a place, never. `die` says how."""

    place: Place | None = None
    nth: int = 1
    die: Callable[[], None] = field(default=_kill)

    @classmethod
    def of(cls, text: str | None) -> "Failpoints":
        """From a setting that matches `PATTERN`, or none."""
        if text is None:
            return cls()
        place, nth = text.split(":")
        return cls(Place(place), int(nth))

    def reach(self, place: Place) -> None:
        """The process is at `place`."""
        if place is not self.place:
            return
        self.nth -= 1
        if self.nth == 0:
            self.die()
