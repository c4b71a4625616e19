"""Who asks: the principal of a request, and the scope that a route asks for."""

from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from services.rag.api.parts import Rag
from services.rag.principal import Principal, Scope

__all__ = ["Principal", "Scope", "Who", "needs"]

# For OpenAPI alone: it takes a header of another scheme for none at all.
_API_KEY = Depends(HTTPBearer(auto_error=False, scheme_name="API key", description="a key from POST /keys: `wb_...`"))


async def _principal(rag: Rag, request: Request, _: Annotated[Any, _API_KEY]) -> Principal:
    principal = await rag.authenticator.principal(request.headers.get("authorization"))
    structlog.contextvars.bind_contextvars(tenant_id=principal.tenant_id, key_id=principal.key_id)
    return principal


Who = Annotated[Principal, Depends(_principal)]


def needs(scope: Scope) -> Any:
    """A dependency of a route: its principal must have `scope`, or the answer is 403 before the request's fields are looked at."""

    async def check(who: Who) -> None:
        who.require(scope)

    return Depends(check)
