"""API keys and the audit trail."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.api.schemas import Request
from services.rag.keys import Key, NewKey
from services.rag.principal import TENANT_ID

router = APIRouter(tags=["keys"], dependencies=[needs(Scope.KEYS_ADMIN)])

Limit = Annotated[int, Query(ge=1, le=1000)]


class KeyRequest(Request):
    """A key to be made. It can have no scope that its maker has not; another tenant's is for those with `tenants:admin`."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    scopes: frozenset[Scope] = Field(min_length=1)
    tenant_id: str | None = Field(default=None, pattern=TENANT_ID)
    expires_at: AwareDatetime | None = None


class KeyInfo(BaseModel):
    """A key without its secret; `last_used_at` is true to the minute."""

    key_id: str
    tenant_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(KeyInfo):
    """A new key; `key` is what to send, and is shown this once."""

    key: str


class KeyPage(BaseModel):
    """Keys, oldest first; `next` is the `after` of the next page, None on the last."""

    keys: list[KeyInfo]
    next: str | None


class AuditEntry(BaseModel):
    """Who (`actor`, a key's id, None without a key) did what to whom, when."""

    id: int
    at: datetime
    tenant_id: str
    actor: str | None
    action: str
    subject: str
    detail: dict[str, Any]


class AuditPage(BaseModel):
    """The audit trail, newest first; `next` is the `before` of the next page, None on the last."""

    entries: list[AuditEntry]
    next: int | None


@router.post("/keys", status_code=201)
async def create_key(rag: Rag, who: Who, body: KeyRequest, response: Response) -> CreatedKey:
    """Makes a key and shows it, this once."""
    key, token = await rag.keys.create(who, NewKey(body.name, body.scopes, body.tenant_id, body.expires_at))
    response.headers["Cache-Control"] = "no-store"
    return CreatedKey(**_fields(key), key=token)


@router.get("/keys")
async def list_keys(rag: Rag, who: Who, after: str | None = None, limit: Limit = 100) -> KeyPage:
    """Lists the keys of the tenant, or with `tenants:admin` of all."""
    found = await rag.keys.listed(who, after, limit)
    return KeyPage(keys=[KeyInfo(**_fields(key)) for key in found], next=found[-1].key_id if len(found) == limit else None)


@router.delete("/keys/{key_id}")
async def revoke_key(rag: Rag, who: Who, key_id: str) -> KeyInfo:
    """Ends a key, everywhere within 5 s."""
    return KeyInfo(**_fields(await rag.keys.revoke(who, key_id)))


@router.get("/audit")
async def audit(rag: Rag, who: Who, before: Annotated[int | None, Query(ge=0, lt=2**63)] = None, limit: Limit = 100) -> AuditPage:
    """Tells who changed what."""
    rows = await rag.keys.audit(who, before, limit)
    return AuditPage(entries=[AuditEntry(**row) for row in rows], next=rows[-1]["id"] if len(rows) == limit else None)


def _fields(key: Key) -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes)}
