"""No budget is overspent, and the ledger sums to the spend exactly, whoever comes first, gives up, dies or forgets."""

import random

import pytest

from tests.integration.budgets import Real, real
from tests.integration.storm import Storm

__all__ = ["real"]

RUNS = 4


@pytest.mark.parametrize("seed", range(RUNS))
async def test_no_budget_is_overspent_in_a_storm(real: Real, seed: int) -> None:
    """Not for a moment: 500 requests at once, cancels, crashes, repetitions, a Redis that forgets, counters that are counted anew."""
    storm = Storm(real, random.Random(seed))
    await storm.blow()

    assert storm.overspent == []
    assert storm.refused > 0
    assert await storm.unbooked() == {}


@pytest.mark.parametrize("seed", range(RUNS))
async def test_after_a_storm_each_counter_is_the_sum_of_the_ledger(real: Real, seed: int) -> None:
    """Once the counters are counted anew, which each does before the next call."""
    storm = Storm(real, random.Random(seed + RUNS))
    await storm.blow()
    await storm.calm()

    assert [(counted, booked) for counted, booked in await storm.sums() if counted != booked] == []


@pytest.mark.parametrize("seed", range(RUNS))
async def test_where_nobody_dies_each_counter_is_the_sum_at_once(real: Real, seed: int) -> None:
    """Of cancelled, failed and repeated calls as of any others; nothing has to be put right."""
    storm = Storm(real, random.Random(seed + 2 * RUNS), rough=False)
    await storm.blow()

    assert storm.overspent == []
    assert await storm.unbooked() == {}
    assert [(counted, booked) for counted, booked in await storm.sums() if counted != booked] == []
