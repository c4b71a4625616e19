"""A story: events flow, faults strike one after another, all comes to rest, and the checker looks."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from tests.brokers.broker import LocalBroker
from tests.chaos.harness.checker import at_rest, check
from tests.chaos.harness.faults import Fault
from tests.chaos.harness.forwarded import dead_letters, put_off
from tests.chaos.harness.ledger import Parcel
from tests.chaos.harness.rebalance import pauses
from tests.chaos.harness.redelivery import Stroke, by_stroke, repeats
from tests.chaos.harness.report import Report
from tests.chaos.harness.workload import Workload
from tests.chaos.harness.world import Database, World, open_world

REST_WITHIN_S = 120
# The last duplicates and retried records are behind what the committed offsets tell.
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Story:
    """At least so many events, and as many as it takes until all `faults` are over, sent `rate` a second.

    They come in bursts of so many at once. Faults that kill at a failpoint come before those that start processes anew: each start takes
    the next failpoint.
    """

    workload: Workload
    faults: Sequence[Fault]
    events: int
    rate: float
    seed: int = 1
    burst: int = 1

    async def play(self, broker: LocalBroker, database: Database, folder: Path) -> Report:
        """Raises TimeoutError if a fault does not come about or its world does not recover."""
        failpoints = [fault.failpoint for fault in self.faults if fault.failpoint]
        began = monotonic()
        async with open_world(self.workload, broker, database, folder, failpoints) as world:
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(world, over))
                strokes, recoveries = await self._strike(world)
                over.set()
            await world.sampler.caught_up(world.ledger.ends(), REST_WITHIN_S)
            await asyncio.sleep(SETTLE_S)
            await at_rest(world)
            await world.sampler.sample()
            status = await world.number_0.stop()
            assert status == 0, f"the last replica ended with {status}; see {world.number_0.log}"
            return await self._report(world, strokes, recoveries, monotonic() - began)

    async def _send(self, world: World, over: asyncio.Event) -> None:
        began, number = monotonic(), 0
        for parcels in self._bursts():
            if number >= self.events and over.is_set():
                return
            await asyncio.sleep(max(0.0, began + number / self.rate - monotonic()))
            await asyncio.gather(*(world.ledger.send(world.producer, parcel) for parcel in parcels))
            number += len(parcels)

    def _bursts(self) -> Iterator[list[Parcel]]:
        """Each ends with a whole version."""
        parcels, is_part = list[Parcel](), False
        for parcel in self.workload.parcels(Random(self.seed)):
            parcels.append(parcel)
            is_part = parcel.is_part or (parcel.poison and is_part)
            if len(parcels) >= self.burst and not is_part:
                yield parcels
                parcels = []

    async def _strike(self, world: World) -> tuple[list[Stroke], list[float]]:
        strokes, recoveries = list[Stroke](), list[float]()
        await self._consuming(world)
        for fault in self.faults:
            began = monotonic()
            with _told(fault):
                struck = await fault.strike(world)
                back = await world.sampler.caught_up(world.ledger.ends(struck.died), REST_WITHIN_S)
            strokes.append(Stroke(fault.name, began, struck))
            recoveries += [] if struck.died is None else [back - struck.died]
        return strokes, recoveries

    async def _consuming(self, world: World) -> None:
        """A fault that strikes before the group has its partitions is none."""
        async with asyncio.timeout(REST_WITHIN_S):
            while not any(world.sampler.offsets.values()):
                await asyncio.sleep(0.05)

    async def _report(self, world: World, strokes: Sequence[Stroke], recoveries: Sequence[float], seconds: float) -> Report:
        broker = world.broker.bootstrap_servers
        dead, waited = [*world.taken, *await dead_letters(broker, self.workload)], await put_off(broker, self.workload)
        again = await repeats(world.ledger, world.audit, world.logs, dead)
        return Report(
            service=self.workload.service,
            broker=world.broker.name,
            events=len(world.ledger.acknowledged),
            poison=sum(1 for _ in world.ledger.poison),
            dead_letters=len(dead),
            kills=world.kills,
            failed_exits=sum(len(replica.exits) for replica in (*world.replicas, *world.gone)),
            redeliveries=tuple(by_stroke(strokes, again)),
            recoveries=tuple(recoveries),
            pauses=tuple(await pauses(world)),
            seconds=seconds,
            samples=world.sampler.samples,
            findings=await check(world, dead, waited),
        )


@contextmanager
def _told(fault: Fault) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        error.add_note(f"while the world should recover from: {fault.name}")
        raise
