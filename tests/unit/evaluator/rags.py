"""A rag that answers as a test says: the in-memory twin of `services.evaluator.rag.Rag`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contracts.queries import NamedVersion
from kit.errors import Permanent, WorkbenchError
from kit.ports.embedding import Vectors
from services.evaluator.answered import Answered, Passage
from services.evaluator.rag import Pinned
from services.evaluator.record import PromptVersion

PROMPT = NamedVersion(name="grounded-answer", version="1")


def pinned(reference: str) -> Pinned:
    """`b` is b@1."""
    name, _, version = reference.partition("@")
    variant = NamedVersion(name=name, version=version or "1")
    sha256 = f"{sum(f'{name}@{variant.version}'.encode()):064x}"
    return Pinned(variant, sha256, PromptVersion(**PROMPT.model_dump(), sha256="a" * 64), "g1", {"top_k": 5})


@dataclass
class Asked:
    """What was asked, and what others sent: shared by all on whose behalf it was."""

    questions: list[tuple[str | None, str]] = field(default_factory=list)
    sent: list[tuple[str | None, str, str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@dataclass(frozen=True)
class ScriptedRag:
    """`Rag` whose answer to a question is that of `answers`, or the question itself; an error there is raised, each one once if listed.

    `variants` are those it knows; `slow` holds every answer until it is set.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[str] = ("a", "b")
    prompt: NamedVersion = PROMPT
    degraded: tuple[str, ...] = ()
    slow: asyncio.Event | None = None
    asked: Asked = field(default_factory=Asked)
    payer: tuple[str, str | None] = ("", None)

    def on_behalf(self, tenant_id: str, run_id: str | None = None) -> "ScriptedRag":
        return replace(self, payer=(tenant_id, run_id))

    async def pin(self, reference: str) -> Pinned:
        if reference.partition("@")[0] not in self.variants:
            raise Permanent("variant_unknown", f"there is no variant {reference!r}")
        return pinned(reference)

    async def ask(self, question: str, variant: NamedVersion) -> Answered:
        self.asked.questions.append((self.payer[1], question))
        self.asked.at_once += 1
        self.asked.most_at_once = max(self.asked.at_once, self.asked.most_at_once)
        try:
            await (self.slow.wait() if self.slow else asyncio.sleep(0))
        finally:
            self.asked.at_once -= 1
        return self._answered(self._said(question), variant)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 2), dtype=np.float32)

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        self.asked.sent.append((self.payer[1], method, path, body))
        return {"documents": {"gold": 0, "missing": 0, "examples": []}} if path.startswith("/datasets/") else {}

    def _said(self, question: str) -> str:
        said = self.answers.get(question, question)
        while isinstance(said, list):
            said = said.pop(0) if said else question
        if isinstance(said, WorkbenchError):
            raise said
        return str(said)

    def _answered(self, text: str, variant: NamedVersion) -> Answered:
        passage = Passage("d", 0, len(text), text, 1.0)
        versions = {"variant": variant, "prompt": self.prompt, "provider": "test", "model": "m"}
        costs = {"input_tokens": 3, "output_tokens": 2, "cost_usd": 0.5, "latency_ms": 1.0}
        return Answered(text=text, abstained=False, citations=(), passages=(passage,), degraded=self.degraded, **versions, **costs)
