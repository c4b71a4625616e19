"""How sure an answer must be."""

import numpy as np
import pytest

from kit.fakes.embedding import HashEmbedding
from tests.report.support import STEP, Prober, Remembering, holds
from tests.report.thresholds import Judged, best_threshold, operate

RIVER = "The Seine flows through Paris. It rains there in spring."


@pytest.mark.parametrize(
    ("text", "held"),
    [("It is the  10th Century.", True), ("In the 110th century.", False), ("the 10th, century", True), ("a tenth", False)],
)
def test_an_answer_is_recognised_as_squad_does(text: str, held: bool) -> None:
    """Whole words, without case, punctuation and articles."""
    assert holds(text, ["10th century"]) is held


async def test_support_is_where_the_answerer_begins_to_abstain() -> None:
    """The question's own sentence is surer than another, and what it says is its text."""
    prober = Prober(Remembering(HashEmbedding()))

    sure = await prober.probe("The Seine flows through Paris.", [RIVER])
    unsure = await prober.probe("Who wrote about the Seine?", [RIVER])

    assert sure.support == pytest.approx(1.5, abs=2 * STEP)  # cosine 1, and half of all its words
    assert 0 < unsure.support < sure.support
    assert "Seine flows" in sure.text


async def test_without_passages_there_is_no_support() -> None:
    """Nothing can be said."""
    answered = await Prober(Remembering(HashEmbedding())).probe("Who?", [])

    assert answered.support == 0.0


def judged() -> Judged:
    """Sure answers are right, unsure ones wrong, of two paragraphs."""
    support = np.array([0.9, 0.8, 0.4, 0.3])
    return Judged(support, support > 0.5, np.array([True, True, True, False]), ["a", "b", "a", "b"])


def test_the_best_threshold_is_the_one_by_which_most_end_well() -> None:
    """At 0.4 two are answered right and the unanswerable one is left, as at 0.8; the lower is taken."""
    assert best_threshold(judged()) == 0.4


def test_a_threshold_is_told_with_what_it_does() -> None:
    """At 0.5 both right answers pass, and one answer is missed."""
    done = operate(judged(), 0.5)

    shares = (done.well, done.coverage, done.risk, done.abstains_rightly, done.abstains_wrongly)
    assert [share.value for share in shares] == pytest.approx([0.75, 0.5, 0.0, 1.0, 1 / 3])


def test_halves_share_no_paragraph() -> None:
    """What was picked on one must not have seen the other."""
    first, second = judged().halves()

    assert set(first.topics).isdisjoint(second.topics)
    assert len(first.support) + len(second.support) == 4
