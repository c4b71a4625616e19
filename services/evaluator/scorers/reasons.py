"""Why there is no score, where several scorers say the same."""

from services.evaluator.scorers.scorer import Unscored

UNANSWERABLE = Unscored("the question has no answer: see abstention")
NO_ANSWERS = Unscored("the case names no accepted answer")
NO_GOLD = Unscored("the case names no gold")
NO_SPANS = Unscored("the case names no gold span")
ABSTAINED = Unscored("it abstained, so it claims nothing")
