"""Vectors for many cases at once: what is wanted at the same moment is one request."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kit.errors import Permanent, Transient, WorkbenchError
from kit.ports.embedding import Vectors
from services.evaluator.scorers.tools import Embedder

# As many as rag takes in one request.
MOST_TEXTS = 256
_WAIT_S = 0.02


@dataclass
class _Wanted:
    texts: Sequence[str]
    vectors: "asyncio.Future[Vectors]"


@dataclass
class EmbedTogether:
    """An embedder in front of another. A text that is refused costs those that came with it a second request, and nothing else."""

    embedder: Embedder
    _wanted: list[_Wanted] = field(default_factory=list)
    _sending: set["asyncio.Task[None]"] = field(default_factory=set)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """As the other does, a moment later. Raises what that raises."""
        wanted = _Wanted(texts, asyncio.get_running_loop().create_future())
        self._wanted.append(wanted)
        if len(self._wanted) == 1:
            task = asyncio.create_task(self._send_soon())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await wanted.vectors

    async def _send_soon(self) -> None:
        await asyncio.sleep(_WAIT_S)
        wanted, self._wanted = self._wanted, []
        try:
            for some in _portions(wanted):
                await self._send(some)
        finally:
            _fail(wanted, Transient("embedding_unfinished", "the vectors were asked for and did not come; the log says why"))

    async def _send(self, wanted: Sequence[_Wanted]) -> None:
        try:
            vectors = await self.embedder.embed([text for one in wanted for text in one.texts])
        except Permanent as error:
            if len(wanted) == 1:
                _fail(wanted, error)
            else:
                await asyncio.gather(*(self._send([one]) for one in wanted))
        except WorkbenchError as error:
            _fail(wanted, error)
        else:
            first = 0
            for one in wanted:
                if not one.vectors.done():
                    one.vectors.set_result(vectors[first : first + len(one.texts)])
                first += len(one.texts)


def _portions(wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    """As many together as fit into a request."""
    portion: list[_Wanted] = []
    for one in wanted:
        if portion and sum(len(each.texts) for each in portion) + len(one.texts) > MOST_TEXTS:
            yield portion
            portion = []
        portion.append(one)
    yield portion


def _fail(wanted: Sequence[_Wanted], error: WorkbenchError) -> None:
    """For those who still wait."""
    for one in wanted:
        if not one.vectors.done():  # nobody waits any more
            one.vectors.set_exception(error)
