"""API keys: made, listed and revoked, each change with its line in the audit trail.

A key is `wb_<id>_<secret>`. The secret is 256 random bits and only its SHA-256 is kept: a slow hash would guard against guessing, which so
many bits rule out anyway, and would cost every request its time.
"""

import hmac
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import structlog

from kit.clock import Clock
from kit.errors import Permanent
from kit.ids import IdSource
from kit.postgres import load_queries
from services.rag.principal import Principal, Scope

log = structlog.get_logger(__name__)

CACHED_S = 5.0
TOUCHED_EVERY = timedelta(minutes=1)
SECRET_BYTES = 32
_TOKEN = re.compile(r"wb_(?P<key_id>[0-9a-f]{32})_(?P<secret>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that somebody wants made. Without a tenant it is for their own; without an end it holds until it is revoked."""

    name: str
    scopes: frozenset[Scope]
    tenant_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored; `last_used_at` is true to the minute."""

    key_id: str
    tenant_id: str
    name: str
    scopes: frozenset[Scope]
    sha256: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def holds(self, secret: str, now: datetime) -> bool:
        """Whether `secret` is this key's, and the key is neither revoked nor expired."""
        ours = hmac.compare_digest(self.sha256, _digest(secret))
        return ours and self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys:
    """The keys of the `rag` schema. Who lists or changes them sees those of their tenant, or with `tenants:admin` those of all."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, ids: IdSource, random: Callable[[int], bytes] = os.urandom) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._random = random
        self._queries = load_queries("rag")
        self._cached: dict[str, tuple[float, Key]] = {}

    async def owner(self, token: str) -> Principal | None:
        """Who `token` stands for, or None if it is malformed, unknown, expired or revoked."""
        parts = _TOKEN.fullmatch(token)
        key = await self._known(parts["key_id"]) if parts else None
        if parts is None or key is None or not key.holds(parts["secret"], self._clock.now()):
            return None
        await self._touch(key)
        return Principal(key.tenant_id, key.key_id, key.scopes)

    async def create(self, who: Principal, new: NewKey) -> tuple[Key, str]:
        """Makes a key; gives it with its token, which is not to be had again.

        Raises Permanent `scope_missing` for a scope that `who` has not, or another tenant without `tenants:admin`; `key_expiry_past`.
        """
        tenant_id = new.tenant_id or who.tenant_id
        for scope in sorted(new.scopes | ({Scope.TENANTS_ADMIN} if tenant_id != who.tenant_id else set())):
            who.require(scope)
        if new.expires_at is not None and new.expires_at <= self._clock.now():
            raise Permanent("key_expiry_past", f"expires_at {new.expires_at.isoformat()} is over; name a later time, or none")
        key_id, secret = self._ids().hex, self._random(SECRET_BYTES).hex()
        async with self._pool.acquire() as connection, connection.transaction():
            row = await self._queries.put_key(
                connection,
                key_id=key_id,
                tenant_id=tenant_id,
                name=new.name,
                scopes=sorted(new.scopes),
                sha256=_digest(secret),
                expires_at=new.expires_at,
            )
            await self._note(connection, who, "key.created", row)
        return _key(row), f"wb_{key_id}_{secret}"

    async def listed(self, who: Principal, after: str | None, limit: int) -> list[Key]:
        """Keys in the order in which they were made, after the id `after`."""
        rows = self._queries.list_keys(self._pool, tenant_id=_reach(who), after=after, limit=limit)
        return [_key(row) async for row in rows]

    async def revoke(self, who: Principal, key_id: str) -> Key:
        """Ends a key, in every process within 5 s; of one that has ended it gives when. Raises Permanent `key_unknown`."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await self._queries.revoke_key(connection, key_id=key_id, tenant_id=_reach(who))
            if row is not None:
                await self._note(connection, who, "key.revoked", row)
            known = row or await self._queries.get_key(connection, key_id=key_id, tenant_id=_reach(who))
        if known is None:
            raise Permanent("key_unknown", f"there is no key {key_id!r}; GET /keys lists them")
        self._cached.pop(key_id, None)
        return _key(known)

    async def audit(self, who: Principal, before: int | None, limit: int) -> list[asyncpg.Record]:
        """The audit trail, newest first, before the id `before`."""
        return [row async for row in self._queries.list_audit(self._pool, tenant_id=_reach(who), before=before, limit=limit)]

    async def _known(self, key_id: str) -> Key | None:
        until, key = self._cached.get(key_id, (0.0, None))
        if key is not None and self._clock.monotonic() < until:
            return key
        row = await self._queries.get_key(self._pool, key_id=key_id, tenant_id=None)
        if row is None:
            return None
        key = _key(row)
        self._cached[key_id] = (self._clock.monotonic() + CACHED_S, key)
        return key

    async def _touch(self, key: Key) -> None:
        now = self._clock.now()
        if key.last_used_at is None or now - key.last_used_at > TOUCHED_EVERY:
            await self._queries.touch_key(self._pool, key_id=key.key_id, now=now)
            until, _ = self._cached[key.key_id]
            self._cached[key.key_id] = (until, replace(key, last_used_at=now))

    async def _note(self, connection: asyncpg.Connection, who: Principal, action: str, row: asyncpg.Record) -> None:
        detail: dict[str, Any] = {"name": row["name"], "scopes": row["scopes"]}
        await self._queries.put_audit(
            connection, tenant_id=row["tenant_id"], actor=who.key_id, action=action, subject=row["key_id"], detail=detail
        )
        log.info(action, subject=row["key_id"], actor=who.key_id)


def _reach(who: Principal) -> str | None:
    return None if who.may(Scope.TENANTS_ADMIN) else who.tenant_id


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _key(row: asyncpg.Record) -> Key:
    # A scope that a later release made and this one does not know allows nothing here.
    known = frozenset(scope for scope in Scope if scope in row["scopes"])
    return Key(**{field.name: row[field.name] for field in fields(Key)} | {"scopes": known})
