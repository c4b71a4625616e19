"""Index generations on real databases: built, swapped and rolled back under uploads and deletes, without a stale or a mixed answer."""

from datetime import timedelta

import asyncpg
import pytest

from contracts.generations import ChunkerRecipe, EmbeddingRecipe, GenerationRequestedV1, RetirementRequestedV1
from kit.errors import Permanent
from services.rag.indexes import LiveIndexes
from tests.events import received
from tests.integration.conftest import OpenEffects
from tests.integration.pipeline import TENANT, Pipeline, found, open_pipeline
from tests.integration.test_indexer import batch
from workbench.stack.servers import Servers, fresh_database


@pytest.fixture
def database(servers: Servers) -> Servers:
    """Generations are of a whole database: each test has one of its own."""
    return fresh_database(servers)


@pytest.fixture
async def pipeline(open_effects: OpenEffects) -> Pipeline:
    """Three documents in the first generation."""
    opened = await open_pipeline(open_effects)
    for name in ("ants", "bees", "cats"):
        await opened.upload(name, f"{name} walk the first time")
    await opened.settle()
    return opened


async def generations_found(pipeline: Pipeline) -> set[str]:
    """The generations of what a search finds."""
    return {pipeline.generation_of(hit) for hit in await pipeline.search("walk")}


async def row(pipeline: Pipeline, sql: str, *values: object) -> asyncpg.Record:
    """One row as indexer sees it."""
    return await pipeline.effects["indexer"].pool.fetchrow(sql, *values)


async def test_a_generation_is_built_from_every_document_while_queries_use_the_old_one(pipeline: Pipeline) -> None:
    """The topic is not read again: nothing but ingest's tables says what there is."""
    await pipeline.build("g2")

    progress = await row(pipeline, "SELECT documents, complete FROM v_progress WHERE generation = 'g2'")
    assert tuple(progress) == (3, 3)
    assert len(pipeline.collections.stores["chunks-g2"].shown) == 3
    assert await generations_found(pipeline) == {"g1"}


async def test_queries_move_to_a_generation_whole_and_back(pipeline: Pipeline) -> None:
    """Swap and rollback; each finds all documents."""
    await pipeline.build("g2")

    seen = []
    for target in ("g2", "g1", "g2"):
        await pipeline.swap(target)
        pipeline.forget_the_pointer()
        seen.append((await generations_found(pipeline), await found(pipeline)))

    everything = {"ants": 1, "bees": 1, "cats": 1}
    assert seen == [({"g2"}, everything), ({"g1"}, everything), ({"g2"}, everything)]


async def test_a_process_that_has_not_heard_of_a_swap_still_answers_from_one_generation(pipeline: Pipeline) -> None:
    """It asks the old one, which is kept in step: a version that is not there yet is missing for a moment, and none is stale."""
    await pipeline.build("g2")
    await found(pipeline)
    await pipeline.swap("g2")

    await pipeline.upload("ants", "ants walk again")
    await pipeline.step("ingest")
    behind = await found(pipeline), await generations_found(pipeline)
    await pipeline.settle()

    assert behind == ({"bees": 1, "cats": 1}, {"g1"})
    assert (await found(pipeline), await generations_found(pipeline)) == ({"ants": 2, "bees": 1, "cats": 1}, {"g1"})


async def test_what_a_search_may_not_show_any_more_makes_it_look_where_queries_belong(pipeline: Pipeline) -> None:
    """The points of an old version lie there for a moment still, of both generations."""
    await pipeline.build("g2")
    await found(pipeline)
    await pipeline.swap("g2")
    await pipeline.upload("ants", "ants walk again")
    await pipeline.effects["indexer"].pool.execute("UPDATE documents SET version = 2, visible_version = 2 WHERE document_id = 'ants'")

    assert (await found(pipeline), await generations_found(pipeline)) == ({"bees": 1, "cats": 1}, {"g2"})


async def test_uploads_and_deletes_reach_every_generation_that_is_kept(pipeline: Pipeline) -> None:
    """So that a rollback shows nothing stale and nothing deleted."""
    await pipeline.build("g2")
    await pipeline.swap("g2")

    await pipeline.upload("ants", "ants walk again")
    await pipeline.upload("dogs", "dogs walk")
    await pipeline.delete("bees")
    await pipeline.settle()
    await pipeline.swap("g1")
    pipeline.forget_the_pointer()

    assert await found(pipeline) == {"ants": 2, "cats": 1, "dogs": 1}
    assert await generations_found(pipeline) == {"g1"}
    assert {len(store.points) for store in pipeline.collections.stores.values()} == {3}


async def test_a_swap_waits_for_what_its_target_lacks(pipeline: Pipeline) -> None:
    """And meanwhile a version becomes visible only when both generations have it, so that the target can catch up under any load."""
    await pipeline.build("g2")
    await pipeline.upload("ants", "ants walk again")
    await pipeline.step("ingest")
    await pipeline.swap("g2")
    waiting = await pipeline.active()

    await pipeline.upload("bees", "bees walk again")
    await pipeline.step("ingest")
    held = await found(pipeline)
    await pipeline.generations.move()
    moved = await pipeline.active()
    await pipeline.settle()
    pipeline.forget_the_pointer()

    assert (waiting, held) == ("g1", {"ants": 2, "bees": 1, "cats": 1})
    assert (moved, await found(pipeline)) == ("g2", {"ants": 2, "bees": 2, "cats": 1})


async def test_a_swap_that_does_not_catch_up_is_withdrawn(open_effects: OpenEffects) -> None:
    """What waited for it becomes visible, and is told."""
    pipeline = await open_pipeline(open_effects, patience=timedelta(0))
    await pipeline.upload("ants", "ants walk the first time")
    await pipeline.settle()
    await pipeline.hand(GenerationRequestedV1(generation="g2", embedding=EmbeddingRecipe(provider="hash", dimensions=32)))
    async with pipeline.generations.store.effects.caused_by(None) as effect:
        await pipeline.generations.store.want(effect, "g2")
    await pipeline.upload("ants", "ants walk again")
    await pipeline.step("ingest")
    held = await found(pipeline)

    await pipeline.generations.move()

    assert (held, await found(pipeline), await pipeline.active()) == ({"ants": 1}, {"ants": 2}, "g1")
    assert (await row(pipeline, "SELECT count(*) FROM generations WHERE wanted_at IS NOT NULL"))[0] == 0


async def test_a_retired_generation_goes_and_gets_nothing_more(pipeline: Pipeline) -> None:
    """Its collection, its placements, and what ingest made for it alone."""
    await pipeline.build("g2")

    await pipeline.hand(RetirementRequestedV1(generation="g2"))
    await pipeline.upload("dogs", "dogs walk")
    await pipeline.settle()
    await pipeline.generations.drop_retired()
    await pipeline.replay.builds.forget()

    assert list(pipeline.collections.stores) == ["chunks"]
    assert (await row(pipeline, "SELECT count(*) FROM placements WHERE generation = 'g2'"))[0] == 0
    made = await pipeline.effects["ingest"].pool.fetch("SELECT DISTINCT recipe FROM chunks")
    assert [one["recipe"] for one in made] == ["1/hash-64"]


async def test_the_generation_that_queries_use_cannot_be_retired(pipeline: Pipeline) -> None:
    """Nor can one that they are to move to; nor does a name stand for two indexes."""
    await pipeline.build("g2")
    await pipeline.hand(RetirementRequestedV1(generation="g1"))
    await pipeline.build("g2", dimensions=16)
    await pipeline.swap("g3")

    assert pipeline.refused == ["generation_in_use", "generation_taken", "generation_unknown"]
    assert await pipeline.active() == "g1"


async def test_a_batch_of_another_model_than_its_generations_is_refused(pipeline: Pipeline) -> None:
    """Vectors of two models are never in one collection."""
    foreign = batch("dogs").model_copy(update={"embedding_model": "hash-4"})

    with pytest.raises(Permanent) as refused:
        await pipeline.index.embedded(received(foreign))

    assert refused.value.code == "generation_model_mismatch"


async def test_a_model_other_than_the_indexs_is_not_asked(pipeline: Pipeline) -> None:
    """Settings that name another model than the first generation was built with would compare what cannot be compared."""
    models = pipeline.replay.recipes.models
    models.models[64].name = "hash-64-retrained"  # type: ignore[attr-defined]
    indexes = LiveIndexes(pipeline.effects["rag"].pool, pipeline.clock, models, pipeline.collections, "chunks", lambda model: model)

    with pytest.raises(Permanent) as refused:
        await indexes.of("current")

    assert refused.value.code == "generation_model_mismatch"


async def test_a_document_whose_newer_version_failed_is_built_from_the_one_that_is_visible(open_effects: OpenEffects) -> None:
    """A new generation has what searches find, not what they would find if all had gone well."""
    pipeline = await open_pipeline(open_effects, max_chunks=2)
    await pipeline.upload("ants", "ants walk the first time")
    await pipeline.upload("ants", "ants walk on. " * 500)
    await pipeline.settle()

    await pipeline.build("g2")
    await pipeline.swap("g2")
    pipeline.forget_the_pointer()

    assert pipeline.refused == ["document_too_long"]
    assert (await pipeline.active(), await found(pipeline)) == ("g2", {"ants": 1})


async def test_a_document_that_cannot_be_in_a_generation_keeps_queries_where_they_are(open_effects: OpenEffects) -> None:
    """It is told as failed for that generation, and stays as it is in the other."""
    pipeline = await open_pipeline(open_effects, max_chunks=2)
    await pipeline.upload("ants", "ants walk and walk and walk. " * 8)
    await pipeline.settle()

    await pipeline.build("g2", chunker=ChunkerRecipe(strategy="sentence", max_tokens=10))
    await pipeline.swap("g2")

    [failed] = await pipeline.effects["rag"].pool.fetch("SELECT * FROM ingest.v_builds WHERE status = 'failed'")
    assert (failed["generation"], failed["error_code"]) == ("g2", "document_too_long")
    assert (await pipeline.active(), await found(pipeline)) == ("g1", {"ants": 1})


async def test_what_was_lost_on_the_way_into_a_generation_is_told_again(pipeline: Pipeline) -> None:
    """A broker that forgets costs a generation nothing."""
    await pipeline.hand(GenerationRequestedV1(generation="g2", embedding=EmbeddingRecipe(provider="hash", dimensions=32)))
    await pipeline.replay.fill()
    await pipeline.effects["ingest"].pool.execute("DELETE FROM outbox")

    told_again = await pipeline.replay.builds.requeue(0)
    await pipeline.settle()

    assert told_again == 3
    assert (await row(pipeline, "SELECT complete FROM v_progress WHERE generation = 'g2'"))["complete"] == 3


async def test_every_show_delete_and_swap_moves_the_change_counter(pipeline: Pipeline) -> None:
    """Of the tenant alone, or of all."""

    async def changes() -> int:
        return int((await row(pipeline, "SELECT changes FROM v_changes WHERE tenant_id = $1", TENANT))[0])

    seen = [await changes()]
    await pipeline.upload("ants", "ants walk again")
    await pipeline.settle()
    seen.append(await changes())
    await pipeline.delete("bees")
    await pipeline.settle()
    seen.append(await changes())
    await pipeline.build("g2")
    await pipeline.swap("g2")
    seen.append(await changes())

    assert seen == [3, 4, 5, 6]


async def test_the_chunks_of_two_generations_have_ids_of_their_own(pipeline: Pipeline) -> None:
    """Even with the same model and other cuts."""
    await pipeline.build("g2", dimensions=64, chunker=ChunkerRecipe(strategy="fixed", max_tokens=12))

    one, two = (set(pipeline.collections.stores[name].points) for name in ("chunks", "chunks-g2"))
    assert one
    assert two
    assert not one & two
