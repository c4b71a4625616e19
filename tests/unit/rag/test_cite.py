"""Citations: only quotes that stand in the stored text are sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

import pytest

from kit.metrics import CITATIONS_DROPPED
from kit.ports.vectors import Chunk, Hit
from services.rag.cite import CitedText, Citer
from services.rag.store import StoredQuote

TEXT = "Refunds are paid within 14 days.\nThe limit is\n500 euros per order. \u00c9t\u00e9 \U0001f600 sale ends in August."


@dataclass(frozen=True)
class Texts:
    """Stored texts: what the index says may differ from it."""

    text: str = TEXT

    async def quotes(self, tenant_id: str, spans: Sequence[tuple[str, int, int]]) -> list[StoredQuote]:
        """What stands there, all on page 3."""
        return [StoredQuote(self.text[start:end], 3) for _, start, end in spans]


def passage(start: int = 0, end: int = len(TEXT)) -> Hit:
    """A hit on a part of TEXT."""
    chunk = Chunk(
        chunk_id=uuid5(NAMESPACE_URL, f"{start}-{end}"),
        tenant_id="default",
        document_id="policy",
        document_version=2,
        document_sha256="a" * 64,
        chunk_no=0,
        text=TEXT[start:end],
        title="Policy",
        media_type="text/plain",
        start=start,
        end=end,
    )
    return Hit(chunk, 1.0)


async def verified(draft: str, texts: Texts = Texts(), passages: Sequence[Hit] = (passage(),), cut: bool = False) -> CitedText:
    """The draft as it is sent."""
    return await Citer(texts).verified(draft, passages, "default", cut)


def dropped() -> dict[str, float]:
    """How many citations were dropped so far, by why."""
    [metric] = CITATIONS_DROPPED.collect()
    return {sample.labels["reason"]: sample.value for sample in metric.samples if sample.name.endswith("_total")}


async def test_a_true_quote_becomes_a_marker_with_its_exact_span_and_page() -> None:
    """The span counts code points of the document's text."""
    cited = await verified('Within two weeks. [1: "paid within 14 days"]')

    [citation] = cited.citations
    assert cited.text == "Within two weeks. [1]"
    assert TEXT[citation.start : citation.end] == citation.quote == "paid within 14 days"
    assert (citation.page, citation.document_version) == (3, 2)


async def test_a_quote_that_is_not_in_its_passage_is_dropped() -> None:
    """A model that invents a quote gets no marker."""
    cited = await verified('Within a year. [1: "paid within 14 years"]')

    assert cited == CitedText("Within a year.", ())


@pytest.mark.parametrize("draft", ['No such passage. [7: "paid"]', 'Zero. [0: "paid"]', 'Blank. [1: "  "]'])
async def test_a_citation_of_nothing_is_dropped(draft: str) -> None:
    """Passages are numbered from 1, and a quote has words."""
    cited = await verified(draft)

    assert cited.citations == ()
    assert "[" not in cited.text


async def test_a_quote_that_ends_within_a_word_is_dropped() -> None:
    """A letter would prove anything."""
    cited = await verified('E. [1: "e"] Day. [1: "14 day"]')

    assert cited.citations == ()


async def test_what_is_left_of_a_citation_that_was_cut_off_is_not_shown() -> None:
    """A model that ran into its limit; whatever it had come to."""
    for rest in ("[", "[1", '[1: "', '[1: "500 eu', '[1: "500 euros"'):
        assert (await verified(f'A [1: "14 days"] and 500. {rest}', cut=True)).text == "A [1] and 500."


async def test_a_citation_that_its_writer_never_ends_is_text() -> None:
    """Nothing that a model meant to say is lost."""
    cited = await verified('A [1: "14 days"] and [1: "500 eu')

    assert cited.text == 'A [1] and [1: "500 eu'


@pytest.mark.parametrize(
    ("drafted", "reason"),
    [
        ('[7: "paid within 14 days"]', "no_such_passage"),
        ('[1: "14"]', "too_short"),
        ('[1: ""]', "too_short"),
        ('[1: "within 15 days"]', "not_in_passage"),
        ('[1: "ends in August"]', "not_stored"),
        ('[1: "paid within', "unfinished"),
    ],
)
async def test_what_is_dropped_is_counted_by_why(drafted: str, reason: str) -> None:
    """Once."""
    before = dropped().get(reason, 0)

    cited = await verified(f"So. {drafted}", Texts(TEXT.replace("August", "April!")), cut=reason == "unfinished")

    assert (cited.citations, dropped()[reason] - before) == ((), 1)


async def test_line_breaks_in_the_passage_do_not_hide_a_quote() -> None:
    """Models put spaces where the document breaks lines; what is sent is what the document says."""
    cited = await verified('500. [1: "The limit is 500 euros"]')

    assert cited.citations[0].quote == "The limit is\n500 euros"


async def test_an_index_that_disagrees_with_the_stored_text_loses() -> None:
    """The stored text has the last word."""
    cited = await verified('500. [1: "500 euros"]', Texts(TEXT.replace("500", "900")))

    assert cited.citations == ()


async def test_offsets_hold_beyond_astral_and_combining_characters() -> None:
    """A chunk in the middle of the document, after an emoji."""
    cited = await verified('August. [1: "ends in August"]', passages=[passage(start=54)])

    [citation] = cited.citations
    assert TEXT[citation.start : citation.end] == "ends in August"


async def test_the_same_quote_twice_has_one_citation() -> None:
    """Both claims carry its marker."""
    cited = await verified('A [1: "14 days"] and B [1: "14 days"], C [1: "500 euros"].')

    assert cited.text == "A [1] and B [1], C [2]."
    assert [citation.marker for citation in cited.citations] == [1, 2]


async def test_a_quote_may_hold_quotation_marks_and_brackets() -> None:
    """Only `"]` ends a quote."""
    text = 'He said "no" [twice] and left.'
    hit = Hit(replace(passage().chunk, text=text, end=len(text)), 1.0)

    cited = await verified('So. [1: "said "no" [twice] and"]', Texts(text), [hit])

    assert cited.citations[0].quote == 'said "no" [twice] and'
