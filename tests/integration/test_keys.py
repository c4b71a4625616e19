"""API keys in the database: how long a cached one is believed, and a trail that nobody can change."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from kit.clock import FakeClock
from kit.ids import new_id
from services.rag.authenticate import ADMIN
from services.rag.keys import CACHED_S, Key, Keys, NewKey
from services.rag.principal import Scope
from tests.integration.conftest import OpenEffects

WANTED = NewKey("test", frozenset({Scope.QUERY}))


@dataclass
class Clock(FakeClock):
    """Time stands still until a test moves it."""

    def pass_by(self, seconds: float) -> None:
        """Moves it."""
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Replica:
    """One of several processes over the same database."""

    keys: Keys
    clock: Clock
    pool: asyncpg.Pool

    async def last_used(self, key: Key) -> object:
        """What the database says of it."""
        return await self.pool.fetchval("SELECT last_used_at FROM keys WHERE key_id = $1", key.key_id)


@pytest.fixture
async def replicas(open_effects: OpenEffects) -> tuple[Replica, Replica]:
    """Two, on one clock."""
    pool, clock = (await open_effects("rag")).pool, Clock()
    one, two = Replica(Keys(pool, clock, new_id), clock, pool), Replica(Keys(pool, clock, new_id), clock, pool)
    return one, two


async def test_a_key_stands_for_its_tenant_and_scopes(replicas: tuple[Replica, Replica]) -> None:
    """In every process."""
    one, two = replicas
    key, token = await one.keys.create(ADMIN, NewKey("test", frozenset({Scope.QUERY, Scope.GENERATE}), "acme"))

    for replica in (one, two):
        who = await replica.keys.owner(token)
        assert who is not None
        assert (who.tenant_id, who.key_id, who.scopes) == ("acme", key.key_id, {Scope.QUERY, Scope.GENERATE})


async def test_a_key_revoked_elsewhere_is_believed_for_five_seconds_at_the_most(replicas: tuple[Replica, Replica]) -> None:
    """However often it is used meanwhile."""
    one, two = replicas
    key, token = await one.keys.create(ADMIN, WANTED)
    await one.keys.owner(token)
    await two.keys.revoke(ADMIN, key.key_id)

    believed = []
    for _ in range(3):
        believed.append(await one.keys.owner(token) is not None)
        one.clock.pass_by(CACHED_S / 2)

    assert CACHED_S <= 5
    assert (await two.keys.owner(token), believed) == (None, [True, True, False])


async def test_a_key_used_often_is_looked_up_seldom(replicas: tuple[Replica, Replica]) -> None:
    """A database that is away does not stop who was there a moment ago."""
    one, _ = replicas
    _, token = await one.keys.create(ADMIN, WANTED)
    await one.keys.owner(token)
    await one.pool.close()

    assert await one.keys.owner(token) is not None
    one.clock.pass_by(CACHED_S)
    with pytest.raises(asyncpg.InterfaceError):
        await one.keys.owner(token)


async def test_the_last_use_is_kept_to_the_minute(replicas: tuple[Replica, Replica]) -> None:
    """Not each use is a write; a wrong secret is no use."""
    one, _ = replicas
    key, token = await one.keys.create(ADMIN, WANTED)
    await one.keys.owner(token[:-1] + ("0" if token[-1] != "0" else "1"))
    unused, first = await one.last_used(key), one.clock.now()
    seen = []
    for _ in range(3):
        await one.keys.owner(token)
        seen.append(await one.last_used(key))
        one.clock.pass_by(40)

    assert unused is None
    assert seen == [first, first, first + timedelta(seconds=80)]


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_audit_trail_cannot_be_changed(replicas: tuple[Replica, Replica], change: str) -> None:
    """Not by the service itself."""
    one, _ = replicas
    await one.keys.create(ADMIN, WANTED)

    with pytest.raises(asyncpg.RaiseError, match="only ever added"):
        await one.pool.execute(change)


async def test_a_change_that_is_not_made_is_not_in_the_trail(replicas: tuple[Replica, Replica]) -> None:
    """A second revocation changes nothing."""
    one, _ = replicas
    key, _ = await one.keys.create(ADMIN, WANTED)
    for _ in range(2):
        await one.keys.revoke(ADMIN, key.key_id)

    trail = [entry["action"] for entry in await one.keys.audit(ADMIN, None, 100) if entry["subject"] == key.key_id]

    assert trail == ["key.revoked", "key.created"]


async def test_keys_are_listed_page_by_page_as_they_were_made(replicas: tuple[Replica, Replica]) -> None:
    """After the last one of the page before."""
    one, _ = replicas
    made = [(await one.keys.create(ADMIN, NewKey(f"{n}", frozenset({Scope.QUERY}), "paged")))[0].key_id for n in range(3)]
    who = (await one.keys.create(ADMIN, NewKey("admin", frozenset({Scope.KEYS_ADMIN}), "paged")))[1]
    paged = await one.keys.owner(who)
    assert paged is not None

    first, second = await one.keys.listed(paged, None, 2), await one.keys.listed(paged, made[1], 1)

    assert [key.key_id for key in first + second] == made
