"""The checker: what must hold when a story is over and everything has come to rest."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from contracts.chunks import ChunksDeletedV1
from contracts.documents import DocumentEvent
from kit.adapters.open_vectors import open_vectors
from tests.chaos.harness.forwarded import as_sent, first_forwarded, source
from tests.chaos.harness.ledger import Parcel, Sent
from tests.chaos.harness.report import Findings
from tests.chaos.harness.tap import Records, read_all
from tests.chaos.harness.world import World

REST_WITHIN_S = 40


async def check(world: World, dead: Records, waited: Records) -> Findings:
    """Looks at everything; the service has come to rest. `dead` are its dead letters, `waited` what was on its retry topics.

    Each finding is one violation, told.
    """
    sources = {source(record) for record in dead}
    return Findings(
        lost=[sent.position for sent in await _without_effect(world) if sent.position not in sources],
        doubled=[*await _doubled(world), *await _inbox_twice(world)],
        disordered=await _disordered(world),
        committed_early=world.sampler.early(first_forwarded((*dead, *waited))),
        not_dead_lettered=[sent.position for sent in world.ledger.poison if sent.position not in sources],
        wrongly_dead_lettered=list(_undeserved(world, dead)),
        mistold=await _mistold(world),
        orphans=await orphans(world),
    )


async def _without_effect(world: World) -> list[Sent]:
    """Good events of which the inbox, or the table of their effect, knows nothing."""
    good = list(world.ledger.good)
    handled = await world.audit.handled([sent.parcel.event_id for sent in good])
    rows = {(table, str(row[key])) for table, key in world.workload.effects.values() for row in await world.audit.rows(table)}
    return [sent for sent in good if sent.parcel.event_id not in handled or not _wanted_rows(world, sent.parcel) <= rows]


def _wanted_rows(world: World, parcel: Parcel) -> set[tuple[str, str]]:
    if parcel.event is None or type(parcel.event) not in world.workload.effects:
        return set()
    table, key = world.workload.effects[type(parcel.event)]
    return {(table, str(getattr(parcel.event, key)))}


async def _doubled(world: World) -> list[str]:
    """Rows that were written by more than one committed transaction."""
    found: list[str] = []
    for table, key in world.workload.effects.values():
        counts = Counter(str(row[key]) for row in await world.audit.written(table))
        found += [f"{table} {row}: {count} effects" for row, count in counts.items() if count > 1]
    return found


async def _inbox_twice(world: World) -> list[str]:
    """Effects and inbox rows are one to one: an effect without its inbox row would happen again."""
    if not world.workload.effects:
        return []
    effects = sum([len(await world.audit.rows(table)) for table, _ in world.workload.effects.values()])
    handled = len(await world.audit.rows("inbox"))
    return [] if effects == handled else [f"{effects} effects, {handled} inbox rows"]


async def _disordered(world: World) -> list[str]:
    """Documents that went back to an older version, or whose last state is not that of the newest version sent."""
    if world.workload.vectors is None:
        return []
    written = await world.audit.written("documents")
    found = []
    for document, events in _documents(world).items():
        history = [row["version"] for row in written if row["document_id"] == document]
        newest = max(events, key=lambda event: event.document_version)
        found += [f"{document}: {after} after {before}" for before, after in pairwise(history) if after < before]
        expected = (newest.document_version, None if isinstance(newest, ChunksDeletedV1) else newest.document_version)
        last = next(((row["version"], row["visible_version"]) for row in reversed(written) if row["document_id"] == document), None)
        found += [] if last == expected else [f"{document}: {last} instead of {expected}"]
    return found


def _documents(world: World) -> dict[str, list[DocumentEvent]]:
    documents: dict[str, list[DocumentEvent]] = {}
    for sent in world.ledger.good:
        if isinstance(event := sent.parcel.event, DocumentEvent):
            documents.setdefault(event.document_id, []).append(event)
    return documents


def _undeserved(world: World, dead: Records) -> Iterator[str]:
    """Dead letters that are no poison that was sent, byte for byte."""
    poison = Counter(parcel.content for parcel in world.ledger.attempted if parcel.poison)
    for record in dead:
        if as_sent(record) not in poison:
            yield f"{source(record)}: {dict(record.headers).get('x-error-code')}"


async def _mistold(world: World) -> list[str]:
    """Events on the service's topic that no committed transaction told, those told and not there, and those still in the outbox."""
    topic = world.workload.tells
    if topic is None:
        return []
    told = {dict(row["headers"])["ce_id"] for row in await world.audit.written("outbox")}
    records = await read_all(world.broker.bootstrap_servers, {topic.name: topic.partitions})
    published = {(dict(record.headers)["ce_id"] or b"").decode() for record in records}
    waiting = await world.audit.told()
    return [
        *(f"told and not published: {event}" for event in told - published),
        *(f"published and not told: {event}" for event in published - told),
        *([f"{waiting} still in the outbox"] if waiting else []),
    ]


async def at_rest(world: World) -> None:
    """Returns once no points are left that should go: what could not be removed at once is removed later. The check tells if they stay."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_WITHIN_S):
            while world.workload.vectors and await world.audit.rows("retirements"):
                await asyncio.sleep(0.5)


async def orphans(world: World) -> list[str]:
    """Documents that have more points, or fewer, than their visible version has chunks."""
    if world.vectors is None:
        return []
    wanted = {row["document_id"]: row["chunks"] for row in await world.audit.rows("documents")}
    async with open_vectors(world.vectors) as store:
        counts = {document: await store.count(document) for document in wanted}
        stray = await store.count() - sum(counts.values())
    wrong = [
        f"{document}: {counts[document]} points for {chunks} chunks" for document, chunks in wanted.items() if counts[document] != chunks
    ]
    return [*wrong, *([f"{stray} points of unknown documents"] if stray else [])]
