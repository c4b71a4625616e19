"""Passages are cut into sentences that read well and whose offsets are exact."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.adapters.sentences import plain, sentences

PIECES = [
    "# Title\n",
    "- item",
    "1. ",
    "| a | b |\n",
    "|---|---|\n",
    "**Name.** ",
    "Dr. Who. ",
    "\n",
    "Why? ",
    "🙂é ",
    "a   b",
    " ",
    "So:\n",
]
MARKUP = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


def claims(passage: str) -> list[str]:
    """What the passage states."""
    return [sentence.claim for sentence in sentences(passage)]


def contexts(passage: str) -> list[tuple[str, str]]:
    """What the passage states, with what it is said under."""
    return [(sentence.context, sentence.claim) for sentence in sentences(passage)]


@given(st.one_of(MARKUP, st.text(max_size=200)))
@example("!\x1f0")
def test_a_sentence_stands_where_its_offsets_say(passage: str) -> None:
    """For any text at all, in order and without overlap: citations rest on it."""
    found = sentences(passage)

    assert [passage[sentence.start : sentence.end] for sentence in found] == [sentence.text for sentence in found]
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(sentence.text == sentence.text.strip() != "" for sentence in found)


def test_abbreviations_and_numbers_end_no_sentence() -> None:
    """A quote that ends in `Dr.` proves nothing."""
    passage = "Dr. Smith of the U.S. Army paid $3.50 (approx. 3 EUR), e.g. to Bob. See Fig. 3 and kit.errors! Is 🙂 all? Yes."

    assert claims(passage) == ["Dr. Smith of the U.S. Army paid $3.50 (approx. 3 EUR), e.g. to Bob.", "See Fig. 3 and kit.errors!", "Yes."]


def test_a_wrapped_sentence_is_one() -> None:
    """Lines end where the page ends, not where the thought does."""
    [sentence] = sentences("Releases are made on Tuesdays, and by\nus, on\nThursdays, when most of us are awake.")

    assert sentence.claim == "Releases are made on Tuesdays, and by us, on Thursdays, when most of us are awake."
    assert "\n" in sentence.text


def test_markdown_is_left_out_of_claims_only() -> None:
    """The quote stays as it stands in the document."""
    [sentence] = sentences("- **Pay** [within](http://x) `14 days` of *filing*, never_later")

    assert sentence.text == "**Pay** [within](http://x) `14 days` of *filing*, never_later"
    assert sentence.claim == "Pay within 14 days of filing, never_later"


def test_list_items_are_sentences_of_their_own() -> None:
    """With the lines that go on with them, below the sentence that leads in."""
    assert contexts("Bring:\n- a laptop\n  and a telephone\n2. a key. And a cup.\n") == [
        ("Bring:", "a laptop and a telephone"),
        ("Bring:", "a key."),
        ("Bring:", "And a cup."),
    ]


def test_a_table_row_is_told_by_the_head_of_its_table() -> None:
    """`| core | 600 |` alone says nothing; a row that lost its head to another chunk still counts."""
    assert claims("| Set | Questions |\n| --- | ---: |\n| core | 600 |\n| smoke | |") == ["Set: core; Questions: 600", "Set: smoke"]
    assert claims("| core | 600 |\n| smoke | 40 |") == ["core; 600", "smoke; 40"]
    assert claims("Traces        14 days\nBackups\t35 days") == ["Traces; 14 days", "Backups; 35 days"]


@pytest.mark.parametrize("title", ["# Pay", "Pay\n", "## Pay ##\n", "Pay", "3.2 Pay"])
def test_a_title_states_nothing_but_says_what_the_rest_is_about(title: str) -> None:
    """In Markdown, and in plain text where a short line stands alone or above a longer one."""
    [sentence] = sentences(f"{title}\nA week is paid with 420 euros.")

    assert sentence.claim == "A week is paid with 420 euros."
    assert "Pay" in sentence.context


def test_a_short_statement_is_no_title() -> None:
    """It has a full stop, or goes on in the next line."""
    stated = claims("Chunks do not overlap.\n\nA chunk ends where the\ntext pauses.")

    assert stated == ["Chunks do not overlap.", "A chunk ends where the text pauses."]


def test_a_question_is_no_answer() -> None:
    """In a list of questions and answers, the question is the best match of itself."""
    assert contexts("How long do refunds take?\nThey take 14 days.") == [("How long do refunds take?", "They take 14 days.")]


def test_a_name_that_is_explained_stays_with_its_explanation() -> None:
    """As glossaries have it."""
    assert claims("**Drift.** A change in quality. **Gate**: The rule.\n\n**BM25.** A ranking function.") == [
        "Drift. A change in quality.",
        "Gate: The rule.",
        "BM25. A ranking function.",
    ]


def test_plain_leaves_prose_as_it_is() -> None:
    """Underscores and stars inside of words and sums are no markup."""
    assert plain("x = a_b_c * 2 and 3 * 4") == "x = a_b_c * 2 and 3 * 4"
