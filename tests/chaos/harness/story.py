"""A story: events flow, faults strike one after another, all comes to rest, and the checker looks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from tests.brokers.broker import LocalBroker
from tests.chaos.harness.checker import check, dead_letters
from tests.chaos.harness.faults import Fault
from tests.chaos.harness.replica import lines_with
from tests.chaos.harness.report import Report
from tests.chaos.harness.workload import Workload
from tests.chaos.harness.world import Database, World, open_world

REST_WITHIN_S = 120
# The last duplicates and retried records are behind what the committed offsets tell.
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Story:
    """At least so many events, and as many as it takes until all `faults` are over, sent `rate` a second.

    Faults that kill at a failpoint come before those that start processes anew: each start takes the next failpoint.
    """

    workload: Workload
    faults: Sequence[Fault]
    events: int
    rate: float
    seed: int = 1

    async def play(self, broker: LocalBroker, database: Database, folder: Path) -> Report:
        """Raises TimeoutError if a fault does not come about or its world does not recover."""
        failpoints = [fault.failpoint for fault in self.faults if fault.failpoint]
        began = monotonic()
        async with open_world(self.workload, broker, database, folder, failpoints) as world:
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(world, over))
                recoveries = await self._strike(world)
                over.set()
            await world.sampler.caught_up(world.ledger.ends, REST_WITHIN_S)
            await asyncio.sleep(SETTLE_S)
            await world.sampler.sample()
            status = await world.number_0.stop()
            assert status == 0, f"the last replica ended with {status}; see {world.number_0.log}"
            return await self._report(world, recoveries, monotonic() - began)

    async def _send(self, world: World, over: asyncio.Event) -> None:
        began, is_part = monotonic(), False
        for number, parcel in enumerate(self.workload.parcels(Random(self.seed))):
            if number >= self.events and over.is_set() and not is_part:
                return
            is_part = parcel.is_part or (parcel.poison and is_part)
            await asyncio.sleep(max(0.0, began + number / self.rate - monotonic()))
            await world.ledger.send(world.producer, parcel)

    async def _strike(self, world: World) -> list[float]:
        recoveries: list[float] = []
        await self._consuming(world)
        for fault in self.faults:
            died = await fault.strike(world)
            back = await world.sampler.caught_up(_ends_before(world, died), REST_WITHIN_S)
            recoveries += [] if died is None else [back - died]
        return recoveries

    async def _consuming(self, world: World) -> None:
        """A fault that strikes before the group has its partitions is none."""
        async with asyncio.timeout(REST_WITHIN_S):
            while not any(world.sampler.offsets.values()):
                await asyncio.sleep(0.05)

    async def _report(self, world: World, recoveries: Sequence[float], seconds: float) -> Report:
        events, dead = len(world.ledger.acknowledged), await dead_letters(world)
        exits = [code for replica in (*world.replicas, *world.gone) for code in replica.exits]
        sent_twice = sum(1 for _ in world.ledger.good) - len({sent.parcel.event_id for sent in world.ledger.good})
        return Report(
            service=self.workload.service,
            broker=world.broker.name,
            events=events,
            poison=sum(1 for _ in world.ledger.poison),
            dead_letters=len(dead),
            kills=world.kills,
            failed_exits=len(exits),
            faults=tuple(fault.name for fault in self.faults),
            repeated=lines_with(world.logs, "event.repeated") - sent_twice,
            allowed=sum(fault.again for fault in self.faults),
            recoveries=tuple(recoveries),
            seconds=seconds,
            samples=world.sampler.samples,
            findings=await check(world, dead),
        )


def _ends_before(world: World, at: float | None) -> dict[tuple[str, int], int]:
    ends: dict[tuple[str, int], int] = {}
    for sent in world.ledger.acknowledged:
        if at is None or sent.at <= at:
            topic, number, offset = sent.position
            ends[topic, number] = max(offset + 1, ends.get((topic, number), 0))
    return ends
