"""What must hold for a consumer group after every step, and what else once everything has healed and nothing is left to read."""

from collections import Counter
from itertools import pairwise
from typing import Any

from aiokafka import ConsumerRecord

from kit.delivery import TRIES
from tests.chaos.model import BLOCK, Group, Position, identity, position
from tests.chaos.store import FORBIDDEN

ALL_TRIES = str(3 * TRIES).encode()


def check(group: Group, poison: set[Position]) -> None:
    """At any time; `poison` is where records nobody can read were sent."""
    _one_effect_per_event(group)
    _versions_only_grow(group)
    _commits_follow_effects(group)
    _redelivery_is_bounded(group)
    _copies_are_whole(group)
    _dead_letters_are_deserved(group, poison)
    _committed_events_are_told(group)


def check_at_rest(group: Group, poison: set[Position]) -> None:
    """Once there is nothing left to read."""
    check(group, poison)
    dead = {position(group.broker.origin(record)) for record in group.broker.of(group.route.dead_letters)}
    sent = list(group.broker.of(group.route.topic.name))
    lost = [position(record) for record in sent if identity(record) not in group.store.outcomes and position(record) not in dead]
    assert not lost, f"lost: {lost}"
    assert poison & {position(record) for record in sent} <= dead, "poison is missing in the dead letter topic"
    for effect in (*group.store.effects, *group.store.superseded):
        assert group.store.versions[effect.document_id] >= effect.version, f"{effect} is newer than what is kept"


def check_published(ingest: Group, indexer: Group) -> None:
    """Every event that a committed transaction told, and no other, is published or waits."""
    told, waiting = _ids(ingest.store.told), _ids(ingest.store.outbox)
    published = {dict(record.headers)["ce_id"] for record in indexer.broker.of(indexer.route.topic.name)}
    assert published <= told, "what no transaction told was published"
    assert told <= published | waiting, "what a transaction told was forgotten"


def _ids(records: list[Any]) -> set[bytes | None]:
    return {dict(record.headers)["ce_id"] for record in records}


def _one_effect_per_event(group: Group) -> None:
    twice = [event for event, count in Counter(effect.event_id for effect in group.store.effects).items() if count > 1]
    assert not twice, f"two effects of one event: {twice}"


def _versions_only_grow(group: Group) -> None:
    for document in {effect.document_id for effect in group.store.effects}:
        versions = [effect.version for effect in group.store.effects if effect.document_id == document]
        assert all(before <= after for before, after in pairwise(versions)), f"{document} went back: {versions}"


def _commits_follow_effects(group: Group) -> None:
    """The committed offset of each partition is at most that of its first record that is neither handled nor forwarded."""
    done, onward = group.store.outcomes, _forwarded_behind(group)
    for topic, number in group.partitions:
        committed = group.broker.committed[topic, number]
        for record in group.broker.logs[topic, number][:committed]:
            handled = _identity_as_sent(group, record) in done
            assert handled or _source(group, record) in onward[topic], f"committed but not done: {position(record)}"


def _forwarded_behind(group: Group) -> dict[str, set[Position]]:
    """For each topic the group reads: the sources of all records on the topics behind it."""
    behind: dict[str, set[Position]] = {}
    further: set[Position] = set()
    for topic in reversed((*group.route.consumed, group.route.dead_letters)):
        behind[topic] = set(further)
        further |= {_source(group, record) for record in group.broker.of(topic)}
    return behind


def _redelivery_is_bounded(group: Group) -> None:
    """Once, and once more for each time that Delivery put it back or that a process, a partition or an acknowledgement went."""
    allowed = 1 + group.disturbances + group.broker.lost_acknowledgements
    for at, count in group.deliveries.items():
        assert count <= allowed + group.put_back[at], f"{at} was delivered {count} times"
    copies = Counter((record.topic, _source(group, record)) for record in _forwarded(group))
    assert all(count <= allowed for count in copies.values()), f"too many copies: {copies.most_common(1)}"


def _copies_are_whole(group: Group) -> None:
    for record in _forwarded(group):
        origin = group.broker.origin(record)
        same = (record.key, record.value, record.headers[:-BLOCK]) == (origin.key, origin.value, origin.headers)
        assert same, f"not byte for byte: {position(record)}"


def _dead_letters_are_deserved(group: Group, poison: set[Position]) -> None:
    """Poison, refused, an id that another event has, or failed on every try there is; never for a dependency that was down."""
    for record in group.broker.of(group.route.dead_letters):
        told, origin = dict(record.headers[-BLOCK:]), group.broker.origin(record)
        code, event_id = told["x-error-code"], (identity(origin)[0] or b"").decode(errors="replace")
        deserved = {
            b"forbidden": origin.key == FORBIDDEN.encode(),
            b"event_id_reused": group.store.inbox.get(event_id) != identity(origin)[1],
            b"busy": told["x-attempts"] == ALL_TRIES and group.store.failures[event_id] >= 3 * TRIES,
            b"unexpected": told["x-attempts"] == ALL_TRIES and group.store.failures[event_id] >= 3 * TRIES,
        }.get(code, position(origin) in poison)
        assert deserved, f"dead letter that should not be: {code!r} of {position(origin)}"


def _committed_events_are_told(group: Group) -> None:
    assert len(group.store.told) == len(group.store.effects), "effects and events told differ"


def _forwarded(group: Group) -> list[ConsumerRecord[Any, Any]]:
    return [record for topic in (*group.route.waiting, group.route.dead_letters) for record in group.broker.of(topic)]


def _source(group: Group, record: ConsumerRecord[Any, Any]) -> Position:
    return position(record if record.topic == group.route.topic.name else group.broker.origin(record))


def _identity_as_sent(group: Group, record: ConsumerRecord[Any, Any]) -> tuple[bytes | None, str]:
    return identity(record if record.topic == group.route.topic.name else group.broker.origin(record))
