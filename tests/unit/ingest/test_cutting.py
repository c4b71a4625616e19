"""The strategies of cutting: each within the limit, nothing lost, offsets of the stored text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.generations import ChunkerRecipe
from contracts.media_types import MARKDOWN, PLAIN
from kit.errors import Permanent
from services.ingest.blocks import Block, assemble
from services.ingest.chunk import Chunker, Span
from services.ingest.document import ParsedDocument
from tests.unit.ingest.test_chunk import MAX_TOKENS, TEXTS, count_tokens

STRATEGIES = st.sampled_from(["markdown", "sentence", "fixed"])
LIMIT = 10
STORY = "One ant walked. It met a bee. The bee was busy. They parted soon."


def recipe(strategy: str, overlap: int = 0, headings: bool = False) -> ChunkerRecipe:
    """Chunks of up to ten tokens."""
    return ChunkerRecipe(strategy=strategy, max_tokens=LIMIT, overlap=overlap, headings=headings)


def cut(text: str, how: ChunkerRecipe, media_type: str = PLAIN) -> list[Span]:
    """The spans of a text."""
    return Chunker(count_tokens, MAX_TOKENS, how).chunk(ParsedDocument(text), media_type)


@given(TEXTS, STRATEGIES, st.integers(0, 4), st.sampled_from([PLAIN, MARKDOWN]))
def test_every_strategy_covers_any_text_in_order_within_the_limit(text: str, strategy: str, overlap: int, media_type: str) -> None:
    """With an overlap, chunks begin and end later than the one before, and still leave out nothing but white space."""
    spans = cut(text, recipe(strategy, overlap), media_type)

    covered = 0
    for span in spans:
        piece = text[span.start : span.end]
        assert piece
        assert piece == piece.strip()
        assert count_tokens(piece) <= LIMIT
        assert not text[covered : span.start].strip()
        covered = max(covered, span.end)
    assert not text[covered:].strip()
    assert all(one.start < two.start or one.end < two.end for one, two in pairwise(spans))


def test_sentences_are_packed_whole() -> None:
    """As many as fit."""
    spans = cut(STORY, recipe("sentence"))

    assert [STORY[span.start : span.end] for span in spans] == ["One ant walked. It met a bee.", "The bee was busy. They parted soon."]


def test_fixed_chunks_share_what_they_overlap() -> None:
    """The last words of one are the first of the next."""
    words = " ".join(f"w{number}" for number in range(25))

    spans = cut(words, recipe("fixed", overlap=3))

    chunks = [words[span.start : span.end].split() for span in spans]
    assert [len(chunk) for chunk in chunks] == [10, 10, 10, 4]
    assert all(one[-3:] == two[:3] for one, two in pairwise(chunks))


def test_a_heading_is_embedded_above_its_chunks_and_is_in_no_other_text() -> None:
    """Offsets stay those of the stored text, and a chunk that begins with its heading has it once."""
    document = assemble([Block("Pay", level=1), Block("Each week on call is paid. It is paid in June.")])
    chunker = Chunker(count_tokens, MAX_TOKENS, recipe("sentence", headings=True))

    spans = chunker.chunk(document, PLAIN)

    assert [document.text[span.start : span.end] for span in spans] == ["Pay\n\nEach week on call is paid.", "It is paid in June."]
    assert [chunker.embedded_text(document.text, span) for span in spans] == [
        "Pay\n\nEach week on call is paid.",
        "Pay\n\nIt is paid in June.",
    ]


@given(st.text(st.sampled_from("ab "), min_size=1, max_size=200).filter(str.strip), TEXTS.filter(str.strip))
def test_what_is_embedded_fits_the_model_whatever_the_heading(heading: str, text: str) -> None:
    """A long heading is carried with its first words."""
    document = assemble([Block(heading, level=1), Block(text)])
    chunker = Chunker(count_tokens, MAX_TOKENS, ChunkerRecipe(headings=True))

    sizes = [count_tokens(chunker.embedded_text(document.text, span)) for span in chunker.chunk(document, PLAIN)]

    assert all(size <= MAX_TOKENS - 2 for size in sizes)


@pytest.mark.parametrize("wrong", [recipe("by-moonlight"), recipe("fixed", overlap=LIMIT)])
def test_a_recipe_that_cannot_be_followed_is_refused(wrong: ChunkerRecipe) -> None:
    """Of another release, or with chunks that are all overlap."""
    with pytest.raises(Permanent) as refused:
        Chunker(count_tokens, MAX_TOKENS, wrong)

    assert refused.value.code == "chunker_invalid"
