"""Whether a call that failed can have been billed all the same: then its whole reservation stays spent."""

from collections.abc import Iterator
from http import HTTPStatus

import httpx2

from kit.errors import WorkbenchError

# The provider answered that it did not do it, or was never asked; providers bill no refused and no failed request.
_NOT_BILLED = frozenset(
    {
        "llm_key_refused",
        "llm_request_refused",
        "llm_rate_limited",
        "llm_failed",
        "llm_settings_incomplete",
        "grounding_missing",
        "llm_schema_unsupported",
    }
)
# These say a proxy in between, or a server that gave up waiting: the model may have written on.
_OF_A_PROXY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT, *range(520, 528)})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def may_be_billed(error: WorkbenchError) -> bool:
    """Whether the provider may have done the work before `error`, which came before the first piece of an answer."""
    causes = list(_causes(error))
    if any(isinstance(cause, _NEVER_SENT) for cause in causes):
        return False
    return error.code not in _NOT_BILLED or any(getattr(cause, "status_code", None) in _OF_A_PROXY for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    while error.__cause__ is not None:
        error = error.__cause__
        yield error
