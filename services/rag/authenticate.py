"""Authentication: an Authorization header becomes a principal, or an error that says what to send."""

import hmac
from dataclasses import dataclass
from typing import Protocol

from contracts.envelope import DEFAULT_TENANT
from kit.errors import Permanent
from services.rag.principal import ALL_SCOPES, Principal

ADMIN = Principal(DEFAULT_TENANT, "admin", ALL_SCOPES)
ANYBODY = Principal(DEFAULT_TENANT, None, ALL_SCOPES)


class KeyOwners(Protocol):
    """Promise: a key that was never made, or holds no longer, stands for nobody."""

    async def owner(self, token: str) -> Principal | None:
        """Who `token` stands for, if anybody."""
        ...


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Where no key is `required`, a request without one is the default tenant's and may do everything; a key that is sent always counts.

    `admin_key` is the key of the settings, by which the first ones are made.
    """

    keys: KeyOwners
    required: bool
    admin_key: str | None = None

    async def principal(self, authorization: str | None) -> Principal:
        """Raises Permanent `key_missing` or `key_invalid`."""
        if authorization is None:
            if self.required:
                raise Permanent("key_missing", "send an API key: `Authorization: Bearer wb_...`")
            return ANYBODY
        scheme, _, token = authorization.partition(" ")
        principal = await self._owner(token.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise Permanent("key_invalid", "this is no API key, or it was revoked or is expired; send `Authorization: Bearer wb_...`")
        return principal

    async def _owner(self, token: str) -> Principal | None:
        if self.admin_key is not None and hmac.compare_digest(token.encode(), self.admin_key.encode()):
            return ADMIN
        return await self.keys.owner(token)
