"""The main path in pieces: what is proven is shown while the model still writes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from kit.clock import Clock
from services.rag.answer import Answerer, made
from services.rag.answered import Answer
from services.rag.proven import Delta, Finished, Streamed, proven
from services.rag.remembered import RememberedAnswers
from services.rag.retrieve import Question

Piece = Streamed | Answer


@dataclass(frozen=True, slots=True)
class Streaming:
    """Answers as they come. One that is remembered comes at once."""

    answerer: Answerer
    remembered: RememberedAnswers
    clock: Clock

    async def stream(self, question: Question) -> AsyncGenerator[Piece, None]:
        """What `proven` yields, with the whole answer in place of `Finished`. Raises as the answerer does."""
        key = await self.remembered.key(question) if question.cached else None
        if key and (known := await self.remembered.known(key, question)) is not None:
            for citation in known.citations:
                yield citation
            if not known.abstained:
                yield Delta(known.text)
            yield known
            return
        async with aclosing(self._fresh(question)) as pieces:
            async for piece in pieces:
                if key and isinstance(piece, Answer):
                    await self.remembered.keep(key, piece)
                yield piece

    async def _fresh(self, question: Question) -> AsyncGenerator[Piece, None]:
        answerer, watch, answer_id = self.answerer, question.stopwatch(self.clock), self.answerer.ids()
        passages = await answerer.passages(question, watch)
        resolver = answerer.citer.resolver(passages, question.tenant_id)
        with watch.stage("generate"):
            async with aclosing(proven(answerer.writer.stream(question, passages, answer_id, watch), resolver)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, Finished):
                        yield piece
                        continue
                    finished = piece
        yield made(answer_id, question, passages, finished.completion, finished.cited, watch)
