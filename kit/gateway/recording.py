"""Records completions as they come, or says them again without any provider."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from kit.errors import Permanent
from kit.gateway.cassette import Cassette, Entry, first_words, request_key
from kit.ports.llm import Completion, CompletionRequest, LLMClient


class Recording:
    """`LLMClient` that puts every completion into the cassette before it hands it on."""

    def __init__(self, inner: LLMClient, cassette: Cassette) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._cassette = cassette

    async def complete(self, request: CompletionRequest) -> Completion:
        completion = await self._inner.complete(request)
        await self._record(request, (completion.text,), completion)
        return completion

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        said: list[str] = []
        async with aclosing(self._inner.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    said.append(piece)
                else:
                    await self._record(request, tuple(said), piece)
                yield piece

    async def _record(self, request: CompletionRequest, pieces: tuple[str, ...], completion: Completion) -> None:
        entry = Entry(request_key(request), first_words(request), pieces, completion)
        await asyncio.to_thread(self._cassette.append, entry)


class Replaying:
    """`LLMClient` that knows nothing but `entries`, of the cassette at `path`; raises Permanent `cassette_miss` for any other request."""

    def __init__(self, inner: LLMClient, entries: Mapping[str, Entry], path: str) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._entries = entries
        self._path = path

    async def complete(self, request: CompletionRequest) -> Completion:
        return _free(self._entry(request).completion)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        entry = self._entry(request)
        for piece in entry.pieces:
            yield piece
        yield _free(entry.completion)

    def _entry(self, request: CompletionRequest) -> Entry:
        key = request_key(request)
        if key not in self._entries:
            told = f"the cassette {self._path} has no completion for the request {key} ({first_words(request)!r}); record it"
            raise Permanent("cassette_miss", told)
        return self._entries[key]


def _free(completion: Completion) -> Completion:
    return replace(completion, replayed=True, usage=replace(completion.usage, cost_usd=0.0))
