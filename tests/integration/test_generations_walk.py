"""Index generations under whatever happens when: nothing stale, deleted or mixed is ever found, and in the end all that should be."""

from dataclasses import dataclass, field
from random import Random

import pytest

from contracts.generations import EmbeddingRecipe, GenerationRequestedV1
from tests.integration.conftest import OpenEffects
from tests.integration.pipeline import Pipeline, found, open_pipeline
from workbench.stack.servers import Servers, fresh_database

STEPS = 60
DOCUMENTS = ("ants", "bees", "cats", "dogs")
MOVES = ("upload", "upload", "delete", "ingest", "indexer", "indexer", "fill", "swap", "forget")


@pytest.fixture
def database(servers: Servers) -> Servers:
    """One for each walk."""
    return fresh_database(servers)


@dataclass
class Walk:
    """Moves by chance: uploads, deletes, swaps and rollbacks, while what was told has its effect at some other time."""

    pipeline: Pipeline
    chance: Random
    gone: dict[str, int] = field(default_factory=dict)

    async def move(self) -> None:
        """One of them."""
        name = self.chance.choice(DOCUMENTS)
        match self.chance.choice(MOVES):
            case "upload":
                await self.pipeline.upload(name, f"{name} walk {self.chance.random()}")
            case "delete" if name in self.pipeline.versions:
                await self.pipeline.delete(name)
                self.gone[name] = self.pipeline.versions[name]
            case "ingest" | "indexer" as service:
                await self.pipeline.step(service)
            case "fill":
                await self.pipeline.replay.fill()
            case "swap":
                await self.pipeline.swap(self.chance.choice(["g1", "g2"]))
            case "forget":
                self.pipeline.forget_the_pointer()
        await self.pipeline.generations.move()

    async def end(self) -> None:
        """All that was told has had its effect."""
        await self.pipeline.settle()
        await self.pipeline.generations.move()
        self.pipeline.forget_the_pointer()


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_stale_deleted_or_mixed_is_ever_found(open_effects: OpenEffects, seed: int) -> None:
    """No search goes back to an older version than an earlier one found, nor behind a delete."""
    walk, seen = Walk(await open_pipeline(open_effects), Random(seed)), dict[str, int]()
    await walk.pipeline.hand(GenerationRequestedV1(generation="g2", embedding=EmbeddingRecipe(provider="hash", dimensions=32)))

    for _ in range(STEPS):
        await walk.move()
        shown = await found(walk.pipeline)
        assert all(version >= seen.get(name, 0) and version > walk.gone.get(name, 0) for name, version in shown.items())
        seen |= shown
    await walk.end()

    assert await found(walk.pipeline) == {
        name: version for name, version in walk.pipeline.versions.items() if walk.gone.get(name) != version
    }
