"""Samples, while all goes on, that no offset is committed past an event without effect; and when a group has caught up."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

import asyncpg

from tests.chaos.harness.audit import Audit
from tests.chaos.harness.ledger import Ledger, Sent
from tests.chaos.harness.tap import committed

PERIOD_S = 0.25

Offsets = dict[tuple[str, int], int]


@dataclass
class Sampler:
    """Reads the committed offsets, then the inbox: what was handled meanwhile cannot hide an offset that was committed too early."""

    bootstrap_servers: str
    ledger: Ledger
    audit: Audit
    samples: int = 0
    violations: list[str] = field(default_factory=list)
    offsets: Offsets = field(default_factory=dict)
    _verified: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Goes on until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(PERIOD_S)

    async def sample(self) -> None:
        """Looks once; nothing is learnt while the broker or the database is away."""
        workload = self.audit.workload
        offsets = await committed(self.bootstrap_servers, workload.service, workload.topics)
        below = [
            (number, sent)
            for number, sent in enumerate(self.ledger.acknowledged)
            if number not in self._verified and not sent.parcel.poison and sent.position[2] < offsets.get(sent.position[:2], 0)
        ]
        try:
            handled = await self.audit.handled([sent.parcel.event_id for _, sent in below])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return
        self.offsets = {**self.offsets, **offsets}
        self.samples += bool(offsets)
        self._judge(below, handled)

    def _judge(self, below: list[tuple[int, Sent]], handled: set[str]) -> None:
        for number, sent in below:
            self._verified.add(number)
            if sent.parcel.event_id not in handled:
                self.violations.append(f"committed without effect: {sent.position}")

    async def caught_up(self, ends: Offsets, within_s: float) -> float:
        """When all below `ends` was committed (monotonic seconds). Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while any(self.offsets.get(place, 0) < end for place, end in ends.items()):
                await asyncio.sleep(0.02)
        return monotonic()
