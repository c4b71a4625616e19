"""What an answer says, against accepted ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from kit.errors import DependencyDown
from kit.fakes.embedding import HashEmbedding
from services.evaluator.scorers.abstention import abstention
from services.evaluator.scorers.answer_contains import answer_contains
from services.evaluator.scorers.confidence import confidence
from services.evaluator.scorers.correct import correct
from services.evaluator.scorers.cost_usd import cost_usd
from services.evaluator.scorers.rouge_l import rouge_l
from services.evaluator.scorers.similarity import Similarity
from tests.unit.evaluator.answers import abstained, answered, case, reason, span, unanswerable, value

ROUGE = RougeScorer(["rougeL"], use_stemmer=False)
TEXTS = st.lists(st.sampled_from(["The", "the", "cat", "Cat-nap", "sat", "on", "a", "mat.", "3.5", "x_y", "!"]), max_size=9).map(" ".join)


@given(accepted=st.lists(TEXTS, min_size=1, max_size=3), told=TEXTS)
def test_rouge_l_is_that_of_rouge_score(accepted: list[str], told: str) -> None:
    """To the ninth digit, the best of several answers."""
    theirs = max(ROUGE.score(gold, told)["rougeL"].fmeasure for gold in accepted)

    assert value(rouge_l(case(*accepted), answered(told))) == pytest.approx(theirs, abs=1e-9)


def test_rouge_l_of_a_long_answer_is_that_of_rouge_score() -> None:
    """Two random texts of some hundred words."""
    rng = np.random.default_rng(3)
    gold, told = (" ".join(rng.choice(["ash", "elm", "fir", "oak", "yew"], size)) for size in (150, 400))

    assert value(rouge_l(case(gold), answered(told))) == pytest.approx(ROUGE.score(gold, told)["rougeL"].fmeasure, abs=1e-9)


@pytest.mark.parametrize(
    ("accepted", "told", "held"),
    [
        ("Paris", "It is Paris, of course.", 1),
        ("the Seine", "On the banks of Seine", 1),
        ("art", "a party", 0),
        ("New York", "York is new", 0),
        ("1,000", "It costs 1000 euros.", 1),
    ],
)
def test_an_answer_is_held_as_whole_words_in_a_row(accepted: str, told: str, held: int) -> None:
    """Compared as SQuAD does it."""
    assert value(answer_contains(case("nothing of it", accepted), answered(told))) == held


def test_correct_is_to_hold_the_answer_or_rightly_to_abstain() -> None:
    """Four ways it can go."""
    asked = case("Paris")

    assert [value(correct(asked, one)) for one in (answered("Paris it is"), answered("Rome"), abstained())] == [1, 0, 0]
    assert [value(correct(unanswerable(), one)) for one in (answered("Paris"), abstained())] == [0, 1]


def test_abstention_is_right_where_there_is_no_answer_and_wrong_where_there_is() -> None:
    """Whatever an answer says."""
    assert [value(abstention(case("Paris"), one)) for one in (answered("Rome"), abstained())] == [1, 0]
    assert [value(abstention(unanswerable(), one)) for one in (answered("Rome"), abstained())] == [0, 1]


async def test_similarity_is_the_cosine_to_the_nearest_accepted_answer() -> None:
    """Asked for in one call, answer first."""
    embedder = HashEmbedding()
    vectors = await embedder.embed(["the city of Paris", "Paris", "Rome"])
    cosine = max(float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2]))

    judged = await Similarity(embedder).judge(case("Paris", "Rome"), answered("the city of Paris"))

    assert value(judged["similarity"]) == pytest.approx(cosine, abs=1e-6)
    assert embedder.calls[1:] == [("the city of Paris", "Paris", "Rome")]


async def test_who_says_nothing_is_similar_to_nothing_and_costs_no_call() -> None:
    """An abstention, and an empty text."""
    embedder = HashEmbedding()

    judged = [await Similarity(embedder).judge(case("Paris"), one) for one in (abstained(), answered(" "))]

    assert [value(one["similarity"]) for one in judged] == [0, 0]
    assert embedder.calls == []


async def test_similarity_is_a_share() -> None:
    """Rounding does not lift it above 1, and what points elsewhere is not below 0."""

    class Opposites(HashEmbedding):
        async def embed(self, texts: object) -> np.ndarray:  # type: ignore[override,type-arg]
            return np.array([[0.1, 0.7], [0.1, 0.7]] if "same" in texts else [[1.0, 0.0], [-1.0, 0.1]], np.float32)  # type: ignore[operator]

    judged = [await Similarity(Opposites()).judge(case("x"), answered(text)) for text in ("same", "other")]

    assert [value(one["similarity"]) for one in judged] == [pytest.approx(1, abs=1e-12), 0]
    assert value(judged[0]["similarity"]) <= 1


async def test_similarity_waits_for_the_embedding_model() -> None:
    """A case is tried again, never scored without it."""

    class Away(HashEmbedding):
        async def embed(self, texts: object) -> np.ndarray:  # type: ignore[override,type-arg]
            raise DependencyDown("rag_down", "rag does not answer")

    with pytest.raises(DependencyDown):
        await Similarity(Away()).judge(case("Paris"), answered("Paris"))


@pytest.mark.parametrize("scorer", [answer_contains, rouge_l])
def test_what_has_no_accepted_answer_is_unscored(scorer) -> None:  # type: ignore[no-untyped-def]
    """Unanswerable, or with gold alone."""
    assert reason(scorer(unanswerable(), abstained())) == "the question has no answer: see abstention"
    assert reason(scorer(case(gold=[span("d", 0, 3)]), answered("Paris"))) == "the case names no accepted answer"


def test_what_an_answer_does_not_tell_is_unscored() -> None:
    """No price is not free, and no confidence not zero."""
    assert reason(cost_usd(case("x"), answered("x", cost_usd=None))) == "scripted/script has no known price"
    assert reason(confidence(case("x"), answered("x"))) == "the answer tells no confidence"
    assert [value(one(case("x"), answered("x", confidence=0.7))) for one in (cost_usd, confidence)] == [0.25, 0.7]
