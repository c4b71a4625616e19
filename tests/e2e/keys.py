"""A workbench as the holder of an API key sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.e2e.conftest import Workbench

EVERYDAY = ("documents:read", "documents:write", "query")


async def made(workbench: Workbench, *scopes: str, **fields: Any) -> dict[str, Any]:
    """A new key, as POST /keys gives it."""
    answer = await workbench.http.post("/keys", json={"name": "test", "scopes": scopes, **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


@asynccontextmanager
async def holding(workbench: Workbench, key: str) -> AsyncIterator[Workbench]:
    """The same workbench, spoken to with `key`."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=workbench.addresses["http"], headers=headers, timeout=60) as http:
        yield Workbench(workbench.addresses, http, workbench.kafka)


@asynccontextmanager
async def of_tenant(workbench: Workbench, tenant_id: str, *scopes: str) -> AsyncIterator[Workbench]:
    """The same workbench, spoken to with a new key of that tenant, for everyday work unless `scopes` are told."""
    created = await made(workbench, *(scopes or EVERYDAY), tenant_id=tenant_id)
    async with holding(workbench, created["key"]) as held:
        yield held
