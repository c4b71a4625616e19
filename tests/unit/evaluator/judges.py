"""Judges that follow a rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.ports.llm import Message
from services.evaluator.judge_prompts import FAITHFULNESS

Rule = Callable[[str], Any]


def rating(number: int) -> dict[str, Any]:
    """A filled form."""
    return {"reason": f"rated {number}", "rating": number}


def unsupported(*numbers: int) -> dict[str, Any]:
    """A filled form about the statements of an answer."""
    return {"reason": "compared", "unsupported": list(numbers)}


@dataclass
class RuledJudge:
    """`JudgeModel` that fills forms by what it reads: `rate` for a rating, `check` for statements; `read` lists what it was told."""

    rate: Rule = lambda _: rating(4)
    check: Rule = lambda _: unsupported()
    read: list[tuple[str, str]] = field(default_factory=list)
    schemas: list[Mapping[str, Any]] = field(default_factory=list)

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Any:
        system, user = (message.content for message in messages)
        self.read.append((system, user))
        self.schemas.append(schema)
        return self.check(user) if system.startswith(FAITHFULNESS) else self.rate(user)


def first_is_better(text: str) -> Any:
    """The rule of a judge that likes what it reads first."""
    return rating(5 if text.startswith("<answer>") else 3)


def longer_is_better(text: str) -> Any:
    """The rule of a judge that counts words."""
    return rating(3 if len(text.split()) < 30 else 5)
