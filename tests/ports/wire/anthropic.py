"""`POST /v1/messages`: https://platform.claude.com/docs/en/api/messages and https://platform.claude.com/docs/en/build-with-claude/streaming."""

import json
from typing import Any

from tests.ports.wire.script import CACHED, READ, Body, Said, say

_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


class AnthropicWire:
    """`Wire` of Anthropic."""

    path = "/v1/messages"
    request_id_header = "request-id"
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'

    def said(self, body: Body) -> Said:
        structured = body.get("output_config", {}).get("format", {}).get("type") == "json_schema"
        return say(body["model"], body["max_tokens"], body.get("stop_sequences"), structured)

    def whole(self, said: Said, body: Body) -> Body:
        usage = {**_read(), "output_tokens": said.tokens}
        end = {"stop_reason": _stop(said), "stop_sequence": body.get("stop_sequences", [None])[0] if said.stopped else None}
        return {**_message(said), **end, "usage": usage, "content": [{"type": "text", "text": said.text}]}

    def opening(self, said: Said) -> list[bytes]:
        message = {**_message(said), "stop_reason": None, "stop_sequence": None, "content": [], "usage": {**_read(), "output_tokens": 1}}
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        return [_event("message_start", message=message), _event("content_block_start", **block), self.ping]

    def piece(self, said: Said, text: str) -> bytes:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, said: Said, body: Body) -> list[bytes]:
        end = {"stop_reason": _stop(said), "stop_sequence": None}
        return [
            _event("content_block_stop", index=0),
            _event("message_delta", delta=end, usage={"output_tokens": said.tokens}),
            _event("message_stop"),
        ]

    def error(self, status: int) -> Body:
        return {"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": "as you wish"}, "request_id": "req_1"}

    def failure(self) -> bytes:
        return _event("error", error={"type": "rate_limit_error", "message": "too many"})

    def garbled(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "content_block_delta", "delta"\n\n'


def _message(said: Said) -> Body:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": said.model}


def _read() -> Body:
    return {"input_tokens": READ - CACHED, "cache_read_input_tokens": CACHED, "cache_creation_input_tokens": 0}


def _stop(said: Said) -> str:
    if said.refused:
        return "refusal"
    return "max_tokens" if said.cut else "stop_sequence" if said.stopped else "end_turn"


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
