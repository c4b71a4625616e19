"""Power: how small a difference a paired comparison can find, and how many questions would find a given one.

Sources: Bloom (1995), Minimum Detectable Effects, Evaluation Review 19(5): (t of 1 - alpha + t of power) x standard error; Cochran (1977),
Sampling Techniques, section 2.11, for the error of a mean over clusters; Kish (1965), Survey Sampling, for the design effect. Connor
(1987), Biometrics 43(1), is where the spread grows with the effect: a question that breaks differs from before, and adds to it.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from scipy import stats

from services.evaluator.statistics.bootstrap import Clusters, Floats, cluster_sums

# A change for the worse falls upon some clusters more than upon others: so much of what breaks a question does so to its whole cluster.
# With less, effects that fall upon half of the clusters were found less often than stated: docs/error-rates.md.
SHARED = 0.2


@dataclass(frozen=True, slots=True)
class Spread:
    """How paired differences spread: over how many questions and clusters, and the standard error of their mean.

    `design` is by how much clusters make the variance of a loss greater than that of questions which break each for itself, at least 1.
    """

    questions: int
    clusters: int
    error: float
    design: float = 1.0

    def detectable(self, alpha: float, power: float, loss: float = 0.0) -> float:
        """The least effect that a one-sided test at level `alpha` finds with that power.

        `loss` is what one question loses when it breaks: 1 for scores from 0 to 1, so that an effect d adds up to d to the variance of
        differences; 0 if all questions move alike. Solves d² = k² (error² + loss d design / questions).
        """
        k = self._quantiles(alpha, power)
        grown = k**2 * loss * self.design / self.questions
        return (grown + sqrt(grown**2 + 4 * (k * self.error) ** 2)) / 2

    def needed(self, effect: float, alpha: float, power: float, loss: float = 0.0) -> int:
        """About how many questions, of clusters like these, find such an effect; `detectable` solved for the number of questions."""
        k = self._quantiles(alpha, power)
        return ceil(k**2 * (self.questions * self.error**2 + loss * abs(effect) * self.design) / effect**2)

    def _quantiles(self, alpha: float, power: float) -> float:
        return float(stats.t.ppf([1 - alpha, power], self.clusters - 1).sum())


def spread(differences: Floats, clusters: Clusters) -> Spread:
    """Of differences question by question. Raises ValueError with fewer than two clusters.

    The mean is a ratio of two sums over clusters: with the residual r of a cluster's sum from mean x size and m clusters, the error is
    sqrt(m / (m - 1) x sum of r²) / n. The design effect is that of the differences, or 1 + SHARED (sum of sizes² / n - 1) if that is more.
    """
    n, units = len(differences), int(clusters.max(initial=-1)) + 1
    if units < 2:
        raise ValueError(f"{units} cluster: at least two are needed for a spread")
    sums, sizes = cluster_sums(np.column_stack([differences, np.ones(n)]), clusters).T
    residuals = sums - differences.mean() * sizes
    error = sqrt(units / (units - 1) * float((residuals**2).sum())) / n
    alone = float(differences.var(ddof=1))
    observed = n * error**2 / alone if alone > 0 else 1.0
    return Spread(n, units, error, max(observed, 1 + SHARED * (float((sizes**2).sum()) / n - 1)))
