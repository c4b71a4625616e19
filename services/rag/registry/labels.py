"""Labels: moved, rolled back, and remembered. Every change of a label goes through `_write`, and so through the policy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import structlog

from services.rag.principal import Principal
from services.rag.registry.entry import Entry, Kind
from services.rag.registry.move import Move, Weights, before_last
from services.rag.registry.promotion import NO_PROMPTS, Past, Promotion, Prompts, prompt_of
from services.rag.registry.receipts import SignedReceipt
from services.rag.registry.registry import ANONYMOUS
from services.rag.registry.store import NewMove, RegistryStore, label_unknown
from services.rag.registry.version import Version

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a move, and the proof if one is needed."""

    reason: str
    receipt: SignedReceipt | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a label is to point; `restores` is the move whose state that was."""

    weights: Weights
    restores: int | None = None


class Announcer(Protocol):
    """Promise: this process knows at once, the others soon."""

    async def tell(self, entry: Entry, label: str) -> None:
        """Says that a label was moved."""
        ...


@dataclass(frozen=True, slots=True)
class Labels:
    """A canary is set, grown, paused (a share of 0) and finished by moves, and ended by a rollback."""

    store: RegistryStore
    promotion: Promotion
    changes: Announcer

    async def move(self, who: Principal, entry: Entry, label: str, weights: Weights, why: Why) -> Move:
        """Points the label to versions; if it points there already nothing is written, and the last move is given.

        Raises Permanent `scope_missing`, `version_unknown`, or as `Promotion.check` does.
        """
        return await self._write(who, entry, label, lambda _: Target(weights), why)

    async def rollback(self, who: Principal, entry: Entry, label: str, why: Why) -> Move:
        """Points the label to where it pointed before; raises as `move` does, Permanent `label_unknown` or `label_has_no_past`."""

        def back(history: Sequence[Move]) -> Target:
            if not history:
                raise label_unknown(entry, label)
            earlier = before_last(history)
            return Target(earlier.after, restores=earlier.number)

        return await self._write(who, entry, label, back, why)

    async def history(self, entry: Entry, label: str) -> list[Move]:
        """Every move, oldest first. Raises Permanent `label_unknown`."""
        found = await self.store.history(entry, label)
        if not found:
            raise label_unknown(entry, label)
        return found

    async def _write(self, who: Principal, entry: Entry, label: str, choose: Callable[[Sequence[Move]], Target], why: Why) -> Move:
        """The one way in which labels change."""
        self.promotion.require_scope(who, label)
        async with self.store.deciding(entry) as connection:
            history = await self.store.history(entry, label, connection)
            target = choose(history)
            new = await self._allowed(connection, entry, label, history, target, why, who.key_id or ANONYMOUS)
            if history and history[-1].after == target.weights:
                return history[-1]
            move = await self.store.put_move(connection, entry, label, len(history) + 1, new)
        await self.changes.tell(entry, label)
        log.info("registry.label_moved", kind=entry.kind, name=entry.name, label=label, number=move.number, actor=move.actor)
        return move

    async def _allowed(
        self, connection: asyncpg.Connection, entry: Entry, label: str, history: Sequence[Move], target: Target, why: Why, actor: str
    ) -> NewMove:
        """The move, if the policy lets it be."""
        versions = [await self.store.version(entry, number, connection) for number in target.weights.versions]
        live = [version for version in versions if version.number in target.weights.live]
        current = [await self.store.version(entry, number, connection) for number in history[-1].after.live] if history else []
        past = Past({number for move in history for number in move.after.live}, current)
        prompts = await self._prompts(connection, live) if why.receipt else NO_PROMPTS
        receipt = self.promotion.check(label, live, past, why.receipt, prompts)
        return NewMove(history[-1].after if history else None, target.weights, why.reason, actor, target.restores, receipt)

    async def _prompts(self, connection: asyncpg.Connection, live: Sequence[Version]) -> Prompts:
        """What the prompts of variants stand for until the move is written; in the order of their names, so that no two moves wait for
        each other.
        """
        named = [(version, prompt) for version in live if (prompt := prompt_of(version))]
        return {
            version.number: await self.store.standing(Entry(Kind.PROMPT, version.entry.tenant_id, prompt.name), prompt, connection)
            for version, prompt in sorted(named, key=lambda pair: pair[1].name)
        }
