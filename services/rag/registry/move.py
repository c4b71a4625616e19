"""Moves of a label: from some versions to others, each with its share of the subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from kit.errors import Permanent
from services.rag.registry.entry import Entry

MAX_VERSIONS = 10
_SUM_ERROR = 1e-6


@dataclass(frozen=True, slots=True)
class Weights:
    """The shares of versions, by number, 1 in all. A canary is a second version; with a share of 0 it is paused."""

    shares: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, shares: Mapping[int, float]) -> "Weights":
        """Raises Permanent `weights_invalid` unless one to ten shares between 0 and 1 make 1."""
        total = sum(shares.values())
        if not 0 < len(shares) <= MAX_VERSIONS or not all(0 <= share <= 1 for share in shares.values()) or abs(total - 1) > _SUM_ERROR:
            raise Permanent("weights_invalid", f"give 1 to {MAX_VERSIONS} versions shares between 0 and 1 that make 1, not {total:g}")
        return cls(tuple(sorted((version, float(share)) for version, share in shares.items())))

    @classmethod
    def all_to(cls, version: int) -> "Weights":
        """Everybody gets that version."""
        return cls(((version, 1.0),))

    @classmethod
    def from_json(cls, shares: Mapping[str, float]) -> "Weights":
        """Reads what `as_json` wrote."""
        return cls(tuple(sorted((int(version), float(share)) for version, share in shares.items())))

    def as_json(self) -> dict[str, float]:
        """Shares by version, such as {"3": 0.9, "4": 0.1}."""
        return {str(version): share for version, share in self.shares}

    @property
    def versions(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(version for version, _ in self.shares)

    @property
    def live(self) -> tuple[int, ...]:
        """Those that any subject gets."""
        return tuple(version for version, share in self.shares if share > 0)

    @property
    def heaviest(self) -> int:
        """The version that most subjects get; of equals the older."""
        return max(self.shares, key=lambda share: share[1])[0]

    def chosen(self, entry: Entry, label: str, subject: str) -> int:
        """The version of a subject: the same as long as the weights are, and if a share grows, who had that version keeps it."""
        if len(self.shares) == 1:
            return self.shares[0][0]
        point, upto = _point(f"{entry.kind}/{entry.name}@{label}/{subject}"), 0.0
        for version, share in self.shares:
            upto += share
            if point < upto:
                return version
        return self.live[-1]


def _point(text: str) -> float:
    """Spreads texts evenly over [0, 1)."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64


@dataclass(frozen=True, slots=True)
class Move:
    """Move `number` of a label: who moved it when and why, from where, to where. A rollback `restores` what an earlier move made."""

    number: int
    before: Weights | None
    after: Weights
    restores: int | None
    reason: str
    actor: str
    receipt: Mapping[str, Any] | None
    at: datetime


def before_last(history: Sequence[Move]) -> Move:
    """The move whose state stood before the present one was made: a rollback of a rollback goes further back, not forth.

    `history` has every move, oldest first. Raises Permanent `label_has_no_past`.
    """
    present = _effective(history, len(history))
    if present <= 1:
        raise Permanent("label_has_no_past", "this label has never pointed anywhere else; move it to a version")
    return history[_effective(history, present - 1) - 1]


def _effective(history: Sequence[Move], number: int) -> int:
    """The move that made the state after move `number` first."""
    return history[number - 1].restores or number if number else 0
