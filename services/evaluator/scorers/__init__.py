"""Scorers: every module here that has a `make(tools)` judges answers, so a scorer is added by one file."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from math import isfinite
from pkgutil import iter_modules
from types import ModuleType

from kit.datasets.case import Case
from kit.errors import Permanent
from services.evaluator.answered import Answered
from services.evaluator.scorers.reasons import unscored
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools


def make_scorers(tools: Tools, package: ModuleType = sys.modules[__name__]) -> tuple[Scorer, ...]:
    """One of each module of the package, in the order of their names. Raises ValueError if two give a score of the same name."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    scorers: tuple[Scorer, ...] = tuple(module.make(tools) for module in modules if hasattr(module, "make"))
    twice = [name for name, count in Counter(name for scorer in scorers for name in scorer.names).items() if count > 1]
    if twice:
        raise ValueError(f"two scorers give {', '.join(twice)}; rename one of them")
    return scorers


async def score_all(scorers: Sequence[Scorer], case: Case, answer: Answered) -> dict[str, Judgement]:
    """All scores of an answer, by name; what can never be judged is unscored.

    Raises Transient or DependencyDown as scorers do, and Permanent `budget_spent` or `rag_key_refused`.
    """
    judged: dict[str, Judgement] = {}
    for scorer in scorers:
        judged |= await _judged(scorer, case, answer)
    return judged


async def _judged(scorer: Scorer, case: Case, answer: Answered) -> Mapping[str, Judgement]:
    try:
        found = await scorer.judge(case, answer)
    except Permanent as error:
        return dict.fromkeys(scorer.names, unscored(error))
    return {name: _finite(found[name]) for name in scorer.names}


def _finite(judgement: Judgement) -> Judgement:
    """No JSON holds a number that is none, and no mean survives it."""
    if isinstance(judgement, Score) and not isfinite(judgement.value):
        return Unscored(f"the score is {judgement.value}, which is no number")
    return judgement
