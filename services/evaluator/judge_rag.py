"""A judge behind rag, which keeps keys, budgets and the ledger of calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kit.errors import Permanent
from kit.ports.llm import FinishReason, Message
from services.evaluator.rag import readable

REFUSED = "judge_refused"
# Room for thoughts, which count where a model has them.
_MAX_TOKENS = 4_000


class Sends(Protocol):
    """Promise: failures come as `kit.errors`."""

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON that rag answers."""
        ...


@dataclass(frozen=True, slots=True)
class RagJudge:
    """`JudgeModel` of rag's POST /generate. Raises as `rag` does, and Permanent `judge_refused` if the model will not say."""

    rag: Sends
    provider: str | None
    model: str

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Any:
        answer = await self.rag.send("POST", "/generate", self._body(messages, schema))
        with readable():
            if answer["finish_reason"] == FinishReason.REFUSED:
                raise Permanent(REFUSED, f"{answer['provider']}/{answer['model']} refused to judge; judge by another model")
            return answer["parsed"]

    def _body(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messages": [{"role": message.role.value, "content": message.content} for message in messages],
            "provider": self.provider,
            "model": self.model,
            "max_tokens": _MAX_TOKENS,
            "response_schema": dict(schema),
        }
