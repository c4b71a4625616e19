"""Haystack's in-memory store with its own splitter: embedding retriever, and that with its BM25 retriever joined by RRF."""

import importlib
from dataclasses import replace
from typing import Any

from tests.report.peers.peer import Embedding, Given, Place, Told, tell, timed


def main(given: Given) -> Told:
    """All settings are its defaults."""
    haystack = importlib.import_module("haystack")
    retrievers = importlib.import_module("haystack.components.retrievers")
    joiners = importlib.import_module("haystack.components.joiners")
    memory = importlib.import_module("haystack.document_stores.in_memory")
    embed, store = Embedding(), memory.InMemoryDocumentStore()
    pieces = _split(haystack, given)
    embedded = zip(pieces, embed([piece.content for piece in pieces]), strict=True)
    store.write_documents([replace(piece, embedding=vector) for piece, vector in embedded])
    dense, sparse = retrievers.InMemoryEmbeddingRetriever(store), retrievers.InMemoryBM25Retriever(store)
    joiner = joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def by_vector(_: str, vector: list[float]) -> list[Any]:
        found: list[Any] = dense.run(query_embedding=vector, top_k=given.depth)["documents"]
        return found

    def by_both(question: str, vector: list[float]) -> list[Any]:
        words = sparse.run(query=question, top_k=given.depth)["documents"]
        found: list[Any] = joiner.run(documents=[by_vector(question, vector), words])["documents"]
        return found[: given.depth]

    vectors, version = embed(given.questions), haystack.__version__
    searches = {f"Haystack {version}": by_vector, f"Haystack {version}, hybrid": by_both}
    runs = [
        timed(name, lambda question, vector, search=search: list(map(_place, search(question, vector))), given.questions, vectors)
        for name, search in searches.items()
    ]
    return Told(runs, [_place(piece) for piece in pieces])


def _split(haystack: Any, given: Given) -> list[Any]:
    splitter = importlib.import_module("haystack.components.preprocessors").DocumentSplitter()
    documents = [haystack.Document(id=text["document_id"], content=text["text"], meta={"title": text["title"]}) for text in given.texts]
    pieces: list[Any] = splitter.run(documents=documents)["documents"]
    return pieces


def _place(piece: Any) -> Place:
    start = piece.meta["split_idx_start"]
    return piece.meta["source_id"], start, start + len(piece.content)


if __name__ == "__main__":
    tell("haystack-ai", "haystack", main)
