"""Who asks, and what they may do."""

from dataclasses import dataclass
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
    EVALS_WRITE = "evals:write"
    USAGE_READ = "usage:read"
    BUDGETS_WRITE = "budgets:write"
    KEYS_ADMIN = "keys:admin"
    TENANTS_ADMIN = "tenants:admin"  # keys:admin is about the keys of one's own tenant; with this one, about those of all


ALL_SCOPES = frozenset(Scope)


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
