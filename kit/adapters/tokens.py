"""Counts tokens before a call, and after one whose server does not."""

from functools import cached_property

import bpe_openai

from kit.ports.llm import CompletionRequest

# The tokenizer refuses texts of a million characters.
_COUNTED_CHARS = 50_000
# What a chat template puts around each message, about: its beginning, who says it, its end.
_FRAME = 4


class TokenCounter:
    """Counts as OpenAI's models since GPT-4o do (`o200k_base`), which is an estimate for any other. The first count takes 0.1 s."""

    @cached_property
    def _encoding(self) -> bpe_openai.Encoding:
        return bpe_openai.get_encoding("o200k_base")

    def text(self, text: str) -> int:
        """Tokens of a text."""
        parts = (text[at : at + _COUNTED_CHARS] for at in range(0, len(text), _COUNTED_CHARS))
        return sum(len(self._encoding.encode_ordinary(part)) for part in parts)

    def request(self, request: CompletionRequest) -> int:
        """Tokens that a request's messages take."""
        return sum(self.text(message.content) + _FRAME for message in request.messages)
