"""Ids: time-ordered random ones (UUID version 7, RFC 9562) and the chunk ids that every re-run computes again."""

import os
from collections.abc import Callable
from uuid import UUID, uuid5

from kit.clock import Clock, SystemClock

IdSource = Callable[[], UUID]

_CHUNKS = UUID("6f1c3b52-7e0e-5d3c-9a57-0d6a4f6f9b10")


def uuid7(clock: Clock, random: Callable[[int], bytes] = os.urandom) -> UUID:
    """A UUID version 7: 48 bits of Unix milliseconds, then randomness, so ids sort by time of creation."""
    milliseconds = int(clock.now().timestamp() * 1000) & ((1 << 48) - 1)
    noise = int.from_bytes(random(10), "big")
    value = (milliseconds << 80) | (0x7 << 76) | ((noise >> 68) & 0xFFF) << 64 | (0b10 << 62) | (noise & ((1 << 62) - 1))
    return UUID(int=value)


def new_id() -> UUID:
    """A fresh time-ordered id from the machine's clock."""
    return uuid7(SystemClock())


def chunk_id(document_id: str, version: int, chunk_no: int, embedding_model: str) -> UUID:
    """The id of a chunk and of its point: the same inputs always give the same id, so writing it twice is harmless."""
    return uuid5(_CHUNKS, f"{document_id}\x1f{version}\x1f{chunk_no}\x1f{embedding_model}")
