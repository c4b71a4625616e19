"""Reading a draft that comes in pieces: what is text, and what is a citation `[n: "quote"]`, the form that kit/ports/llm.py describes."""

import re
from dataclasses import dataclass

MAX_QUOTE = 4_000
_OPENER = re.compile(r'\[(\d{1,3}): "')
_BEGUN = re.compile(r"\[(?:\d{1,3}(?:: ?)?)?")
_CLOSER = '"]'


@dataclass(frozen=True, slots=True)
class Drafted:
    """A citation as the model wrote it."""

    passage: int
    quote: str


class Markers:
    """Parts text from citations, the same however the draft is cut into pieces, and holds back no more than one citation.

    A citation ends at its first `"]`. One that has no end within MAX_QUOTE characters, or before the next begins, is text.
    """

    def __init__(self) -> None:
        self.held = ""

    def feed(self, piece: str) -> list[str | Drafted]:
        """What is certain now."""
        self.held += piece
        found: list[str | Drafted] = []
        text = at = 0
        while (begin := self.held.find("[", at)) >= 0 and (read := self._read(begin)):
            drafted, at = read
            if drafted:
                found += [self.held[text:begin], drafted]
                text = at
        certain = len(self.held) if begin < 0 else begin
        found.append(self.held[text:certain])
        self.held = self.held[certain:]
        return [part for part in found if part]

    def close(self) -> str:
        """What was held back."""
        held, self.held = self.held, ""
        return held

    def _read(self, begin: int) -> tuple[Drafted | None, int] | None:
        """The citation at `begin` and where it ends; no citation, and up to where there is none; or None: the next piece will tell."""
        opener = _OPENER.match(self.held, begin)
        if opener is None:
            return None if _BEGUN.fullmatch(self.held, begin) else (None, begin + 1)
        first, limit = opener.end(), opener.end() + MAX_QUOTE + len(_CLOSER)
        end = self.held.find(_CLOSER, first, limit)
        other = _OPENER.search(self.held, first, limit if end < 0 else end + 1)
        if other:
            return None, other.start()
        if end >= 0:
            return Drafted(int(opener[1]), self.held[first:end]), end + len(_CLOSER)
        return None if len(self.held) < limit else (None, first)
