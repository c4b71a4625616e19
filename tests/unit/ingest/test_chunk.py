"""Chunks: in order, within the limit, nothing lost, no page crossed without need."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.media_types import MARKDOWN, PDF, PLAIN
from services.ingest.blocks import Block, assemble
from services.ingest.chunk import Chunker, Span
from services.ingest.document import ParsedDocument

MAX_TOKENS = 18
LIMIT = MAX_TOKENS - 2
TEXTS = st.text(st.sampled_from([*"ab .\n\n#*>`|-😀漢\u0301é\u200d🇩\t"]), max_size=600) | st.text(max_size=200)


def count_tokens(text: str) -> int:
    """Words and marks, as a tokenizer counts them."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def chunked(document: ParsedDocument, media_type: str = PLAIN) -> list[Span]:
    """The chunks of a document for a small model."""
    return Chunker(count_tokens, MAX_TOKENS).chunk(document, media_type)


@given(TEXTS, st.sampled_from([PLAIN, MARKDOWN]))
@example("    indented\n    code \x1c", MARKDOWN)
def test_spans_cover_any_text_in_order_within_the_limit(text: str, media_type: str) -> None:
    """None is empty, none begins or ends with white space, and what is between them is white space."""
    spans = chunked(ParsedDocument(text), media_type)

    end = 0
    for span in spans:
        piece = text[span.start : span.end]
        assert piece
        assert piece == piece.strip()
        assert count_tokens(piece) <= LIMIT
        assert end <= span.start
        assert not text[end : span.start].strip()
        end = span.end
    assert not text[end:].strip()


@given(st.lists(st.tuples(TEXTS, st.integers(1, 3), st.booleans()), max_size=8))
def test_spans_know_their_page(blocks: list[tuple[str, int, bool]]) -> None:
    """The page is that of the span's first character, and the last one it touches is the same or follows in mid-sentence."""
    number, made = 1, []
    for text, step, goes_on in blocks:
        number += step
        made.append(Block(text, gap=" " if goes_on else "\n\n", page=number))
    document = assemble(made)

    for span in chunked(document, PDF):
        assert span.page == document.page_at(span.start)
        crossed = [page.start for page in document.pages if span.start < page.start < span.end]
        assert all(not document.text[:start].endswith("\n") for start in crossed)


def test_a_chunk_does_not_cross_a_page_that_ends_a_paragraph() -> None:
    """Though both would fit into one."""
    document = assemble([Block("End of one.", page=1), Block("Start of two.", page=2)])

    assert [span.page for span in chunked(document)] == [1, 2]


def test_a_sentence_that_goes_on_overleaf_stays_in_one_chunk() -> None:
    """Its page is where it starts."""
    document = assemble([Block("Backups are kept for", page=1), Block("35 days.", gap=" ", page=2)])

    assert chunked(document) == [Span(0, len(document.text), 1, None)]


def test_a_chunk_knows_the_heading_it_starts_under() -> None:
    """A section that does not fit with the one before begins a chunk of its own."""
    sections = [
        ("On call", "One engineer a week, from Monday to Monday, is on call."),
        ("Pay", "Each week on call is paid with 400 euros."),
    ]
    document = assemble([block for title, text in sections for block in (Block(title, level=1), Block(text))])

    spans = chunked(document)

    assert [span.heading for span in spans] == ["On call", "Pay"]
    assert document.text[spans[1].start :].startswith("Pay")


@pytest.mark.parametrize("text", ["a" * 200_000, "漢字" * 100_000, "[" * 100_000, ">" * 60_000, "word " * 40_000])
def test_time_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    """Texts without a pause are cut into stretches first, and one unknown token is not a million characters."""
    began = time.process_time()

    spans = Chunker(count_tokens, 256).chunk(ParsedDocument(text), MARKDOWN)

    assert max(span.end - span.start for span in spans) <= 8 * 254
    assert any(span.start == 32_768 for span in spans) or " " in text
    assert time.process_time() - began < 5
