"""Markdown: the text as it came, so that a quote is what the author wrote, with the headings CommonMark sees in it."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from markdown_it import MarkdownIt

from services.ingest.decode import decoded
from services.ingest.document import Heading, ParsedDocument
from services.ingest.normalise import normalised

_FRONT_MATTER = re.compile(r"\A---\n.*?^---$", re.DOTALL | re.MULTILINE)


def parse(data: bytes) -> ParsedDocument:
    """Text and headings. Raises Permanent `document_encoding`."""
    text = normalised(decoded(data))
    return ParsedDocument(text, headings=tuple(_headings(text)))


def _headings(text: str) -> Iterator[Heading]:
    blocks, inline = MarkdownIt("commonmark"), MarkdownIt("commonmark")
    blocks.core.ruler.enableOnly(["normalize", "block"])
    starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
    for opening, content in pairwise(blocks.parse(_without_front_matter(text))):
        if opening.type == "heading_open" and opening.map is not None:
            yield Heading(starts[opening.map[0]], int(opening.tag[1:]), _visible(inline, content.content))


def _without_front_matter(text: str) -> str:
    """Blanks a YAML header, whose last line would read as the underline of a heading; lines keep their numbers."""
    return _FRONT_MATTER.sub(lambda header: "\n" * header[0].count("\n"), text)


def _visible(parser: MarkdownIt, markup: str) -> str:
    """What a reader sees of a heading: no asterisks, no link targets."""
    tokens = parser.parseInline(markup)[0].children or ()
    return "".join(token.content or " " for token in tokens if token.nesting == 0).strip()
