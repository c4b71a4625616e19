"""Non-inferiority: whether ours is worse by less than a margin that was chosen before anybody looked.

Source: Committee for Proprietary Medicinal Products (2001), Points to Consider on Switching between Superiority and Non-inferiority,
British Journal of Clinical Pharmacology 52(3): one-sided bounds at 1 - alpha are the ends of the interval of level 1 - 2 alpha.

A bootstrap knows only losses that it has seen: of cases of which none is worse it says that none ever will be. `floor` does not.
"""

from math import ceil, log

import numpy as np

from services.evaluator.statistics.bootstrap import USUAL, Clusters, Estimate, Floats, Resampling, bootstrap, cluster_sums, mean

_CELLS = 1_000_000  # of a batch of draws
_DRAWS = 4_000  # so a bound is off by some 2 % of its distance from the mean


def one_sided(alpha: float) -> float:
    """The level of the interval whose ends, each alone, are bounds at 1 - alpha."""
    return 1 - 2 * alpha


def bounds(differences: Floats, clusters: Clusters, rng: np.random.Generator, alpha: float = 0.05, how: Resampling = USUAL) -> Estimate:
    """The mean difference, ours - theirs, between its one-sided bounds, of the paired cluster bootstrap. Raises ValueError as that does."""
    return bootstrap(mean(differences), clusters, rng, Resampling(how.resamples, one_sided(alpha), how.method))


def floor(differences: Floats, clusters: Clusters, rng: np.random.Generator, alpha: float, most: float, draws: int = _DRAWS) -> float:
    """The mean difference is not below this, at level 1 - alpha, whatever scores that a case can lose `most` of may still come.

    It is the bound that the Bayesian bootstrap gives after one more cluster, of mean size, that lost all. If no case differs, that is
    `most` x (1 - alpha^(1 / clusters)), the rule of three (Hanley and Lippman-Hand, 1983, JAMA 249(13)); of cases that are right or wrong
    and none better, the exact bound of Clopper and Pearson (1934, Biometrika 26(4)). Cases that became better make up for others. It keeps
    its level for all bounded scores that were tried, which is more than is proven: Gaffke (2005); Phan, Thomas and Learned-Miller (2021),
    Towards Practical Mean Bounds for Small Samples, ICML. Clusters count as one case each, so all of one may break together.
    """
    units = int(clusters.max(initial=-1)) + 1
    if not differences.any():
        return -most * (1.0 - float(np.power(alpha, 1 / units)))
    sums, sizes = cluster_sums(np.column_stack([differences, np.ones(len(differences))]), clusters).T
    size = len(differences) / units
    alike, counts = np.unique(np.column_stack([np.append(sums, -most * size), np.append(sizes, size)]), axis=0, return_counts=True)
    batch = max(1, _CELLS // len(alike))
    weighed = [_weights(counts, min(batch, draws - first), rng) @ alike for first in range(0, draws, batch)]
    lost, of = np.concatenate(weighed).T
    return float(np.quantile(lost / of, alpha))


def _weights(counts: Clusters, rows: int, rng: np.random.Generator) -> Floats:
    """Of clusters that are alike, so many of each kind, together: a sum of exponential variables is a gamma variable."""
    weights, many = rng.standard_exponential((rows, len(counts))), counts > 1
    weights[:, many] = rng.standard_gamma(counts[many], (rows, int(many.sum())))
    return weights


def units_without_loss(margin: float, alpha: float, most: float) -> int:
    """Of so many clusters none may be worse, and a loss of the margin is ruled out at level 1 - alpha; `floor` solved for clusters."""
    return ceil(log(alpha) / log(1 - margin / most)) if margin < most else 1


def not_inferior(difference: Estimate, margin: float) -> bool:
    """Whether ours is shown to be worse by less than the margin; the difference is signed so that more is better."""
    return difference.low > -margin


def superior(difference: Estimate, margin: float = 0.0) -> bool:
    """Whether ours is shown to be better by more than the margin."""
    return difference.low > margin


def inferior(difference: Estimate) -> bool:
    """Whether ours is shown to be worse at all."""
    return difference.high < 0
