"""Citations: whether the proofs are the right ones."""

from collections.abc import Mapping

from kit.datasets.case import Case, Gold
from services.evaluator.answered import Answered, Cited
from services.evaluator.metrics.spans import Span, shared
from services.evaluator.scorers.by_rule import ByRule
from services.evaluator.scorers.reasons import NO_GOLD, UNANSWERABLE
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools

_PRECISION, _RECALL = "citation_precision", "citation_recall"
_NONE = Unscored("nothing was cited")


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return ByRule((_PRECISION, _RECALL), citations)


def citations(case: Case, answer: Answered) -> Mapping[str, Judgement]:
    """Precision: the share of citations that touch a gold; recall: the share of gold that a citation touches."""
    if not case.gold:
        return dict.fromkeys((_PRECISION, _RECALL), NO_GOLD if case.answerable else UNANSWERABLE)
    wrong = [cited for cited in answer.citations if not any(_touches(cited, gold) for gold in case.gold)]
    missed = [gold for gold in case.gold if not any(_touches(cited, gold) for cited in answer.citations)]
    recall = Score(1 - len(missed) / len(case.gold), "; ".join(f"not cited: {_place(gold)}" for gold in missed))
    if not answer.citations:
        return {_PRECISION: _NONE, _RECALL: recall}
    told = "; ".join(f"not gold: {_place(cited)} {cited.quote!r}" for cited in wrong)
    return {_PRECISION: Score(1 - len(wrong) / len(answer.citations), told), _RECALL: recall}


def _touches(cited: Cited, gold: Gold) -> bool:
    """They share a character, or, where the gold is a whole document, that."""
    if gold.start is None or gold.end is None:
        return cited.document_id == gold.document_id
    return shared(Span(cited.document_id, cited.start, cited.end), Span(gold.document_id, gold.start, gold.end)) > 0


def _place(one: Cited | Gold) -> str:
    return one.document_id if one.start is None else f"{one.document_id} [{one.start}, {one.end})"
