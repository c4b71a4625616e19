"""When a server wants to be asked again."""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (RFC 9110, 10.2.3); None if the server does not say, or says it unreadably.

    A moment is taken relative to the answer's own `Date`, so that the two clocks need not agree. `headers` ignores case.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    seconds = _number(told)
    return seconds if seconds is not None else _until(told, headers.get("date"))


def _number(told: str | None) -> float | None:
    try:
        value = float(told or "")
    except ValueError:
        return None
    return max(value, 0.0) if math.isfinite(value) else None


def _until(moment: str | None, now: str | None) -> float | None:
    try:
        waited = parsedate_to_datetime(moment or "") - parsedate_to_datetime(now or "")
    except (ValueError, TypeError):
        return None
    return max(waited.total_seconds(), 0.0)
