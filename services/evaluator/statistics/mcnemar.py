"""McNemar's test: two systems on the same questions, each right or wrong. Only the questions on which they differ count."""

from scipy import stats


def exact_p(fixed: int, broken: int) -> float:
    """Two-sided p-value of the exact test: how likely so uneven a split of the changed questions is if each side is as likely.

    Source: McNemar (1947), Psychometrika 12(2), in its exact binomial form.
    """
    return float(stats.binomtest(min(fixed, broken), fixed + broken).pvalue) if fixed + broken else 1.0


def mid_p(fixed: int, broken: int) -> float:
    """Two-sided mid-p: the exact value less half of the observed split's own probability, on both sides; less cautious, seldom too bold.

    Source: Fagerland, Lydersen and Laake (2013), The McNemar test for binary matched-pairs data, BMC Medical Research Methodology 13:91.
    """
    return min(1.0, 2 * min(mid_p_worse(fixed, broken), mid_p_worse(broken, fixed))) if fixed + broken else 1.0


def mid_p_worse(fixed: int, broken: int) -> float:
    """One-sided mid-p of more broken than fixed: P(more than observed are broken) + P(just as many) / 2; 1 if nothing changed."""
    changed = fixed + broken
    return float(stats.binom.sf(broken, changed, 0.5) + stats.binom.pmf(broken, changed, 0.5) / 2) if changed else 1.0
