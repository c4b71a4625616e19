"""What an answer says, apart from the markers of its citations."""

import re
from dataclasses import dataclass

from services.evaluator.answered import Answered, Cited

# As rag writes them: after white space, unless the text begins with one.
_MARKER = re.compile(r"\[(?<!\S\[)(?P<number>\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Marked:
    """A citation, and where its marker stood in the text that has none any more."""

    at: int
    citation: Cited


def said(answer: Answered) -> str:
    """The text without markers; empty if it abstained."""
    return "" if answer.abstained else unmarked(answer)[0]


def unmarked(answer: Answered) -> tuple[str, list[Marked]]:
    """The text without the `[n]` of its citations, and where each stood. What only looks like a marker stays."""
    text, end, marks = "", 0, list[Marked]()
    for match in _MARKER.finditer(answer.text):
        number = int(match["number"])
        if 1 <= number <= len(answer.citations):
            text += answer.text[end : match.start()].rstrip()
            end = match.end()
            marks.append(Marked(len(text), answer.citations[number - 1]))
    rest = answer.text[end:]
    return (text + rest if text else rest.lstrip()), marks
