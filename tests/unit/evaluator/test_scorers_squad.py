"""Exact match and token F1 are those of SQuAD 2."""

import collections
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.datasets.case import Case
from services.evaluator.answered import Cited
from services.evaluator.scorers.exact_match import exact_match
from services.evaluator.scorers.token_f1 import token_f1
from tests.unit.evaluator.answers import abstained, answered, case, reason, span, unanswerable, value

# (accepted answers, what was said, exact match, F1 by hand)
BY_HAND = [
    (["Denver Broncos"], "Denver Broncos", 1, 1),
    (["Denver Broncos"], "the DENVER broncos!", 1, 1),
    (["The Denver Broncos"], "Denver Broncos", 1, 1),
    (["an apple a day"], "apple day", 1, 1),
    (["theatre"], "the atre", 0, 0),  # an article is a word of its own
    (["U.S."], "US", 1, 1),  # punctuation goes without a space
    (["twenty-one"], "twenty one", 0, 0),
    (["in 1066"], "1066", 0, 2 / 3),  # P 1, R 1/2
    (["Saint Bernadette Soubirous"], "Bernadette Soubirous of Lourdes", 0, 4 / 7),  # P 2/4, R 2/3
    (["Normandy", "in France", "France"], "France, of course", 0, 1 / 2),  # P 1/3, R 1 against "France"; P 1/3, R 1/2 against "in France"
    (["a b b c", "x"], "b b b", 0, 2 * 2 / (3 + 3)),  # a repeated word counts as often as both have it; "a" is an article
    (["gold", "silver"], "silver", 1, 1),
    (["gold"], "lead", 0, 0),
    (["  white \n space "], "white space", 1, 1),
    (["gold"], "the", 0, 0),  # nothing is left of what was said
    (["?", "gold"], "!", 0, 0),  # nothing is left of the first answer, so it is none
    (["100 %"], "100", 1, 1),
    (["École"], "école", 1, 1),
    (["“gold”"], "gold", 0, 0),  # curly quotation marks are no ASCII punctuation
]


@pytest.mark.parametrize(("accepted", "said", "exact", "f1"), BY_HAND)
def test_answers_score_what_was_computed_by_hand(accepted: list[str], said: str, exact: float, f1: float) -> None:
    """Articles, punctuation, case, white space, several answers."""
    asked, answer = case(*accepted), answered(said)

    assert value(exact_match(asked, answer)) == exact
    assert value(token_f1(asked, answer)) == pytest.approx(f1, abs=1e-9)


def test_to_abstain_is_right_just_where_there_is_no_answer() -> None:
    """And any words are wrong there."""
    for scorer in (exact_match, token_f1):
        assert value(scorer(unanswerable(), abstained())) == 1
        assert value(scorer(unanswerable(), answered("Denver"))) == 0
        assert value(scorer(case("Denver"), abstained())) == 0


def test_markers_of_citations_are_no_words() -> None:
    """What people read as a footnote; a number in brackets that cites nothing is text."""
    answer = answered("Denver [1] Broncos. [2]", citations=(Cited("d", 0, 6, "Denver"), Cited("d", 7, 14, "Broncos")))

    assert value(exact_match(case("Denver Broncos"), answer)) == 1
    assert value(exact_match(case("Denver 3 Broncos"), answered("Denver [3] Broncos", citations=answer.citations))) == 1


def test_a_case_with_gold_alone_is_unscored() -> None:
    """There is nothing to compare with."""
    assert reason(exact_match(case(gold=[span("d", 0, 3)]), answered("Denver"))) == "the case names no accepted answer"


WORDS = st.sampled_from(["the", "a", "An", "gold", "Gold", "silver", "of", "U.S.", "x-y", "!", "1066", " ", "\n", "é"])
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


def published(accepted: list[str], said: str) -> tuple[float, float]:
    """The definitions as published, with precision and recall, written apart from ours."""

    def words(text: str) -> list[str]:
        kept = "".join(char for char in text.lower() if char not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", kept).split()

    def f1(gold: list[str], told: list[str]) -> float:
        same = sum((collections.Counter(gold) & collections.Counter(told)).values())
        if not gold or not told or not same:
            return float(gold == told)
        precision, recall = same / len(told), same / len(gold)
        return 2 * precision * recall / (precision + recall)

    golds = [words(gold) for gold in accepted if words(gold)] or [[]]
    return max(float(gold == words(said)) for gold in golds), max(f1(gold, words(said)) for gold in golds)


@given(accepted=st.lists(TEXTS, max_size=3), said=TEXTS)
def test_any_texts_score_what_the_published_definition_gives(accepted: list[str], said: str) -> None:
    """To the ninth digit, unanswerable questions included."""
    asked = Case(id="c", question="?", answers=tuple(accepted), answerable=bool(accepted))
    answer = answered(said)

    assert (value(exact_match(asked, answer)), value(token_f1(asked, answer))) == pytest.approx(published(accepted, said), abs=1e-9)
