"""Who asks, for whom and on which account: the principal of a request, its run, and the scope that a route asks for."""

from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer

from services.rag.api.parts import Rag
from services.rag.principal import TENANT_ID, Principal, Scope

__all__ = ["OnRun", "Principal", "Scope", "Who", "needs"]

# For OpenAPI alone: it takes a header of another scheme for none at all.
_API_KEY = Depends(HTTPBearer(auto_error=False, scheme_name="API key", description="a key from POST /keys: `wb_...`"))
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

_ActingFor = Annotated[
    str | None,
    Header(alias="X-Workbench-Tenant", pattern=TENANT_ID, description="act for this tenant; another's needs the scope tenants:admin"),
]

OnRun = Annotated[
    str | None,
    Header(alias="X-Workbench-Run", pattern=_UUID, description="an evaluation's run_id: what models cost is on its budget, too"),
]


async def _principal(rag: Rag, request: Request, _: Annotated[Any, _API_KEY], tenant_id: _ActingFor = None) -> Principal:
    principal = await rag.authenticator.principal(request.headers.get("authorization"))
    if tenant_id is not None:
        principal = principal.acting_for(tenant_id)
    structlog.contextvars.bind_contextvars(tenant_id=principal.tenant_id, key_id=principal.key_id)
    return principal


Who = Annotated[Principal, Depends(_principal)]


def needs(scope: Scope) -> Any:
    """A dependency of a route: its principal must have `scope`, or the answer is 403 before the request's fields are looked at."""

    async def check(who: Who) -> None:
        who.require(scope)

    return Depends(check)
