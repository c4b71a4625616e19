"""At most how many input tokens a request can be billed for: counted where the tokenizer is known, bounded by bytes where it is not.

* OpenAI's models since GPT-4o: counted with `o200k_base`. What the chat format adds is 3 tokens a message and 3 for the answer's beginning
  (OpenAI's cookbook, "How to count tokens"); 16 and 64 are taken, and 2 % of the count, which covers texts that are counted in parts.
* Any other: the bytes of the text in UTF-8. A byte-level tokenizer's token stands for at least one byte, and one with byte fallback has at
  most a token a byte. On top 16 tokens a message, and 512 for what a provider puts before the messages.
* A response schema is billed in a form that nobody documents: twice its bytes as JSON, and 1024.
"""

import json
import re
from collections.abc import Callable

from kit.ports.llm import CompletionRequest

_COUNTABLE = re.compile(r"(?:chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|o[134](?:-|$))")
_OPENAI = "openai"
_FRAME, _COUNTED_EXTRA, _BYTES_EXTRA, _SCHEMA_EXTRA = 16, 64, 512, 1024


def input_bound(provider: str, model: str, request: CompletionRequest, count: Callable[[str], int]) -> int:
    """An upper bound of the input tokens of a call; `count` gives the tokens of a text in `o200k_base`."""
    frame = _FRAME * len(request.messages) + _schema_bound(request)
    if provider == _OPENAI and _COUNTABLE.match(model):
        counted = sum(count(message.content) for message in request.messages)
        return counted + counted // 50 + frame + _COUNTED_EXTRA
    return sum(_bytes(message.content) for message in request.messages) + frame + _BYTES_EXTRA


def _schema_bound(request: CompletionRequest) -> int:
    if request.response_schema is None:
        return 0
    return 2 * _bytes(json.dumps(request.response_schema, default=dict, ensure_ascii=False)) + _SCHEMA_EXTRA


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
