"""`POST /chat/completions`: https://platform.openai.com/docs/api-reference/chat."""

import json
from typing import Any

from tests.ports.wire.script import CACHED, Body, Said, say


class OpenAIWire:
    """`Wire` of OpenAI, and of the servers that speak the same."""

    path = "/chat/completions"
    request_id_header = "x-request-id"
    ping = b": ping\n\n"

    def said(self, body: Body) -> Said:
        structured = body.get("response_format", {}).get("type") == "json_schema"
        return say(body["model"], body.get("max_tokens") or body["max_completion_tokens"], body.get("stop"), structured)

    def whole(self, said: Said, body: Body) -> Body:
        message = {"role": "assistant", "content": None if said.refused else said.text, "refusal": said.text if said.refused else None}
        choice = {"index": 0, "finish_reason": _finish(said), "message": message, "logprobs": None}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": said.model, "choices": [choice]}
        return answer if said.model == "counts-nothing" else {**answer, "usage": _usage(said)}

    def opening(self, said: Said) -> list[bytes]:
        return [_chunk(said, {"role": "assistant", "content": "", "refusal": None})]

    def piece(self, said: Said, text: str) -> bytes:
        return _chunk(said, {"refusal": text} if said.refused else {"content": text})

    def closing(self, said: Said, body: Body) -> list[bytes]:
        events = [_chunk(said, {}, _finish(said))]
        if body.get("stream_options", {}).get("include_usage") and said.model != "counts-nothing":
            events.append(_event({**_frame(said), "choices": [], "usage": _usage(said)}))
        return [*events, b"data: [DONE]\n\n"]

    def error(self, status: int) -> Body:
        return {"error": {"message": "as you wish", "type": "an_error", "param": None, "code": None}}

    def failure(self) -> bytes:
        return _event({"error": {"message": "too many", "type": "requests", "param": None, "code": "rate_limit_exceeded"}})

    def garbled(self) -> bytes:
        return b'data: {"choices": [{"delta"\n\n'


def _finish(said: Said) -> str:
    return "length" if said.cut else "stop"


def _usage(said: Said) -> Body:
    details = {"prompt_tokens_details": {"cached_tokens": min(CACHED, said.read)}}
    return {"prompt_tokens": said.read, "completion_tokens": said.tokens, "total_tokens": said.read + said.tokens, **details}


def _frame(said: Said) -> Body:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": said.model}


def _chunk(said: Said, delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _event({**_frame(said), "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}], "usage": None})


def _event(data: Body) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
