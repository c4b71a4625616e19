"""What a server of models says and does; the name of the model asked for tells.

`fails-429` answers with that status, and what follows a `?` are headers: `fails-429?retry-after=7`. `hangs` is silent before it answers,
`stalls` after its first piece, `babbles` has endless pieces, `drips` sends a whole answer byte by byte, `breaks` cuts the connection in
the middle, `ends-early` ends a stream there, `fails-midway` tells of an error there, `garbles` sends broken JSON, `says-html`,
`says-nothing` (an empty object), `says-odd` (an answer without its parts), `says-bad-json` and `refuses` do as they say,
`counts-nothing` leaves out the usage, and any other answers.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from kit.ports.llm import until_stop

REPLY = "Within 14 days of filing."
JSON_REPLY = '{"days": 14}'
REFUSAL = "I cannot help with that."
READ, CACHED = 1000, 400

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """The server's answer: its words, why it ends, and how many tokens it read."""

    model: str
    text: str
    cut: bool = False
    stopped: bool = False
    read: int = READ

    @property
    def refused(self) -> bool:
        """Whether it is none."""
        return self.model == "refuses"

    @property
    def pieces(self) -> list[str]:
        """The text as a stream has it."""
        return [word if at == 0 else f" {word}" for at, word in enumerate(self.text.split(" "))]

    @property
    def tokens(self) -> int:
        """A token is a word."""
        return len(self.text.split())


class Wire(Protocol):
    """How a provider writes an answer."""

    path: str
    request_id_header: str
    ping: bytes

    def said(self, body: Body) -> Said:
        """What the server says to a request."""
        ...

    def whole(self, said: Said, body: Body) -> Body:
        """The answer at once."""
        ...

    def opening(self, said: Said) -> list[bytes]:
        """The events before the first piece."""
        ...

    def piece(self, said: Said, text: str) -> bytes:
        """The event that brings a piece of text."""
        ...

    def closing(self, said: Said, body: Body) -> list[bytes]:
        """The events after the last piece."""
        ...

    def error(self, status: int) -> Body:
        """The body of a refusal, which a stream sends as `failure`."""
        ...

    def failure(self) -> bytes:
        """The event that tells of an error in the middle of a stream."""
        ...

    def garbled(self) -> bytes:
        """An event that is no JSON."""
        ...


def say(model: str, max_tokens: int, stop: list[str] | None, structured: bool) -> Said:
    """The words for a request, cut and stopped as it wants."""
    text = JSON_REPLY if structured else REPLY
    text = {"refuses": REFUSAL, "says-bad-json": JSON_REPLY[:-1]}.get(model, text)
    stopped = until_stop(text, tuple(stop or ()))
    words = stopped.split(" ")
    return Said(model, " ".join(words[:max_tokens]), cut=len(words) > max_tokens, stopped=stopped != text)


def failure_of(model: str) -> tuple[int, dict[str, str]] | None:
    """The status and the headers with which `model` fails."""
    name, _, headers = model.partition("?")
    if not name.startswith("fails-") or name == "fails-midway":
        return None
    return int(name.removeprefix("fails-")), dict(parse_qsl(headers))
