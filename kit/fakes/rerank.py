"""An in-memory reranker: the more of the question's words a text has, the better."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_WORD = re.compile(r"\w+")


@dataclass
class OverlapReranker:
    """`Reranker` by the share of the question's words that a text has; `asked` lists the questions with their texts."""

    name: str = "overlap"
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((question, tuple(texts)))
        wanted = _words(question)
        return [len(wanted & _words(text)) / max(len(wanted), 1) for text in texts]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
