"""Semantic similarity: how near the answer's vector is to that of an accepted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.reasons import NO_ANSWERS, UNANSWERABLE
from services.evaluator.scorers.said import said
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.tools import Embedder, Tools

_NAME = "similarity"
# No model reads more of a text, and rag refuses longer ones.
_READ_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Similarity:
    """`Scorer`. Vectors of long texts tell little: a model reads the first few hundred words alone."""

    embedder: Embedder
    names: ClassVar[tuple[str, ...]] = (_NAME,)

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        return {_NAME: await self._judged(case, answer)}

    async def _judged(self, case: Case, answer: Answered) -> Judgement:
        """The cosine, the greatest over accepted answers, from 0 to 1: what points elsewhere is no worse than what says nothing, 0."""
        if not case.answerable:
            return UNANSWERABLE
        golds = [gold for gold in case.answers if gold.strip()]
        if not golds:
            return NO_ANSWERS
        told = said(answer)
        if not told.strip():
            return Score(0.0, "it says nothing")
        vectors = np.asarray(await self.embedder.embed([text[:_READ_CHARS] for text in (told, *golds)]), dtype=np.float64)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = np.clip(unit[1:] @ unit[0], 0.0, 1.0)
        return Score(float(cosines.max()), f"nearest to {golds[int(cosines.argmax())]!r}")


def make(tools: Tools) -> Scorer:
    """Its scorer."""
    return Similarity(tools.embed)
