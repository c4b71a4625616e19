"""Non-inferiority: whether ours is worse by less than a margin that was chosen before anybody looked.

Source: Committee for Proprietary Medicinal Products (2001), Points to Consider on Switching between Superiority and Non-inferiority,
British Journal of Clinical Pharmacology 52(3): one-sided bounds at 1 - alpha are the ends of the interval of level 1 - 2 alpha.
"""

import numpy as np

from services.evaluator.statistics.bootstrap import USUAL, Clusters, Estimate, Floats, Resampling, bootstrap, mean


def one_sided(alpha: float) -> float:
    """The level of the interval whose ends, each alone, are bounds at 1 - alpha."""
    return 1 - 2 * alpha


def bounds(differences: Floats, clusters: Clusters, rng: np.random.Generator, alpha: float = 0.05, how: Resampling = USUAL) -> Estimate:
    """The mean difference, ours - theirs, between its one-sided bounds, of the paired cluster bootstrap. Raises ValueError as that does."""
    return bootstrap(mean(differences), clusters, rng, Resampling(how.resamples, one_sided(alpha), how.method))


def not_inferior(difference: Estimate, margin: float) -> bool:
    """Whether ours is shown to be worse by less than the margin; the difference is signed so that more is better."""
    return difference.low > -margin


def superior(difference: Estimate, margin: float = 0.0) -> bool:
    """Whether ours is shown to be better by more than the margin."""
    return difference.low > margin


def inferior(difference: Estimate) -> bool:
    """Whether ours is shown to be worse at all."""
    return difference.high < 0
