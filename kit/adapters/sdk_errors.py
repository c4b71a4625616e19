"""The errors of the OpenAI and Anthropic SDKs, which are named alike, in ours."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import httpx2

from kit.adapters.retry_after import after_s
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError

_TRANSIENT_4XX = (408, 409, 425)
_BROKEN = (httpx2.RemoteProtocolError, httpx2.ReadError)

# A stream that has begun has its status already: what goes wrong later is told by a name (or a number) in an event.
_STATUS_OF_NAME = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}


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


class _Told(Protocol):
    message: str
    body: object | None


class _Status(_Told, Protocol):
    status_code: int
    response: httpx2.Response


@contextmanager
def translated(sdk: Sdk, role: str, refused_key: type[WorkbenchError] = Permanent) -> Iterator[None]:
    """Raises the SDK's errors as ours; `role` begins their codes. A refused key becomes `refused_key`."""
    try:
        yield
    except (sdk.APITimeoutError, httpx2.TimeoutException) as error:
        if isinstance(error.__cause__, httpx2.ConnectTimeout):
            raise unreachable(role) from error
        raise late(role, "did not answer in time") from error
    except (sdk.APIConnectionError, httpx2.TransportError) as error:
        raise unreachable(role) from error
    except sdk.APIStatusError as error:
        raise _refusal(role, cast(_Status, error), refused_key) from error
    except sdk.APIError as error:
        raise _told(role, cast(_Told, error), refused_key) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise unreadable(role, "it is no JSON") from error


@contextmanager
def translated_stream(sdk: Sdk, role: str) -> Iterator[None]:
    """As `translated`, while a streamed answer is read: a connection that breaks has cut it."""
    with translated(sdk, role):
        try:
            yield
        except (sdk.APIConnectionError, httpx2.TransportError) as error:
            if isinstance(error, _BROKEN) or isinstance(error.__cause__, _BROKEN):
                raise cut(role) from error
            raise


@contextmanager
def readable(role: str) -> Iterator[None]:
    """While an answer is taken apart: the SDKs hand over whatever the server sent, whether or not it has the shape that they promise."""
    try:
        yield
    except (AttributeError, LookupError, TypeError) as error:
        raise unreadable(role, f"something is missing ({error})") from error


def unreadable(role: str, reason: str) -> Transient:
    """The error of an answer that is none."""
    return Transient(f"{role}_answer_invalid", f"the {role} server's answer cannot be read: {reason}; check that the base URL is an API")


def unreachable(role: str) -> DependencyDown:
    """The error of a server without a working connection."""
    return DependencyDown(f"{role}_unreachable", f"the {role} server cannot be reached; check its base URL and the network")


def late(role: str, what: str) -> DependencyDown:
    """The error of a server that takes too long."""
    return DependencyDown(f"{role}_timeout", f"the {role} server {what}; check it, or raise the timeout")


def cut(role: str) -> Transient:
    """The error of a streamed answer that ends in the middle."""
    return Transient(f"{role}_answer_cut", f"the {role} server ended its answer before it was complete; ask again")


def _told(role: str, error: _Told, refused_key: type[WorkbenchError]) -> WorkbenchError:
    """The error that an event of a stream tells of; anything else is an answer that cannot be read."""
    if isinstance(error.body, dict):
        return _classified(role, _status_of(error.body), error.message, refused_key)
    return unreadable(role, error.message)


def _refusal(role: str, error: _Status, refused_key: type[WorkbenchError]) -> WorkbenchError:
    status = error.status_code if error.status_code >= 400 else _status_of(error.body)
    refusal = _classified(role, status, error.message, refused_key)
    refusal.after_s = after_s(error.response.headers)
    return refusal


def _status_of(body: object) -> int:
    """The status that an error would have had at the start of an answer; 500 if nobody knows."""
    inner = body.get("error", body) if isinstance(body, dict) else {}
    names = [inner.get(key) for key in ("code", "type")] if isinstance(inner, dict) else []
    return next((name for name in (_STATUS_OF_NAME.get(str(name), name) for name in names) if isinstance(name, int)), 500)


def _classified(role: str, status: int, message: str, refused_key: type[WorkbenchError]) -> WorkbenchError:
    if status in (401, 403):
        return refused_key(f"{role}_key_refused", f"the {role} server refuses the API key; set a valid one: {message}")
    if status == 429:
        return Transient(f"{role}_rate_limited", f"the {role} server limits the rate; send less or later: {message}")
    if status >= 500 or status in _TRANSIENT_4XX:
        return Transient(f"{role}_failed", f"the {role} server failed; try again: {message}")
    return Permanent(f"{role}_request_refused", f"the {role} server refuses the request; change it: {message}")
