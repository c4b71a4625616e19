"""Who waits for whom: timeouts that contradict each other lose or repeat work only under load, so they are refused at the start."""

from contracts.topics import TOPICS
from kit.broker import GRACE_S
from kit.delivery import BACK_OFF_S, GIVE_UP_S, TOGETHER_S, TRIES
from kit.errors import Permanent
from kit.inbox import RETENTION
from kit.settings import KafkaSettings

REBALANCE_MARGIN_S = 10.0
_LONGEST_BACK_OFF_S: float = sum(1.5 * BACK_OFF_S * 2**attempt for attempt in range(1, TRIES))


def longest_record_s(kafka: KafkaSettings) -> float:
    """Seconds that one record may keep a consumer: together with others, then its own tries with pauses, then to be given up."""
    return 2 * TOGETHER_S + TRIES * kafka.handler_timeout_ms / 1000 + _LONGEST_BACK_OFF_S + GIVE_UP_S


def require_patience(kafka: KafkaSettings) -> None:
    """Raises Permanent `timeouts_inconsistent`, naming the rule that is broken and the settings to change."""
    handler_s, rebalance_s = kafka.handler_timeout_ms / 1000, kafka.rebalance_timeout_ms / 1000
    longest_kept = 2 * max(topic.retention for topic in TOPICS)
    rules = {
        "KAFKA__MAX_POLL_INTERVAL_MS must be over all tries of a handler, or a slow record is delivered for ever": (
            longest_record_s(kafka) < kafka.max_poll_interval_ms / 1000
        ),
        "KAFKA__HANDLER_TIMEOUT_MS must be 10 s below KAFKA__REBALANCE_TIMEOUT_MS, or two members process one record": (
            handler_s < rebalance_s - REBALANCE_MARGIN_S
        ),
        f"KAFKA__HANDLER_TIMEOUT_MS must be at most {GRACE_S:g} s, or a stop cuts a record off": handler_s <= GRACE_S,
        "the inbox must remember longer than a topic and its dead letters keep a record, or a late replay has a second effect": (
            longest_kept < RETENTION
        ),
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise Permanent("timeouts_inconsistent", "; ".join(broken))
