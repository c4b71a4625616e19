"""Index generations are built by replay: every document's newest embedded version, once more for each generation that lacks it."""

from dataclasses import dataclass

import structlog

from contracts.codec import Received
from contracts.documents import DocumentReplayedV1
from kit.clock import Clock
from kit.errors import Permanent, Rejected, WorkbenchError
from kit.periodic import periodically
from services.ingest.build_store import BuildStore
from services.ingest.prepare import Prepare
from services.ingest.recipes import Recipe, Recipes
from services.ingest.store import Content, Store

log = structlog.get_logger(__name__)

# Documents on their way into a generation at once: enough to keep replicas busy, few enough to stop soon.
WINDOW = 64
_IDLE_S = 3.0
_BUSY_S = 0.2


@dataclass(frozen=True, slots=True)
class Replay:
    """The verb of `docs.replayed`, and the job that tells it."""

    store: Store
    builds: BuildStore
    recipes: Recipes
    prepare: Prepare
    clock: Clock

    async def replay(self, event: Received[DocumentReplayedV1]) -> None:
        """Handles `docs.replayed`; for a retired generation, or an overtaken version, it does nothing.

        Raises Rejected, after the document is marked failed for this generation, if it cannot be in it.
        """
        try:
            recipe = await self.recipes.of(event.data.generation)
            if recipe is None or not await self.builds.is_source(event.data):
                await self.store.skip(event)
                return
            await self._tell(event, recipe)
        except Permanent as error:
            await self.give_up(event, error)
            raise Rejected(error.code, error.message) from error

    async def give_up(self, event: Received[DocumentReplayedV1], error: WorkbenchError) -> None:
        """Marks the document failed for this generation; the others have it as before."""
        await self.builds.fail(event, error)

    async def run(self) -> None:
        """Tells what generations lack, until cancelled."""
        await periodically("replay", self._fill_all, _IDLE_S, self.clock)

    async def fill(self) -> int:
        """Tells some of what generations lack; gives how many documents are on their way into those that queries do not use."""
        live = await self.builds.generations()
        if len(live) < 2:
            return 0
        on_their_way = {generation: await self.builds.queue(generation.name, WINDOW) for generation in live}
        return sum(queued for generation, queued in on_their_way.items() if not generation.is_active)

    async def _fill_all(self) -> None:
        while await self.fill():
            await self.clock.sleep(_BUSY_S)

    async def _tell(self, event: Received[DocumentReplayedV1], recipe: Recipe) -> None:
        upload, content = event.data, Content(event.envelope.tenant_id, event.data.blob.sha256)
        document = await self.prepare.extract(upload, content, anyhow=True)
        await self.prepare.cut(upload, content, document, recipe)
        batches = await self.prepare.embed(upload, content, document, recipe)
        async with self.builds.replaying(event, recipe.key) as (effect, current):
            if current:
                for batch in batches:
                    await effect.publish(batch, part=batch.batch_no)
        log.info("document.replayed", document_id=upload.document_id, generation=recipe.generation, current=current)
