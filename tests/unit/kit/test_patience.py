"""Timeouts that contradict each other are refused at the start."""

from datetime import timedelta
from typing import Any

import pytest

from kit import patience
from kit.errors import Permanent
from kit.patience import require_patience
from kit.settings import KafkaSettings


def test_the_defaults_fit_each_other() -> None:
    """And those of the embedded stack."""
    require_patience(KafkaSettings(bootstrap_servers="b"))
    require_patience(KafkaSettings(bootstrap_servers="b", session_timeout_ms=2_000))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"max_poll_interval_ms": 300_000}, "MAX_POLL_INTERVAL_MS"),
        ({"rebalance_timeout_ms": 125_000}, "REBALANCE_TIMEOUT_MS"),
        ({"handler_timeout_ms": 125_000, "max_poll_interval_ms": 900_000, "rebalance_timeout_ms": 200_000}, "HANDLER_TIMEOUT_MS"),
    ],
)
def test_a_contradiction_is_named(changes: dict[str, Any], named: str) -> None:
    """With the setting to change."""
    with pytest.raises(Permanent, match=named):
        require_patience(KafkaSettings(bootstrap_servers="b", **changes))


def test_an_inbox_that_forgets_too_early_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay of an old dead letter must still be recognised."""
    monkeypatch.setattr(patience, "RETENTION", timedelta(days=50))

    with pytest.raises(Permanent, match="inbox"):
        require_patience(KafkaSettings(bootstrap_servers="b"))
