"""How sure the extractive answerer is of an answer, found from outside: it abstains above that threshold and not below."""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.extractive import ExtractiveAnswerer
from kit.ports.embedding import EmbeddingModel, Vectors
from kit.ports.llm import CompletionRequest, Grounding, is_abstention

STEP = 0.005
THRESHOLDS = np.arange(0.0, 1.6, STEP)  # a score is a cosine and half a share of words


@dataclass(frozen=True, slots=True)
class Answered:
    """What it says if it must say something, and how sure it is: to within `STEP`, 0 where no sentence has anything of the question."""

    text: str
    support: float


@dataclass
class Remembering:
    """`EmbeddingModel` that embeds no text twice."""

    model: EmbeddingModel
    vectors: dict[str, Vectors] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name, self.dimensions, self.max_tokens = self.model.name, self.model.dimensions, self.model.max_tokens
        self.count_tokens = self.model.count_tokens

    async def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        self.vectors |= dict(zip(new, await self.model.embed(new), strict=True))
        return np.stack([self.vectors[text] for text in texts]) if texts else np.empty((0, self.dimensions), np.float32)


class Prober:
    """Asks the answerer the same with one threshold after another."""

    def __init__(self, embedder: EmbeddingModel) -> None:
        terms = Bm25Encoder()
        self._forced = ExtractiveAnswerer(embedder, terms, support=-1.0)
        self._answerers = [ExtractiveAnswerer(embedder, terms, support=float(threshold)) for threshold in THRESHOLDS]

    async def probe(self, question: str, passages: Sequence[str]) -> Answered:
        """Raises what the embedding model raises."""
        request = CompletionRequest((), Grounding(question, tuple(passages)))
        text = (await self._forced.complete(request)).text
        low, high = 0, len(THRESHOLDS)
        while low < high:
            middle = (low + high) // 2
            abstains = is_abstention((await self._answerers[middle].complete(request)).text)
            low, high = (low, middle) if abstains else (middle + 1, high)
        return Answered(text, float(THRESHOLDS[low - 1]) if low else 0.0)


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether the text has one of the answers, as SQuAD compares them: without case, punctuation and articles."""
    return any(f" {_bare(answer)} " in f" {_bare(text)} " for answer in answers)


def _bare(text: str) -> str:
    plain = text.casefold().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())
