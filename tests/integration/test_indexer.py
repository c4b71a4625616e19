"""The indexer on a real database: versions become visible whole, and older ones and deletes never come back."""

from base64 import b64encode

import numpy as np
import pytest

from contracts.base import Event
from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1, EmbeddedChunk
from contracts.documents import DocumentIndexedV1
from kit.adapters.bm25 import Bm25Encoder
from kit.clock import SystemClock
from kit.errors import Permanent
from kit.fakes.collections import InMemoryCollections
from kit.ids import chunk_id
from kit.ports.vectors import VectorQuery, VectorStore
from kit.settings import VectorSettings
from services.indexer.generation_store import GenerationStore
from services.indexer.index import Index
from services.indexer.indexes import Indexes
from services.indexer.retire import Retire
from services.indexer.store import Store
from tests.events import received
from tests.integration.conftest import OpenEffects, told

VECTOR = np.array([1, 0, 0, 0], dtype=np.float32)


@pytest.fixture
async def index(open_effects: OpenEffects) -> Index:
    """The verb over real tables and vectors in memory."""
    effects = await open_effects("indexer")
    store, indexes = Store(effects), Indexes(GenerationStore(effects), InMemoryCollections(), VectorSettings(dimensions=4))
    return Index(store, indexes, Bm25Encoder(), Retire(store, indexes, SystemClock()))


async def points(index: Index) -> VectorStore:
    """Where the first generation's points are."""
    [vectors] = await index.indexes.live()
    return vectors


def batch(
    document_id: str, version: int = 1, batch_no: int = 0, batch_count: int = 1, vector: bytes = VECTOR.tobytes()
) -> ChunksEmbeddedV1:
    """One chunk of a version."""
    text = f"{document_id} says {version}"
    chunk = EmbeddedChunk(
        chunk_id=chunk_id(document_id, version, batch_no, "m"), chunk_no=batch_no, text=text, start=0, end=len(text),
        vector=b64encode(vector).decode(),
    )  # fmt: skip
    return ChunksEmbeddedV1(
        document_id=document_id, document_version=version, document_sha256="a" * 64, title=document_id, media_type="text/plain",
        embedding_model="m", dimensions=4, batch_no=batch_no, batch_count=batch_count, chunk_count=batch_count, chunks=(chunk,),
    )  # fmt: skip


async def feed(index: Index, *events: Event) -> None:
    """Hands events to the verb, in order."""
    for event in events:
        await (index.embedded if isinstance(event, ChunksEmbeddedV1) else index.deleted)(received(event))


async def found(index: Index, document_id: str) -> list[int]:
    """The versions of a document that a search finds."""
    hits = await (await points(index)).search(VectorQuery("default", 100, dense=VECTOR))
    return sorted({hit.chunk.document_version for hit in hits if hit.chunk.document_id == document_id})


async def test_a_version_is_found_only_when_its_last_batch_is_in(index: Index) -> None:
    """Half a version is never shown, and `docs.indexed` is told once it is whole."""
    await feed(index, batch("halves", batch_no=0, batch_count=2))
    half = await found(index, "halves")

    await feed(index, batch("halves", batch_no=1, batch_count=2))

    assert (half, await found(index, "halves")) == ([], [1])
    [event] = await told(index.store.effects, "halves")
    assert isinstance(event.data, DocumentIndexedV1)
    assert event.data.chunks == 2


async def test_a_newer_version_takes_the_place_of_the_older(index: Index) -> None:
    """And the older one's points are gone."""
    await feed(index, batch("moving", 1), batch("moving", 2))

    assert await found(index, "moving") == [2]
    assert await (await points(index)).count("moving") == 1


async def test_an_older_version_that_comes_late_does_nothing(index: Index) -> None:
    """The fence holds."""
    await feed(index, batch("late", 2), batch("late", 1))

    assert await found(index, "late") == [2]
    assert await (await points(index)).count("late") == 1
    row = await index.store.effects.pool.fetchrow("SELECT version, visible_version FROM documents WHERE document_id = 'late'")
    assert tuple(row) == (2, 2)


async def test_a_delete_beats_the_versions_before_it_in_any_order(index: Index) -> None:
    """Whether they come before or after."""
    await feed(index, batch("gone", 1), ChunksDeletedV1(document_id="gone", document_version=3), batch("gone", 2))

    assert await (await points(index)).count("gone") == 0


async def test_an_upload_after_a_delete_is_found_again(index: Index) -> None:
    """A document id can be used again."""
    await feed(index, batch("back", 1), ChunksDeletedV1(document_id="back", document_version=2), batch("back", 3))

    assert await found(index, "back") == [3]


async def test_a_batch_told_again_under_another_id_changes_nothing(index: Index) -> None:
    """Requeued documents come twice."""
    await feed(index, batch("twice"), batch("twice"))

    assert await (await points(index)).count("twice") == 1
    assert len(await told(index.store.effects, "twice")) == 1


@pytest.mark.parametrize("vector", [b"abc", np.zeros(3, dtype=np.float32).tobytes()])
async def test_a_broken_vector_is_refused(index: Index, vector: bytes) -> None:
    """The record goes to the dead letter topic, the document stays unchanged."""
    with pytest.raises(Permanent) as refused:
        await feed(index, batch("broken", vector=vector))

    assert refused.value.code == "vector_invalid"
    assert await (await points(index)).count("broken") == 0


async def test_points_that_could_not_be_removed_are_removed_later(index: Index) -> None:
    """What is to go is written down with the effect."""
    await feed(index, batch("lingering", 1))
    async with index.store.effects.once(received(event := ChunksDeletedV1(document_id="lingering", document_version=2))) as effect:
        await index.store.mark_deleted(effect, received(event))

    removed = await index.retire.once()

    assert removed == 1
    assert await (await points(index)).count("lingering") == 0
