"""Scorers are found, and asked together."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kit.errors import Permanent, Transient, WorkbenchError
from kit.fakes.embedding import HashEmbedding
from services.evaluator.scorers import make_scorers, score_all
from services.evaluator.scorers.by_rule import ByRule, one
from services.evaluator.scorers.scorer import Score, Unscored
from services.evaluator.scorers.tools import Tools
from tests.unit.evaluator.answers import answered, case, reason, unanswerable, value

NAMES = {
    "recall@1", "recall@5", "recall@10", "precision@5", "mrr@10", "ndcg@10", "span_precision", "span_recall", "span_iou",
    "exact_match", "token_f1", "rouge_l", "answer_contains", "similarity", "citation_precision", "citation_recall", "groundedness",
    "faithfulness", "answer_relevancy", "correctness", "judge_agreement", "judge_length_bias", "abstention", "correct", "latency_ms",
    "cost_usd", "confidence",
}  # fmt: skip
SHOUTS = """
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Score

def make(tools):
    return one("shouts", lambda case, answer: Score(float(answer.text.isupper())))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ModuleType]:
    """A package of scorers with one module that is none."""
    (tmp_path / "__init__.py").touch()
    (tmp_path / "words.py").write_text("WORDS = ()")
    spec = importlib.util.spec_from_file_location("some_scorers", tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)])
    assert spec
    package = importlib.util.module_from_spec(spec)
    sys.modules["some_scorers"] = package
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "some_scorers"]:
        del sys.modules[name]


def tools() -> Tools:
    """Without a judge."""
    return Tools(HashEmbedding())


def failing(error: WorkbenchError) -> ByRule:
    """A scorer of two scores that cannot give them."""

    def fail(*_: object) -> dict[str, Score]:
        raise error

    return ByRule(("first", "second"), fail)  # type: ignore[arg-type]


def test_every_score_has_its_name() -> None:
    """Those that metrics, gates and reports go by."""
    names = [name for scorer in make_scorers(tools()) for name in scorer.names]

    assert set(names) == NAMES
    assert len(names) == len(NAMES)


async def test_a_scorer_is_added_by_one_file(folder: ModuleType) -> None:
    """Nothing else names it."""
    (Path(folder.__path__[0]) / "shouts.py").write_text(SHOUTS)

    judged = await score_all(make_scorers(tools(), folder), case("x"), answered("PARIS"))

    assert judged == {"shouts": Score(1.0)}


def test_two_scores_of_one_name_are_refused(folder: ModuleType) -> None:
    """One of them would be lost."""
    (Path(folder.__path__[0]) / "shouts.py").write_text(SHOUTS)
    (Path(folder.__path__[0]) / "yells.py").write_text(SHOUTS)

    with pytest.raises(ValueError, match="two scorers give shouts"):
        make_scorers(tools(), folder)


async def test_every_answer_gets_every_score_or_the_reason() -> None:
    """An unanswerable question that was answered has few."""
    scorers = make_scorers(tools())

    judged = await score_all(scorers, unanswerable(), answered("Paris"))

    scored = {name for name, one_ in judged.items() if isinstance(one_, Score)}
    assert set(judged) == NAMES
    assert scored == {"exact_match", "token_f1", "groundedness", "abstention", "correct", "latency_ms", "cost_usd"}
    assert reason(judged["faithfulness"]) == "no judge is set up; set EVALUATOR_JUDGE__PROVIDER and EVALUATOR_JUDGE__MODEL"


async def test_what_can_never_be_judged_is_unscored_and_the_others_are_judged() -> None:
    """Under every name of that scorer."""
    refused, other = failing(Permanent("text_refused", "the text is refused")), one("other", lambda *_: Score(0.5))

    judged = await score_all([refused, other], case("x"), answered("x"))

    assert judged == {"first": Unscored("the text is refused"), "second": Unscored("the text is refused"), "other": Score(0.5)}


async def test_a_model_that_is_away_ends_the_scoring() -> None:
    """So that the case is tried again, not stored with holes."""
    with pytest.raises(Transient):
        await score_all([failing(Transient("busy", "try again"))], case("x"), answered("x"))


async def test_a_score_that_is_no_number_is_unscored() -> None:
    """No mean would survive it."""
    judged = await score_all([one("odd", lambda *_: Score(float("nan")))], case("x"), answered("x"))

    assert reason(judged["odd"]) == "the score is nan, which is no number"


async def test_latency_and_cost_are_the_answers_own() -> None:
    """As they were measured."""
    judged = await score_all(make_scorers(tools()), case("Paris"), answered("Paris"))

    assert (value(judged["latency_ms"]), value(judged["cost_usd"])) == (120.0, 0.25)
