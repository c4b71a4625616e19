"""The judge: a language model that is asked twice, with what it reads in swapped order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kit.ports.llm import Message


class JudgeModel(Protocol):
    """Promise: an answer in the form that was asked for."""

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Any:
        """JSON that fits the schema. Raises Permanent if the model gives none, Transient or DependencyDown if it does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges."""

    model: JudgeModel
