"""A streamed answer: what the model says is shown as soon as a verified citation proves it (docs/adr/0020)."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from contracts.queries import Citation
from kit.ports.llm import Completion, FinishReason
from services.rag.citations.resolve import Part, Resolver
from services.rag.cite import CitedText


@dataclass(frozen=True, slots=True)
class Started:
    """The model has begun to say something."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What comes next in the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The model is done. `cited` is what was shown, and its citations; without any of them nothing was shown, and nothing may be."""

    completion: Completion
    cited: CitedText


Streamed = Started | Delta | Citation | Finished


@dataclass
class _Gate:
    """Holds text until a citation behind it is verified; after that the text in front of the next one."""

    held: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def through(self, part: Part) -> Iterator[Delta | Citation]:
        """What a part lets out: a citation before the first marker that stands for it, and the text up to that marker."""
        if isinstance(part, str):
            self.held.append(part)
            return
        if part.first:
            yield part.citation
        self.held.append(part.text)
        yield self._let_out()

    def last(self) -> Iterator[Delta]:
        """What follows the last citation, if there was one."""
        if self.shown and any(self.held):
            yield self._let_out()

    def _let_out(self) -> Delta:
        delta = Delta("".join(self.held))
        self.held.clear()
        self.shown.append(delta.text)
        return delta


async def proven(pieces: AsyncGenerator[str | Completion, None], resolver: Resolver) -> AsyncGenerator[Streamed, None]:
    """`Started`, then deltas, each citation before the delta whose marker stands for it first, and last `Finished`.

    `pieces` are those of `LLMClient.stream`; they are closed with this. Raises as the language model and the database do; what was shown
    until then is proven.
    """
    gate, begun = _Gate(), False
    async with aclosing(pieces):
        async for piece in pieces:
            if not begun:
                begun = True
                yield Started()
            for part in await _resolved(piece, resolver):
                for item in gate.through(part):
                    yield item
            if isinstance(piece, Completion):
                for delta in gate.last():
                    yield delta
                yield Finished(piece, CitedText("".join(gate.shown), resolver.citations))


async def _resolved(piece: str | Completion, resolver: Resolver) -> list[Part]:
    if isinstance(piece, Completion):
        return await resolver.close(cut=piece.finish_reason is FinishReason.LENGTH)
    return await resolver.feed(piece)
