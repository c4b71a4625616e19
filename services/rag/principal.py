"""Who asks, and what they may do."""

from dataclasses import dataclass, replace
from enum import StrEnum

from kit.errors import Permanent


class Scope(StrEnum):
    """What a key may be allowed to do."""

    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    QUERY = "query"
    GENERATE = "generate"
    PROMPTS_READ = "prompts:read"
    PROMPTS_WRITE = "prompts:write"
    PROMPTS_PROMOTE = "prompts:promote"
    FEEDBACK_WRITE = "feedback:write"
    EVALS_READ = "evals:read"
    EVALS_WRITE = "evals:write"
    USAGE_READ = "usage:read"
    BUDGETS_WRITE = "budgets:write"
    KEYS_ADMIN = "keys:admin"
    TENANTS_ADMIN = "tenants:admin"  # keys:admin is about the keys of one's own tenant; with this one, about those of all


ALL_SCOPES = frozenset(Scope)
TENANT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


@dataclass(frozen=True, slots=True)
class Principal:
    """A tenant's user, known by a key (None: nobody asked for one)."""

    tenant_id: str
    key_id: str | None
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether `scope` is theirs."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Permanent `scope_missing` if `scope` is not theirs."""
        if not self.may(scope):
            raise Permanent("scope_missing", f"this key has not the scope {scope}; use one that has, or have one made with it")

    def acting_for(self, tenant_id: str) -> "Principal":
        """The same, as if they were of that tenant. Raises Permanent `scope_missing` if it is not theirs and they may not."""
        if tenant_id == self.tenant_id:
            return self
        self.require(Scope.TENANTS_ADMIN)
        return replace(self, tenant_id=tenant_id)
