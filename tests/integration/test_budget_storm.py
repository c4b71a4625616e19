"""No budget is overspent, and the ledger sums to the spend exactly, whoever comes first, gives up, dies or forgets."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from kit.gateway.budget import Budget
from kit.gateway.counters import Base, Held, RedisCounters, Refused, Reply, Reservation
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


class LookThenWrite(RedisCounters):
    """Counters without the script: a command for each look and for each write."""

    async def reserve(self, wanted: Reservation, bases: Mapping[str, Base]) -> Reply:
        client, held = self._script.registered_client, f"{wanted.charge.micros}:{wanted.charge.tokens}"
        keys = {counter: f"{self._prefix}:{{{wanted.tenant_id}}}:{counter.name}" for counter in wanted.limits}
        found = {
            counter: [int(value or 0) for value in await client.hmget(key, "epoch", "micros", "tokens")] for counter, key in keys.items()
        }
        epochs = {counter.name: epoch for counter, (epoch, _, _) in found.items()}
        if bases or 0 in epochs.values():
            return await super().reserve(wanted, bases)
        for counter, (_, micros, tokens) in found.items():
            if _over(wanted.limits[counter], micros + (wanted.charge.micros or 0), tokens + wanted.charge.tokens):
                return Refused(counter, micros, tokens, epochs)
        for key in keys.values():
            await client.hincrby(key, "micros", wanted.charge.micros or 0)
            await client.hincrby(key, "tokens", wanted.charge.tokens)
            await client.hset(key, f"r:{wanted.call_id}", held)
        return Held(epochs)


def _over(budget: Budget, micros: int, tokens: int) -> bool:
    return micros > (budget.micros or micros) or tokens > (budget.tokens or tokens)


async def test_a_storm_overspends_where_there_is_no_script(real: Real) -> None:
    """The storm itself: it finds what it is there to find."""
    storm = Storm(replace(real, counters=LookThenWrite), random.Random(0), rough=False)
    await storm.blow()

    assert storm.overspent != []
