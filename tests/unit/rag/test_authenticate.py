"""Authentication: what an Authorization header is worth, with and without the duty to send one."""

from dataclasses import dataclass

import pytest

from contracts.envelope import DEFAULT_TENANT
from kit.errors import Permanent
from services.rag.authenticate import Authenticator
from services.rag.principal import ALL_SCOPES, Principal, Scope
from services.rag.settings import Settings

ALICE = Principal("alices", "k1", frozenset({Scope.QUERY}))
ADMIN_KEY = "a" * 32


@dataclass(frozen=True)
class Owners:
    """One key, and whose it is."""

    token: str = "wb_alice"

    async def owner(self, token: str) -> Principal | None:
        """Alice, or nobody."""
        return ALICE if token == self.token else None


def authenticator(required: bool = True, admin_key: str | None = ADMIN_KEY) -> Authenticator:
    """With Alice's key and the admin's."""
    return Authenticator(Owners(), required, admin_key)


async def refusal(required: bool, authorization: str | None, admin_key: str | None = ADMIN_KEY) -> str:
    """The code with which a header is refused."""
    with pytest.raises(Permanent) as refused:
        await authenticator(required, admin_key).principal(authorization)
    return refused.value.code


async def test_without_the_duty_a_request_without_a_key_may_do_everything_as_the_default_tenant() -> None:
    """The embedded stack on one's own machine."""
    assert await authenticator(required=False).principal(None) == Principal(DEFAULT_TENANT, None, ALL_SCOPES)


async def test_with_the_duty_a_request_without_a_key_is_refused() -> None:
    """And told what to send."""
    assert await refusal(True, None) == "key_missing"


@pytest.mark.parametrize("required", [True, False])
async def test_a_key_that_is_sent_always_counts(required: bool) -> None:
    """It limits even where none is needed; the scheme's case does not matter."""
    for header in ("Bearer wb_alice", "bearer  wb_alice"):
        assert await authenticator(required).principal(header) == ALICE


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("header", ["", "Bearer wb_bob", "Basic wb_alice", "wb_alice", "Bearer"])
async def test_what_is_no_key_is_refused_even_where_none_is_needed(required: bool, header: str) -> None:
    """Rather than taken for no key, which may do more."""
    assert await refusal(required, header) == "key_invalid"


async def test_the_admin_key_of_the_settings_may_do_everything() -> None:
    """It makes the first keys."""
    assert await authenticator().principal(f"Bearer {ADMIN_KEY}") == Principal(DEFAULT_TENANT, "admin", ALL_SCOPES)


async def test_without_an_admin_key_nothing_is_the_admin_key() -> None:
    """Least of all an empty one."""
    assert await refusal(True, "Bearer ", admin_key=None) == "key_invalid"


def test_a_missing_scope_is_named() -> None:
    """So that somebody can ask for it."""
    with pytest.raises(Permanent, match="prompts:promote") as refused:
        ALICE.require(Scope.PROMPTS_PROMOTE)

    assert refused.value.code == "scope_missing"


@pytest.mark.parametrize(
    ("host", "auth", "required"),
    [
        ("127.0.0.1", None, False),
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("0.0.0.0", "open", False),
        ("127.0.0.1", "required", True),
    ],
)
def test_only_a_service_that_others_can_reach_asks_for_keys_unasked(host: str, auth: str | None, required: bool) -> None:
    """A setting has the last word."""
    given = {"kafka": {"bootstrap_servers": "k"}, "postgres": {"dsn": "p"}, "redis": {"url": "r"}, "blobs": {"url": "b"}, "vectors": {}}

    settings = Settings.model_validate({**given, "http": {"host": host}, "auth": auth})

    assert settings.key_required is required
