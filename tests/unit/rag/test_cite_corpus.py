"""The corpus of hard quotes: every true one is found where it stands, and no false one is believed."""

import asyncio
import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rag.citations.fold import folded
from services.rag.citations.passages import Passages, Span
from tests.unit.rag.citation_corpus import Figures, Trial
from tests.unit.rag.citation_lag import HOSTILE, searched
from tests.unit.rag.citation_texts import Document, documents, hits_of

HARD = st.text(
    st.sampled_from(
        [
            *"ab 1.,-\"'\n\r\t\u00ad\u200b\u200d\u200f\ufb01\u0301\u0323\u00e9\u1100\u1161\uac00"
            "\u00bd\u00b2\u2082\u4e00\u0e33\U0001f469\ufe0f\u0345\u1fb3\u2026"
        ]
    )
)


@pytest.mark.parametrize("document", list(documents()), ids=lambda document: document.kind)
def test_every_true_quote_is_found_byte_for_byte_and_no_false_one_is_believed(document: Document) -> None:
    """Eleven spellings, quotes across passages, and twelve kinds of lies; `python -m tests.unit.rag.citation_corpus` prints more."""
    trial = Trial(document, Random(7), Figures(), [])

    asyncio.run(trial.run(8))

    one = trial.figures
    assert trial.misses == []
    assert (one.verified, one.exact, one.believed) == (one.true, one.emitted, 0)
    assert one.true >= 96
    assert one.false >= 24


@given(HARD | st.text(max_size=60), st.data())
def test_what_is_found_is_always_what_was_asked_for(text: str, data: st.DataObject) -> None:
    """Of any text and any part of it: the span, folded, is the quote, folded, or nothing is found."""
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    found = Passages(hits_of("doc", text, [(0, len(text))])).locate(1, quote)

    if isinstance(found, Span):
        said, meant = folded(text[found.start : found.end]).text, folded(quote).text
        assert said == found.words
        assert said in (meant.strip(), meant.strip(" .,;:'")) or "..." in meant


@given(HARD | st.text(max_size=60))
def test_folding_is_the_same_for_every_composition_and_points_back(text: str) -> None:
    """Each character came from where it says, and composing or decomposing a text changes nothing."""
    one = folded(text)

    assert len(one.text) == len(one.origins)
    assert all(character in folded(text[origin]).text for character, origin in zip(one.text, one.origins, strict=True))
    assert folded(one.text).text == one.text
    for form in ("NFC", "NFD"):
        assert folded(unicodedata.normalize(form, text)).text == one.text


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_megabyte_and_a_quote_made_to_be_slow_do_not_hold_up_others(name: str) -> None:
    """`python -m tests.unit.rag.citation_lag` measures how long the longest stop is."""
    ticker, _ = await searched(*HOSTILE[name])

    assert ticker.spent_s < 5
    assert ticker.turns >= 3
