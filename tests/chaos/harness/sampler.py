"""Samples, while all goes on, what is committed past records that were not done by then; and when a group has caught up."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from time import monotonic

import asyncpg

from tests.chaos.harness.audit import Audit
from tests.chaos.harness.ledger import Ledger, Offsets, Partition, Position, Sent
from tests.chaos.harness.tap import committed

PERIOD_S = 0.25


@dataclass
class Sampler:
    """Reads the committed offsets, then the inbox: what was handled meanwhile cannot hide an offset that was committed too early.

    Whatever the inbox does not know must have been forwarded before its offset was committed; that is judged at the end, by the time that
    stands in the copy.
    """

    bootstrap_servers: str
    ledger: Ledger
    audit: Audit
    samples: int = 0
    offsets: Offsets = field(default_factory=dict)
    suspects: dict[Position, float] = field(default_factory=dict)
    _judged: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Goes on until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(PERIOD_S)

    async def committed(self) -> Offsets:
        """What is committed now; nothing while the broker is away."""
        return await committed(self.bootstrap_servers, self.audit.workload.service, self.audit.workload.topics)

    async def sample(self) -> None:
        """Looks once; nothing is learnt while the broker or the database is away."""
        offsets = await self.committed()
        seen = time.time()
        below = [
            (number, sent)
            for number, sent in enumerate(self.ledger.acknowledged)
            if number not in self._judged and sent.position[2] < offsets.get(sent.partition, 0)
        ]
        try:
            handled = await self.audit.handled([sent.parcel.event_id for _, sent in below if not sent.parcel.poison])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return
        self.offsets = {**self.offsets, **offsets}
        self.samples += bool(offsets)
        self._judged |= {number for number, _ in below}
        self.suspects |= {sent.position: seen for _, sent in below if not _is_handled(sent, handled)}

    def early(self, forwarded: Mapping[Position, float]) -> list[str]:
        """Records that were neither handled nor forwarded when their offset was seen committed; `forwarded` tells when each was copied."""
        late = {at: forwarded.get(at, float("inf")) - seen for at, seen in self.suspects.items()}
        return [f"{at}: committed {seconds:.1f} s before it was done" for at, seconds in late.items() if seconds > 0]

    async def in_hand(self) -> int:
        """How many records are done and not committed: from each partition's committed offset to the first that is certainly not done."""
        pending = self.ledger.beyond(await self.committed())
        handled = await self.audit.handled([sent.parcel.event_id for sent in pending if not sent.parcel.poison])
        partitions = [list(some) for _, some in groupby(pending, key=lambda sent: sent.partition)]
        return sum(len(list(takewhile(lambda sent: sent.parcel.poison or _is_handled(sent, handled), some))) for some in partitions)

    async def caught_up(self, ends: Offsets, within_s: float) -> float:
        """When all below `ends` was committed (monotonic seconds). Raises TimeoutError."""
        try:
            async with asyncio.timeout(within_s):
                while self._behind(ends):
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            error.add_note(f"committed, and to be committed: {self._behind(ends)}")
            raise
        return monotonic()

    def _behind(self, ends: Offsets) -> dict[Partition, tuple[int, int]]:
        return {place: (self.offsets.get(place, 0), end) for place, end in ends.items() if self.offsets.get(place, 0) < end}


def _is_handled(sent: Sent, handled: set[str]) -> bool:
    return not sent.parcel.poison and sent.parcel.event_id in handled
