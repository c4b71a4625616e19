"""Cost: what the model calls of an answer cost, in US dollars."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("cost_usd", cost_usd)


def cost_usd(_: Case, answer: Answered) -> Judgement:
    """Unscored where the model has no known price."""
    if answer.cost_usd is None:
        return Unscored(f"{answer.provider}/{answer.model} has no known price")
    return Score(answer.cost_usd, f"{answer.input_tokens} tokens in, {answer.output_tokens} out")
