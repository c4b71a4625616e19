"""LlamaIndex's vector index in memory, made from documents with its own splitter."""

import importlib
from collections.abc import Callable
from typing import Any

from tests.report.peers.peer import Embedding, Given, Place, Told, tell, timed


def main(given: Given) -> Told:
    """All settings are its defaults; so a title is embedded with each chunk."""
    core, schema = importlib.import_module("llama_index.core"), importlib.import_module("llama_index.core.schema")
    embed = Embedding()
    documents = [core.Document(id_=text["document_id"], text=text["text"], metadata={"title": text["title"]}) for text in given.texts]
    index = core.VectorStoreIndex.from_documents(documents, embed_model=_model(embed))
    retriever = index.as_retriever(similarity_top_k=given.depth)

    def search(question: str, vector: list[float]) -> list[Place]:
        return [_place(scored.node) for scored in retriever.retrieve(schema.QueryBundle(question, embedding=vector))]

    run = timed(f"LlamaIndex {core.__version__}", search, given.questions, embed(given.questions))
    return Told([run], [_place(node) for node in index.docstore.docs.values()])


def _model(embed: Callable[[list[str]], list[list[float]]]) -> Any:
    base: Any = importlib.import_module("llama_index.core.embeddings").BaseEmbedding

    class SameEmbedding(base):  # type: ignore[misc]  # known only where it is installed
        def _get_text_embedding(self, text: str) -> list[float]:
            return embed([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return embed([query])[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return embed([query])[0]

    return SameEmbedding()


def _place(node: Any) -> Place:
    return node.ref_doc_id, node.start_char_idx, node.end_char_idx


if __name__ == "__main__":
    tell("llama-index-core", "llama_index", main)
