"""Where a quote stands: the passage that it names, or the border to the next; whole words, whole numbers."""

from collections.abc import Sequence

import pytest

from contracts.queries import Citation
from kit.ports.vectors import Hit
from services.rag.citations.drops import Drop
from services.rag.citations.passages import Passages
from services.rag.cite import Citer
from tests.unit.rag.citation_corpus import Stored
from tests.unit.rag.citation_texts import hits_of

FEES = "The fee is five euros. Late payers wait. The fee is five euros. Early payers do not, and the fee is five euros. Nobody else pays."


async def cited(text: str, draft: str, *spans: tuple[int, int]) -> Sequence[Citation]:
    """The citations of a draft when the model is shown these parts of a text; all of it without any."""
    return (await Citer(Stored(text)).verified(draft, hits_of("doc", text, spans or [(0, len(text))]), "default")).citations


async def test_of_several_places_the_first_in_the_passage_that_is_named_counts() -> None:
    """Not the first of the document, nor one elsewhere."""
    second = FEES.index("Late")

    [citation] = await cited(FEES, '[2: "the fee is five euros"]', (0, second), (second, 80), (80, len(FEES)))

    assert (citation.start, citation.quote) == (FEES.index("The fee", second), "The fee is five euros")


async def test_a_quote_may_go_on_in_the_passage_that_follows() -> None:
    """Two chunks of one document, shown in any order, with white space between them."""
    text = "Refunds are paid\n\nwithin 14 days of the request."
    hits = hits_of("doc", text, [(0, 16), (18, len(text))])[::-1]
    for draft in ('[1: "paid within 14 days"]', '[2: "paid within 14 days"]'):
        [citation] = (await Citer(Stored(text)).verified(draft, hits, "default")).citations
        assert (citation.quote, citation.start) == ("paid\n\nwithin 14 days", 12)


async def test_passages_that_overlap_are_one_text() -> None:
    """Nothing is found twice, and nothing at the wrong place."""
    [citation] = await cited(FEES, '[1: "wait. The fee is five euros. Early payers"]', (0, 50), (35, 90), (38, 60))

    assert FEES[citation.start : citation.end] == citation.quote == "wait. The fee is five euros. Early payers"


async def test_a_quote_of_another_passage_does_not_count() -> None:
    """Nor one that begins where the chunk between was not shown."""
    text = "Refunds are paid promptly. Nobody waits. Within 14 days it is done."

    assert await cited(text, '[1: "Within 14 days"]', (0, 26), (41, len(text))) == ()
    apart: list[Hit] = [hit for hit in hits_of("doc", text, [(0, 26), (27, 40), (41, len(text))]) if hit.chunk.chunk_no != 1]
    assert Passages(apart).locate(1, "paid promptly. Within 14 days") is Drop.NOT_IN_PASSAGE


async def test_what_overlapping_passages_share_is_cited_once() -> None:
    """One place in the document, one marker."""
    [citation] = await cited(FEES, 'A [1: "Late payers wait"] B [2: "late payers wait"]', (0, 60), (20, 90))

    assert citation.marker == 1


@pytest.mark.parametrize(
    ("stored", "quote"),
    [
        ("The limit is 1,500 euros.", "500 euros"),
        ("The limit is 1.500 euros.", "500 euros"),
        ("It grew by 2.5 points", "grew by 2"),
        ("It is -5 degrees.", "5 degrees"),
        ("It is \u22125 degrees.", "5 degrees"),
        ("About 10\u00b2 units.", "About 102 units"),
        ("About 10\u00b2 units.", "About 10"),
        ("Half is 1\u00bd cups", "is 11"),
        ("The reranker runs.", "ranker runs"),
        ("The cafe\u0301 is open.", "The cafe"),
        ("Press \u2764\ufe0f\u200d\U0001f525 now or wait", "\u2764\ufe0f\u200d now or"),
        ("For \U0001f469\u200d\U0001f467 all", "For \U0001f469"),
        ("For \U0001f44d\U0001f3fd all", "For \U0001f44d"),
        ("The e\ufb03cient office", "The ef"),
        ("The \u337f pays", "The \u682a\u5f0f"),
        ("\u3059\u306f\u304b\u3099\u597d\u304d", "\u3059\u306f\u304b"),
        ("El a\u00f1o pasado", "el ano pasado"),
    ],
)
def test_a_word_a_number_and_a_picture_are_not_cut(stored: str, quote: str) -> None:
    """What is left would say something else."""
    assert Passages(hits_of("doc", stored, [(0, len(stored))])).locate(1, quote) is Drop.NOT_IN_PASSAGE


@pytest.mark.parametrize(
    ("stored", "quote", "found"),
    [
        ("Pages 10-20 are new.", "20 are new", "20 are new"),
        ("In 2024, 500 euros.", "500 euros", "500 euros"),
        ("H\u2082O boils", "H2O boils", "H\u2082O boils"),
        ("Die STRASSE ist lang", "die Stra\u00dfe", "Die STRASSE"),
        ("Press \u2764\ufe0f. Wait", "press \u2764", "Press \u2764\ufe0f"),
        ("\u6771\u4eac\u306f\u5927\u304d\u3044\u3002", "\u5927\u304d\u3044", "\u5927\u304d\u3044"),
        ("\uc11c\uc6b8\uc740 \ud06c\ub2e4", "\uc11c\uc6b8\uc740", "\uc11c\uc6b8\uc740"),
        ("a q\u0323\u0307 dot twice", "q\u0307\u0323 dot", "q\u0323\u0307 dot"),
        ('He said "no" twice', "he said \u201cno\u201d", 'He said "no"'),
        ("Paid at once, or never", '"Paid at once."', "Paid at once"),
        ("Wait ... what is this", "wait \u2026 what", "Wait ... what"),
    ],
)
async def test_other_spellings_of_the_same_are_found(stored: str, quote: str, found: str) -> None:
    """And what is sent is the document's own."""
    [citation] = await cited(stored, f'[1: "{quote}"]')

    assert (citation.quote, stored[citation.start : citation.end]) == (found, found)


async def test_a_quote_may_leave_out_its_middle() -> None:
    """What is sent has it; parts must be proof enough, in order, and near each other."""
    text = "Refunds of up to 500 euros are paid within 14 days." + " Filler." * 60 + " The end of it."

    [citation] = await cited(text, '[1: "Refunds ... are paid [...] 14 days"]')

    assert citation.quote == "Refunds of up to 500 euros are paid within 14 days"
    for lie in ("14 days ... Refunds", "Refunds ... it", "Refunds ... the end of it", "Refunds ... are not paid"):
        assert await cited(text, f'[1: "{lie}"]') == ()
