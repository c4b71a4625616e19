"""The errors of the OpenAI and Anthropic SDKs, which are named alike, in ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError

_TRANSIENT_4XX = (408, 409, 425)


class Sdk(Protocol):
    """What the modules `openai` and `anthropic` share."""

    @property
    def APIError(self) -> type[Exception]:  # noqa: N802
        """Whatever goes wrong with a call."""
        ...

    @property
    def APIStatusError(self) -> type[Exception]:  # noqa: N802
        """The server answered 4xx or 5xx."""
        ...

    @property
    def APIConnectionError(self) -> type[Exception]:  # noqa: N802
        """The server did not answer."""
        ...

    @property
    def APITimeoutError(self) -> type[Exception]:  # noqa: N802
        """The server did not answer in time."""
        ...


class _Status(Protocol):
    status_code: int
    message: str


@contextmanager
def translated(sdk: Sdk, role: str, refused_key: type[WorkbenchError] = Permanent) -> Iterator[None]:
    """Raises the SDK's errors as ours; `role` begins their codes. A refused key becomes `refused_key`."""
    try:
        yield
    except sdk.APITimeoutError as error:
        raise DependencyDown(f"{role}_timeout", f"the {role} server did not answer in time; check it, or raise the timeout") from error
    except sdk.APIConnectionError as error:
        raise DependencyDown(f"{role}_unreachable", f"the {role} server cannot be reached; check its base URL and the network") from error
    except sdk.APIStatusError as error:
        raise _refusal(role, cast(_Status, error), refused_key) from error
    except sdk.APIError as error:
        raise unreadable(role, str(error)) from error


def unreadable(role: str, reason: str) -> Transient:
    """The error of an answer that is none."""
    return Transient(f"{role}_answer_invalid", f"the {role} server's answer cannot be read: {reason}; check that the base URL is an API")


def _refusal(role: str, error: _Status, refused_key: type[WorkbenchError]) -> WorkbenchError:
    status, message = error.status_code, error.message
    if status in (401, 403):
        return refused_key(f"{role}_key_refused", f"the {role} server refuses the API key; set a valid one: {message}")
    if status == 429:
        return Transient(f"{role}_rate_limited", f"the {role} server limits the rate; send less or later: {message}")
    if status >= 500 or status in _TRANSIENT_4XX:
        return Transient(f"{role}_failed", f"the {role} server failed; try again: {message}")
    return Permanent(f"{role}_request_refused", f"the {role} server refuses the request; change it: {message}")
