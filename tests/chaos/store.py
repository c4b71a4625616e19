"""A service's database in memory: its inbox, its fence and its outbox change together or not at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from contracts.chunks import ChunksDeletedV1
from contracts.codec import Received, Record
from kit.errors import DependencyDown, Permanent, Transient
from kit.inbox import AlreadyHandled
from tests.events import record_of

FORBIDDEN = "forbidden"


def takes_one(counter: Counter[str], name: str) -> bool:
    """Whether `name` is told to happen once more, which is then used up."""
    left = counter[name]
    counter[name] = max(left - 1, 0)
    return left > 0


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event did to its document, or would have done if a newer one had not been there."""

    event_id: str
    digest: str
    document_id: str
    version: int


@dataclass
class Store:
    """One service's database: all changes together or not at all. It is `away`, and work on a document is `failing`, so many times."""

    away: int = 0
    failing: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    inbox: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    superseded: list[Effect] = field(default_factory=list)
    outbox: list[Record] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)

    def work(self, event: Received[Any]) -> None:
        """What a handler does before its transaction. Raises one of the three kinds, or what nobody foresaw."""
        if event.data.document_id == FORBIDDEN:
            raise Permanent("forbidden", "send another document")
        if takes_one(self.failing, event.data.document_id):
            self.failures[event.envelope.id] += 1
            raise Transient("busy", "later") if self.failures[event.envelope.id] % 2 else RuntimeError("surprise")

    def refuse_if_handled(self, event: Received[Any]) -> None:
        """The promise of Inbox.refuse_if_handled."""
        if self.away > 0:
            self.away -= 1
            raise DependencyDown("postgres_down", "away")
        digest = self.inbox.get(event.envelope.id)
        if digest is not None:
            raise AlreadyHandled if digest == event.digest else Permanent("event_id_reused", "give every event an id of its own")

    def claim(self, event: Received[Any]) -> None:
        """The promise of Inbox.record."""
        self.refuse_if_handled(event)
        self.inbox[event.envelope.id] = event.digest

    def wins(self, effect: Effect) -> bool:
        """The fence."""
        return effect.version >= self.versions.get(effect.document_id, 0)

    def commit(self, event: Received[Any]) -> None:
        """The transaction of an effect."""
        self.claim(event)
        effect = Effect(event.envelope.id, event.digest, event.data.document_id, event.data.document_version)
        if not self.wins(effect):
            self.superseded.append(effect)
            return
        self.effects.append(effect)
        self.versions[effect.document_id] = effect.version
        told = ChunksDeletedV1(document_id=effect.document_id, document_version=effect.version)
        self.outbox.append(record_of(told, str(uuid5(NAMESPACE_URL, effect.event_id))))
        self.told.append(self.outbox[-1])

    def fresh(self, events: Sequence[Received[Any]]) -> list[Received[Any]]:
        """The promise of Inbox.record_all, without a claim yet."""
        if len({event.envelope.id for event in events}) < len(events):
            raise ValueError("an event comes twice")
        return [event for event in events if not self._is_handled(event)]

    def _is_handled(self, event: Received[Any]) -> bool:
        try:
            self.refuse_if_handled(event)
        except AlreadyHandled:
            return True
        return False

    def commit_all(self, events: Sequence[Received[Any]]) -> None:
        """One transaction for several effects: all of them, or none."""
        if len(self.fresh(events)) < len(events):
            raise AlreadyHandled
        away, self.away = self.away, 0
        for event in events:
            self.commit(event)
        self.away = away

    @property
    def outcomes(self) -> set[tuple[bytes, str]]:
        """Id and digest of all that needs no further delivery."""
        return {(effect.event_id.encode(), effect.digest) for effect in (*self.effects, *self.superseded)}
