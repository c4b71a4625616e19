"""The judge: a language model that is asked twice, with what it reads in swapped order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from pydantic import BaseModel, ConfigDict, ValidationError

from kit.errors import Permanent
from kit.ports.llm import Message, Role
from services.evaluator.judge_prompts import GUARD

ANSWER_INVALID = "judge_answer_invalid"


class JudgeModel(Protocol):
    """Promise: an answer in the form that was asked for."""

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Any:
        """JSON that fits the schema. Raises Permanent if the model gives none, Transient or DependencyDown if it does not answer."""
        ...


class Form(BaseModel):
    """The form of a judge's answer; closed, as providers want it that keep to a schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)


F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Section:
    """A text that the judge reads."""

    tag: str
    text: str
    number: int | None = None

    def __str__(self) -> str:
        number = "" if self.number is None else f' number="{self.number}"'
        return f"<{self.tag}{number}>\n{escape(self.text, quote=False)}\n</{self.tag}>"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the judge thinks in one order, from 0 to 1, and why."""

    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Matter(Generic[F]):
    """What is to be judged, and how. `read` makes an opinion of the filled form, or raises ValueError if it makes no sense."""

    task: str
    sections: tuple[Section, ...]
    form: type[F]
    read: Callable[[F], Opinion]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The opinions in both orders."""

    first: Opinion
    swapped: Opinion

    @property
    def value(self) -> float:
        """Their mean."""
        return (self.first.value + self.swapped.value) / 2

    @property
    def agreement(self) -> float:
        """1 if the order made no difference, 0 if it made all."""
        return 1 - abs(self.first.value - self.swapped.value)

    @property
    def why(self) -> str:
        """The reason; both of them if they lead to different values."""
        if self.first.value == self.swapped.value:
            return self.first.why
        return f"{self.first.value:g}: {self.first.why} / in swapped order {self.swapped.value:g}: {self.swapped.why}"


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks `model`. Of so many cases as `probed_share`, always the same ones, it is probed whether it likes a longer answer better."""

    model: JudgeModel
    probed_share: float = 0.25

    async def verdict(self, matter: Matter[F]) -> Verdict:
        """Raises as `opinion`."""
        return Verdict(await self.opinion(matter), await self.opinion(matter, swapped=True))

    async def opinion(self, matter: Matter[F], *, swapped: bool = False) -> Opinion:
        """In one order of its sections. Raises as the model, and Permanent `judge_answer_invalid` if it makes no sense."""
        parsed = await self.model.complete(_messages(matter, swapped), matter.form.model_json_schema())
        try:
            return matter.read(matter.form.model_validate(parsed))
        except ValidationError as error:
            fault = error.errors()[0]
            raise _invalid(f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}") from error
        except ValueError as error:
            raise _invalid(str(error)) from error

    def probes(self, case_id: str) -> bool:
        """Whether that case is probed."""
        return crc32(case_id.encode()) < self.probed_share * 2**32


def _messages(matter: Matter[F], swapped: bool) -> tuple[Message, ...]:
    sections = matter.sections[::-1] if swapped else matter.sections
    return Message(Role.SYSTEM, f"{matter.task}\n{GUARD}"), Message(Role.USER, "\n\n".join(map(str, sections)))


def _invalid(why: str) -> Permanent:
    return Permanent(ANSWER_INVALID, f"the judge's answer makes no sense: {why}; judge by a stronger model")
