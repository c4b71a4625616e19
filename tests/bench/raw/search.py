"""The vector engine alone: its own hybrid query over the same points, without a line of ours between; and with the embedding before it."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator

import qdrant_edge as engine

from kit.adapters.minilm import DIMENSIONS, MiniLM
from kit.settings import EmbeddingSettings
from tests.bench.synthetic import Corpus, SyntheticChunk, unit_vectors

_BATCH = 500
_CANDIDATES = 50
_WARM_UP = 5
_TENANT = "tenant_id"


def main(chunks: int, queries: int, top_k: int) -> dict[str, list[float]]:
    """Milliseconds a query: `plain` over all points, `filtered` by a keyword that all points have, as a tenant's search is.

    `embed` is what a query's vector takes, `both` that and the filtered query.
    """
    corpus, bm25 = Corpus(chunks), engine.Bm25()
    with tempfile.TemporaryDirectory() as folder:
        shard = _filled(folder, corpus, bm25)
        texts = corpus.queries(queries)
        asked = list(zip(unit_vectors(queries), map(bm25.embed_query, texts), strict=True))
        whose = engine.Filter(must=[engine.FieldCondition(_TENANT, match=engine.MatchValue("default"))])
        timings = {"plain": list(_timed(shard, asked, top_k, None)), "filtered": list(_timed(shard, asked, top_k, whose))}
        shard.close()
    embed = asyncio.run(_embedded(texts))
    both = [a + b for a, b in zip(embed, timings["filtered"], strict=True)]
    return timings | {"embed": embed, "both": both}


async def _embedded(texts: list[str]) -> list[float]:
    model, took = MiniLM(EmbeddingSettings().threads), list[float]()
    await model.embed(texts[:_WARM_UP])
    for text in texts:
        began = time.perf_counter()
        await model.embed([text])
        took.append((time.perf_counter() - began) * 1000)
    model.close()
    return took


def _filled(folder: str, corpus: Corpus, bm25: engine.Bm25) -> engine.EdgeShard:
    config = engine.EdgeConfig(
        vectors={"dense": engine.EdgeVectorParams(size=DIMENSIONS, distance=engine.Distance.Cosine)},
        sparse_vectors={"sparse": engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
    )
    shard = engine.EdgeShard.load(folder, config)
    shard.update(engine.UpdateOperation.create_field_index(_TENANT, engine.PayloadSchemaType.Keyword))
    chunks = list(corpus.chunks())
    for first in range(0, len(chunks), _BATCH):
        shard.update(engine.UpdateOperation.upsert_points([_point(chunk, bm25) for chunk in chunks[first : first + _BATCH]]))
    return shard


def _point(chunk: SyntheticChunk, bm25: engine.Bm25) -> engine.Point:
    vectors = {"dense": chunk.vector.tolist(), "sparse": bm25.embed_document(chunk.text)}
    return engine.Point(chunk.number, vectors, {"text": chunk.text, _TENANT: "default"})


def _timed(shard: engine.EdgeShard, asked: list, top_k: int, narrowed: engine.Filter | None) -> Iterator[float]:  # type: ignore[type-arg]
    for dense, sparse in asked:
        began = time.perf_counter()
        prefetches = [
            engine.Prefetch(limit=_CANDIDATES, query=engine.Query.Nearest(vector, using=name), filter=narrowed)
            for name, vector in (("dense", dense.tolist()), ("sparse", sparse))
        ]
        fusion: engine.Fusion = engine.Fusion.Dbsf()  # type: ignore[assignment]  # it is one, but the stubs do not say so
        found = shard.query(engine.QueryRequest(limit=top_k, query=fusion, prefetches=prefetches, with_payload=True))
        yield (time.perf_counter() - began) * 1000
        if len(found) != top_k:
            raise SystemExit(f"the engine found {len(found)} of {top_k}")


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
