"""Answers from the passages' own sentences: no language model, the same answer every time, and free."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kit.adapters.sentences import Sentence, sentences
from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel, Vectors
from kit.ports.llm import (
    ABSTENTION,
    Completion,
    CompletionRequest,
    FinishReason,
    Grounding,
    ModelRef,
    TokenUsage,
    cited,
    in_pieces,
    until_stop,
)
from kit.ports.sparse import SparseEncoder

# Measured on SQuAD 2.0 paragraphs and a documentation corpus with MiniLM vectors. A vector costs 10 ms, so few sentences get one.
SHORTLIST = 4
OVERLAP_WEIGHT = 0.5
RANK_PENALTY = 0.025
SUPPORT = 0.8
NEXT_TO_BEST = 0.85
SENTENCES = 3
REMEMBERED = 4096

EXTRACTIVE = ModelRef("extractive", "best-sentences-v1")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A sentence of passage number `passage`; `score` is first what it owes to its words and its passage's rank, then all of it."""

    passage: int
    sentence: Sentence
    score: float

    @property
    def in_context(self) -> str:
        return f"{self.sentence.context} {self.sentence.text}".strip()


class ExtractiveAnswerer:
    """`LLMClient` that cites the one to three sentences that support an answer best, and abstains if none does.

    A sentence's score is cos(question, sentence) + 0.5 x the share of the question's words that it has, weighed by their rarity (IDF), less
    a little for each rank of its passage. It must reach `support`, which is calibrated for MiniLM: calibrate again for another model. The
    best one's is the `confidence`, 0 if there is none.
    The vectors of recent sentences are remembered. The question is embedded alone, so that an embedder with a cache has it already.
    Temperature and seed have no effect.
    """

    provider = EXTRACTIVE.provider
    model = EXTRACTIVE.model

    def __init__(self, embedder: EmbeddingModel, terms: SparseEncoder, support: float = SUPPORT) -> None:
        self._embedder = embedder
        self._terms = terms
        self._support = support
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()

    async def complete(self, request: CompletionRequest) -> Completion:
        """Raises Permanent `grounding_missing` without passages to answer from, `llm_schema_unsupported`, and what the embedder raises."""
        if request.response_schema is not None:
            told = "the extractive answerer writes no JSON; leave out the schema, or set up a language model, as by LLM__OPENAI_API_KEY"
            raise Permanent("llm_schema_unsupported", told)
        if request.grounding is None:
            told = "the extractive answerer answers from passages only; for other texts set up a language model, as by LLM__OPENAI_API_KEY"
            raise Permanent("grounding_missing", told)
        ranked = await self._ranked(request.grounding)
        whole, finish = self._write(self._supported(ranked, request.grounding.support), request.max_tokens)
        text = until_stop(whole, request.stop)
        read = sum(self._embedder.count_tokens(message.content) for message in request.messages)
        usage = TokenUsage(read, self._embedder.count_tokens(text), 0.0)
        return Completion(text, self.provider, self.model, usage, finish, confidence=ranked[0].score if ranked else 0.0)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        """The same answer word by word; all of it is there before the first word."""
        async with aclosing(in_pieces(await self.complete(request))) as pieces:
            async for piece in pieces:
                yield piece

    def _supported(self, ranked: Sequence[_Evidence], asked: float | None) -> list[_Evidence]:
        """What reaches the threshold and comes close to the best."""
        support = self._support if asked is None else asked
        threshold = max(support, NEXT_TO_BEST * ranked[0].score) if ranked else support
        return [evidence for evidence in ranked[:SENTENCES] if evidence.score >= threshold]

    async def _ranked(self, grounding: Grounding) -> list[_Evidence]:
        """The shortlist with its scores, best first."""
        shortlist = self._shortlist(grounding)
        texts = [evidence.in_context for evidence in shortlist]
        asked, held = await asyncio.gather(self._embedder.embed([grounding.question]), self._vectors(texts))
        cosines = held @ asked[0]
        scored = [replace(evidence, score=evidence.score + float(cosine)) for evidence, cosine in zip(shortlist, cosines, strict=True)]
        return sorted(scored, key=lambda evidence: -evidence.score)

    async def _vectors(self, texts: Sequence[str]) -> Vectors:
        vectors = {text: self._remembered[text] for text in texts if text in self._remembered}
        new = [text for text in texts if text not in vectors]
        vectors.update(zip(new, await self._embedder.embed(new), strict=True))
        for text, vector in vectors.items():
            self._remembered[text] = vector
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return np.stack([vectors[text] for text in texts]) if texts else np.empty((0, self._embedder.dimensions), np.float32)

    def _shortlist(self, grounding: Grounding) -> list[_Evidence]:
        """The sentences whose words and rank promise most: only they are worth a vector."""
        found = list(_distinct(grounding.passages))
        overlaps = self._overlaps(grounding.question, [evidence.in_context for evidence in found])
        weights = OVERLAP_WEIGHT * overlaps - RANK_PENALTY * np.array([evidence.passage - 1 for evidence in found])
        best = np.argsort(-weights, kind="stable")[:SHORTLIST]
        return [_Evidence(found[i].passage, found[i].sentence, float(weights[i])) for i in best]

    def _overlaps(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """For each text the share of the question's terms that it has, weighed by their IDF among the texts; from 0 to 1."""
        asked = self._terms.encode_query(question).indices
        held = [frozenset(vector.indices) for vector in self._terms.encode_documents(texts)]
        has = np.array([[term in terms for term in asked] for terms in held], np.float64).reshape(len(texts), len(asked))
        frequency = has.sum(axis=0)
        idf = np.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
        share: NDArray[np.float64] = has @ idf / max(idf.sum(), 1e-9)
        return share

    def _write(self, supported: Sequence[_Evidence], max_tokens: int) -> tuple[str, FinishReason]:
        if not supported:
            return ABSTENTION, FinishReason.STOP
        text = ""
        for evidence in supported:
            longer = f"{text} {cited(evidence.sentence.claim, evidence.passage, evidence.sentence.text)}".strip()
            if self._embedder.count_tokens(longer) > max_tokens:
                return text, FinishReason.LENGTH
            text = longer
        return text, FinishReason.STOP


def _distinct(passages: Sequence[str]) -> Iterator[_Evidence]:
    """Every sentence once, though passages may overlap."""
    seen: set[str] = set()
    for number, passage in enumerate(passages, start=1):
        for sentence in sentences(passage):
            if sentence.text not in seen:
                seen.add(sentence.text)
                yield _Evidence(number, sentence, 0.0)
