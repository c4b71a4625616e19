"""How fast documents become searchable, beside the embedding model that has nothing else to do."""

import asyncio
from statistics import mean

from services.ingest.settings import Settings
from tests.bench.handbook import Document, chunk_texts, copies, documents
from tests.bench.raw import run_raw
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.stack import Stack, running_stack
from tests.bench.workspace import Workspace
from workbench.client import Client

COPIES = 4
BATCH: int = Settings.model_fields["embed_batch"].default


async def measure(workspace: Workspace) -> list[Figure]:
    """Chunks a second from the first upload to the last searchable document; the raw rate is that of just before and just after."""
    corpus, first = copies(COPIES), documents()[:1]
    texts = await asyncio.to_thread(chunk_texts, corpus)
    workspace.tell(f"{len(corpus)} documents, {len(texts)} chunks; the model alone")
    before = await _alone(texts)
    async with running_stack(workspace.new_folder("ingest")) as stack:
        await stack.index(first)  # the first document waits for a parser to start
        workspace.tell(f"the model alone made {before:.1f} chunks/s; the stack")
        seconds = await stack.index(corpus)
        await _check(stack, [*first, *corpus])
    workspace.tell(f"the stack made {len(texts) / seconds:.1f} chunks/s; the model alone, again")
    after = await _alone(texts)
    return [
        Figure(
            name="ingest",
            unit="chunks/s",
            measured={"rate": len(texts) / seconds},
            n=len(texts),
            of="chunks",
            peer=Peer("MiniLM.embed", mean([before, after])),
            target=Target(0.85, at_least=True, of_ratio=True),
            note=f"{len(corpus)} documents of {len(texts) / len(corpus):.1f} chunks each; "
            f"the model alone made {before:.1f} before and {after:.1f} after, in batches of {BATCH}",
        )
    ]


async def _alone(texts: list[str]) -> float:
    measured = await run_raw("embed", str(BATCH), given=texts)
    return len(texts) / float(measured["seconds"])


async def _check(stack: Stack, corpus: list[Document]) -> None:
    """Both sides must have embedded the same number of texts."""
    indexed = sum(document["chunks"]["indexed"] for document in await Client(stack.http).documents())
    expected = len(await asyncio.to_thread(chunk_texts, corpus))
    if indexed != expected:
        raise MeasurementFailed(f"the stack indexed {indexed} chunks and the model alone was given {expected}")
