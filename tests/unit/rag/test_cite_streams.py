"""A draft in pieces: the same text and citations, however it is cut, and nothing that is half a citation on the way."""

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from services.rag.citations.markers import MAX_QUOTE, Drafted, Markers
from services.rag.citations.resolve import Marker, Part
from services.rag.cite import CitedText, Citer, text_of
from tests.unit.rag.test_cite import TEXT, Texts, passage

TRUE, FALSE = '[1: "paid within 14 days"]', '[1: "paid within 15 days"]'
FRAGMENTS = [
    TRUE,
    FALSE,
    '[1: "The limit is 500 euros"]',
    '[9: "paid"]',
    '[1: "',
    '"]',
    "[",
    "]",
    "[1",
    "[12: ",
    '"',
    " ",
    "\n",
    "\t ",
    "A claim.",
    "\u00e9\U0001f600",
]
DRAFTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
CUTS = st.lists(st.integers(0, 200), max_size=12)


def pieces_of(draft: str, cuts: Sequence[int]) -> list[str]:
    """The draft cut at these places."""
    places = sorted({0, len(draft), *(cut % (len(draft) + 1) for cut in cuts)})
    return [draft[start:end] for start, end in pairwise(places)]


async def resolved(pieces: Sequence[str], cut: bool = False) -> tuple[list[Part], CitedText]:
    """The parts as they come, and what they are together."""
    resolver = Citer(Texts()).resolver([passage()], "default")
    parts = [part for piece in pieces for part in await resolver.feed(piece)] + await resolver.close(cut)
    return parts, CitedText(text_of(parts), resolver.citations)


@given(DRAFTS, CUTS, st.booleans())
@example(f"A {TRUE} b {FALSE}", list(range(60)), False)
@example('[1: "[1: "paid within 14 days"]', list(range(60)), False)
@example('a [1: "b" ] [2: "]', list(range(60)), True)
def test_a_draft_means_the_same_however_it_is_cut(draft: str, cuts: list[int], cut: bool) -> None:
    """As a whole, in these pieces, and letter by letter."""

    async def ways() -> list[CitedText]:
        return [(await resolved(pieces, cut))[1] for pieces in ([draft], pieces_of(draft, cuts), list(draft))]

    whole, in_pieces, by_letter = asyncio.run(ways())

    assert whole == in_pieces == by_letter


@given(DRAFTS, CUTS)
def test_no_part_of_a_citation_is_ever_shown(draft: str, cuts: list[int]) -> None:
    """What the reading takes for text, joined with the citations as they were written, is the draft."""
    markers = Markers()
    read = [part for piece in pieces_of(draft, cuts) for part in markers.feed(piece)]
    held = markers.close()

    assert "".join(_written(part) for part in read) + held == draft
    assert not any(re.search(r'\[\d{1,3}: "[^\[]*?"\]', part) for part in read if isinstance(part, str))


async def test_text_and_citations_come_as_soon_as_they_are_certain() -> None:
    """The beginning of a citation is held back; what only looked like one is let go."""
    resolver = Citer(Texts()).resolver([passage()], "default")

    said = [await resolver.feed(piece) for piece in ("A ", "claim", ' [1: "paid wi', 'thin 14 days"', "] and [", "x] [1", "2 y")]

    citation = resolver.citations[0]
    assert said == [["A"], [" claim"], [], [], [Marker(" [1]", citation, True), " and"], [" [x]"], [" [12 y"]]


async def test_a_citation_is_first_only_once() -> None:
    """Its second marker tells nothing new."""
    parts, whole = await resolved([f"A {TRUE} b {TRUE}", f" c {TRUE}"])

    assert whole.text == "A [1] b [1] c [1]"
    assert [part.first for part in parts if isinstance(part, Marker)] == [True, False, False]


async def test_a_citation_that_never_ends_is_held_back_no_longer_than_a_quote_may_be() -> None:
    """Then it is text, and what comes after it is read again."""
    markers, draft = Markers(), '[1: "' + "x" * (MAX_QUOTE + 100) + TRUE
    held, read = [], []
    for letter in draft:
        read += markers.feed(letter)
        held.append(len(markers.held))

    assert max(held) <= MAX_QUOTE + len('[999: ""]')
    assert read[-1] == Drafted(1, "paid within 14 days")
    assert "".join(part for part in read if isinstance(part, str)) == draft.removesuffix(TRUE)


async def test_the_longest_quote_is_read_and_a_longer_one_is_text() -> None:
    """Counted between its quotation marks."""
    longest, longer = f'[1: "{"x" * MAX_QUOTE}"]', f'[1: "{"x" * (MAX_QUOTE + 1)}"]'

    assert Markers().feed(longest) == [Drafted(1, "x" * MAX_QUOTE)]
    assert Markers().feed(longer) == [longer]


async def test_a_citation_that_was_not_ended_does_not_swallow_the_next() -> None:
    """The first is text, the second counts."""
    cited = (await resolved([f'A [1: "paid and so on. B {TRUE} c [1: ""] d']))[1]

    assert cited.text == 'A [1: "paid and so on. B [1] c d'
    assert [TEXT[citation.start : citation.end] for citation in cited.citations] == ["paid within 14 days"]


def _written(part: str | Drafted) -> str:
    return part if isinstance(part, str) else f'[{part.passage}: "{part.quote}"]'
