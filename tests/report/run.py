"""What a system found for every question of a set."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.evaluator.metrics.spans import Span


@dataclass(frozen=True, slots=True)
class Run:
    """`found` are chunks, best first, and `ms` what that took, both by question; `chunks` all that could be found.

    `where` says what was timed.
    """

    name: str
    where: str
    found: Sequence[Sequence[Span]]
    ms: Sequence[float]
    chunks: Sequence[Span]
