"""How sure an answer must be."""

import json

import httpx
import numpy as np
import pytest

from tests.bench.report import MeasurementFailed
from tests.report.forced import VARIANT, answered, holds, proves
from tests.report.thresholds import Judged, balance, balanced_threshold, best_threshold, chosen_threshold, operate


@pytest.mark.parametrize(
    ("text", "held"),
    [("It is the  10th Century.", True), ("In the 110th century.", False), ("the 10th, century", True), ("a tenth", False)],
)
def test_an_answer_is_recognised_as_squad_does(text: str, held: bool) -> None:
    """Whole words, without case, punctuation and articles."""
    assert holds(text, ["10th century"]) is held


@pytest.mark.parametrize(("quote", "proven"), [("A week is paid with 420 euros.", True), ("A week on call is long.", False), ("", False)])
def test_a_quote_proves_what_it_has_most_words_of(quote: str, proven: bool) -> None:
    """However the sentence was cut."""
    assert proves([quote], "a week is\npaid with **420 euros**, always") is proven


def product(provider: str) -> httpx.AsyncClient:
    """A product whose model always says the same."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        if request.url.path == "/variants":
            return httpx.Response(201 if asked == VARIANT else 422)
        body = {"provider": provider, "answer": "It rains [1].", "citations": [{"quote": "It rains."}], "confidence": 0.3}
        return httpx.Response(200 if asked["variant"] == "never-abstains@1" else 404, json=body)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://product")


async def test_the_product_is_asked_to_abstain_from_nothing() -> None:
    """The markers are no part of what it says."""
    async with product("extractive") as http:
        [answer] = await answered(http, ["Does it rain?"])

    assert (answer.text, answer.quotes, answer.confidence) == ("It rains.", ("It rains.",), 0.3)


async def test_another_model_is_not_measured() -> None:
    """A key in the environment would have one answer."""
    async with product("openai") as http:
        with pytest.raises(MeasurementFailed, match="unset the keys"):
            await answered(http, ["Does it rain?"])


def judged() -> Judged:
    """Sure answers are right, unsure ones wrong, of two paragraphs."""
    support = np.array([0.9, 0.8, 0.4, 0.3])
    return Judged(support, support > 0.5, np.array([True, True, True, False]), ["a", "b", "a", "b"])


def test_the_best_threshold_is_the_one_by_which_most_end_well() -> None:
    """At 0.4 two are answered right and the unanswerable one is left, as at 0.8; the lower is taken."""
    assert best_threshold(judged()) == 0.4


@pytest.mark.parametrize(("threshold", "balanced"), [(0.0, 0.0), (0.4, 1.0), (0.85, 0.5), (2.0, 0.0)])
def test_balance_is_what_is_kept_and_what_is_left(threshold: float, balanced: float) -> None:
    """Who answers all and who answers nothing tells nothing."""
    assert balance(judged(), threshold) == pytest.approx(balanced)


def test_the_balanced_threshold_does_not_depend_on_how_many_have_no_answer() -> None:
    """Of which most questions must be left to end well."""
    support = np.array([0.9, 0.6, *[0.7, 0.5, 0.5] * 4])
    none = Judged(support, np.arange(14) < 2, np.arange(14) < 2, [str(n) for n in range(14)])

    assert (best_threshold(none), balanced_threshold(none)) == (0.9, 0.6)


def test_the_threshold_in_force_is_chosen_by_all_sets() -> None:
    """Each counts as one, however large it is."""
    large = Judged(np.array([0.9] * 8 + [0.2] * 8), np.arange(16) < 8, np.arange(16) < 8, ["a"] * 16)

    assert chosen_threshold([large, judged()], [0.1, 0.35, 0.85]) == 0.35


def test_a_threshold_is_told_with_what_it_does() -> None:
    """At 0.5 both right answers pass, and one answer is missed."""
    done = operate(judged(), 0.5)

    shares = (done.well, done.coverage, done.risk, done.keeps_right, done.abstains_rightly, done.abstains_wrongly)
    assert [share.value for share in shares] == pytest.approx([0.75, 0.5, 0.0, 1.0, 1.0, 1 / 3])


def test_halves_share_no_paragraph() -> None:
    """What was picked on one must not have seen the other."""
    first, second = judged().halves()

    assert set(first.topics).isdisjoint(second.topics)
    assert len(first.support) + len(second.support) == 4
