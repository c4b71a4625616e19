"""The checker: what must hold when a story is over and everything has come to rest."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from aiokafka import ConsumerRecord

from contracts.chunks import ChunksDeletedV1
from contracts.documents import DocumentEvent
from contracts.topics import dead_letter_topic
from kit.adapters.qdrant_edge import QdrantEdge
from kit.route import SOURCE
from kit.settings import VectorSettings
from tests.chaos.harness.ledger import Parcel, Position, Sent
from tests.chaos.harness.report import Findings
from tests.chaos.harness.tap import Records, read_all
from tests.chaos.harness.workloads import DIMENSIONS
from tests.chaos.harness.world import World

_BLOCK = 8


async def dead_letters(world: World) -> Records:
    """All the group's dead letters."""
    broker, group = world.broker.bootstrap_servers, world.workload.service
    topics = {dead_letter_topic(topic.name, group): topic.partitions for topic in world.workload.topics}
    return [record for topic, partitions in topics.items() for record in await read_all(broker, topic, partitions)]


async def check(world: World, dead: Records) -> Findings:
    """Looks at everything; the service has stopped, and `dead` are its dead letters. Each finding is one violation, told."""
    sources = {_source(record) for record in dead}
    return Findings(
        lost=[sent.position for sent in await _without_effect(world) if sent.position not in sources],
        doubled=[*await _doubled(world), *await _inbox_twice(world)],
        disordered=await _disordered(world),
        committed_early=list(world.sampler.violations),
        not_dead_lettered=[sent.position for sent in world.ledger.poison if sent.position not in sources],
        wrongly_dead_lettered=list(_undeserved(world, dead)),
        mistold=await _mistold(world),
        orphans=await _orphans(world),
    )


def _source(record: ConsumerRecord[Any, Any]) -> Position:
    told = dict(record.headers[-_BLOCK:])
    topic, partition, offset = ((told[name] or b"").decode() for name in SOURCE)
    return topic, int(partition), int(offset)


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
    if not world.workload.alone:
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
        if (record.key, record.value, tuple(record.headers[:-_BLOCK])) not in poison:
            yield f"{_source(record)}: {dict(record.headers).get('x-error-code')}"


async def _mistold(world: World) -> list[str]:
    """Events on the service's topic that no committed transaction told, those told and not there, and those still in the outbox."""
    topic = world.workload.tells
    if topic is None:
        return []
    told = {dict(row["headers"])["ce_id"] for row in await world.audit.written("outbox")}
    records = await read_all(world.broker.bootstrap_servers, topic.name, topic.partitions)
    published = {(dict(record.headers)["ce_id"] or b"").decode() for record in records}
    waiting = await world.audit.told()
    return [
        *(f"told and not published: {event}" for event in told - published),
        *(f"published and not told: {event}" for event in published - told),
        *([f"{waiting} still in the outbox"] if waiting else []),
    ]


async def _orphans(world: World) -> list[str]:
    """Documents that have more points, or fewer, than their visible version has chunks."""
    if not world.workload.alone:
        return []
    store = QdrantEdge(world.vectors, VectorSettings().collection)
    await store.ensure(DIMENSIONS)
    try:
        wanted = {row["document_id"]: row["chunks"] for row in await world.audit.rows("documents")}
        counts = {document: await store.count(document) for document in wanted}
        stray = await store.count() - sum(counts.values())
    finally:
        store.close()
    wrong = [
        f"{document}: {counts[document]} points for {chunks} chunks" for document, chunks in wanted.items() if counts[document] != chunks
    ]
    return [*wrong, *([f"{stray} points of unknown documents"] if stray else [])]
