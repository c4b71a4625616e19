"""How sure an answer must be: picked on some questions, judged on others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.statistics.bootstrap import Estimate, Weights, bootstrap, mean, together

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """A question by question account: how sure the answer was, whether it was right, whether there was one, and what it was about."""

    support: NDArray[np.float64]
    right: Flags
    answerable: Flags
    topics: Sequence[str]

    @property
    def loss(self) -> list[float]:
        """1 for an answer that is wrong, be it because there is none."""
        return (~self.right).astype(float).tolist()

    def part(self, where: Flags) -> "Judged":
        """Those questions."""
        topics = [topic for topic, chosen in zip(self.topics, where, strict=True) if chosen]
        return Judged(self.support[where], self.right[where], self.answerable[where], topics)

    def halves(self) -> tuple["Judged", "Judged"]:
        """Two halves of the topics, the same each time: no paragraph is in both."""
        names = sorted(set(self.topics))
        chosen = set(np.random.default_rng(0).permutation(names)[: len(names) // 2])
        first = np.array([topic in chosen for topic in self.topics])
        return self.part(first), self.part(~first)


def served(judged: Judged, threshold: float) -> Flags:
    """Which questions end well: answered right, or left where there is no answer."""
    answered = judged.support >= threshold
    return (answered & judged.right) | (~answered & ~judged.answerable)


def best_threshold(judged: Judged) -> float:
    """The one by which most end well; the lowest of several. Source: `best_exact_thresh` of SQuAD 2.0's evaluation script."""
    return _best(judged, lambda threshold: float(served(judged, threshold).sum()))


def balanced_threshold(judged: Judged) -> float:
    """The one of the greatest balance; the lowest of several."""
    return _best(judged, lambda threshold: balance(judged, threshold))


def balance(judged: Judged, threshold: float) -> float:
    """The share of right answers that it keeps and of unanswerable questions that it leaves, less 1: 0 tells nothing, 1 is perfect.

    Unlike the share that ends well it does not depend on how many questions have no answer. Source: Youden (1950), Index for rating
    diagnostic tests, Cancer 3.
    """
    answered, unanswerable = judged.support >= threshold, ~judged.answerable
    return float(answered[judged.right].mean() + (~answered)[unanswerable].mean() - 1)


def chosen_threshold(sets: Sequence[Judged], candidates: Sequence[float]) -> float:
    """Of these the one of the greatest mean balance over the sets, each counting as one; the lowest of several."""
    return candidates[int(np.argmax([sum(balance(judged, threshold) for judged in sets) for threshold in candidates]))]


def _best(judged: Judged, worth: Callable[[float], float]) -> float:
    candidates = np.unique(judged.support)
    return float(candidates[int(np.argmax([worth(float(threshold)) for threshold in candidates]))])


@dataclass(frozen=True, slots=True)
class Operating:
    """What a threshold does: how many end well, are answered, and of those are wrong; what it keeps of what is right; how it abstains."""

    well: Estimate
    coverage: Estimate
    risk: Estimate
    keeps_right: Estimate
    abstains_rightly: Estimate
    abstains_wrongly: Estimate


def operate(judged: Judged, threshold: float) -> Operating:
    """With 95 % intervals, paragraphs drawn whole."""
    answered = judged.support >= threshold
    everyone = np.ones(len(answered), np.bool_)
    return Operating(
        _share(judged, served(judged, threshold), everyone),
        _share(judged, answered, everyone),
        _share(judged, ~judged.right, answered),
        _share(judged, answered, judged.right),
        _share(judged, ~answered, ~judged.answerable),
        _share(judged, ~answered, judged.answerable),
    )


def _share(judged: Judged, what: Flags, among: Flags) -> Estimate:
    """Of those `among`."""
    both, all_of_them = mean((what & among).astype(float)), mean(among.astype(float))

    def statistic(weights: Weights) -> NDArray[np.float64]:
        found, of = both(weights), all_of_them(weights)
        return np.divide(found, of, out=np.zeros_like(found), where=of > 0)

    return bootstrap(statistic, together(judged.topics), np.random.default_rng(0))
