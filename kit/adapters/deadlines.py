"""How long a language model may take, whole and in pieces."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import httpx2

from kit.adapters.sdk_errors import late
from kit.ports.llm import Completion

ROLE = "llm"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. `first_token_s` bounds each silence of a streamed answer, the one before its first piece and any after it."""

    connect_s: float = 5.0
    first_token_s: float = 30.0
    total_s: float = 60.0

    @property
    def http(self) -> httpx2.Timeout:
        """What the HTTP client needs to know; it counts bytes, which keep-alives are too, so that pieces are timed here."""
        return httpx2.Timeout(self.total_s, connect=min(self.connect_s, self.total_s))

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[None]:
        """Raises DependencyDown `llm_timeout` if the block takes longer than `total_s`."""
        try:
            async with asyncio.timeout(self.total_s):
                yield
        except TimeoutError as error:
            raise late(ROLE, f"did not answer within {self.total_s:g} s") from error

    async def pieces(self, stream: AsyncGenerator[str | Completion, None]) -> AsyncGenerator[str | Completion, None]:
        """The stream, which is closed with this one. Raises DependencyDown `llm_timeout` when it is silent or takes too long.

        The time that a reader takes between two pieces counts towards `total_s`.
        """
        now = asyncio.get_running_loop().time
        ends = now() + self.total_s
        async with aclosing(stream):
            while True:
                silent = now() + self.first_token_s
                try:
                    # Around each step and not around them all: a timeout must not strike while the reader does something else.
                    async with asyncio.timeout_at(min(silent, ends)):
                        piece = await anext(stream, None)
                except TimeoutError as error:
                    limit = f"said nothing for {self.first_token_s:g} s" if silent < ends else f"was not done within {self.total_s:g} s"
                    raise late(ROLE, limit) from error
                if piece is None:
                    return
                yield piece
