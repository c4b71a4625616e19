"""The ceiling on dead letters: a consumer that cannot handle most records is broken itself, and must stop instead of draining its topic."""

from collections import deque
from dataclasses import dataclass, field

WINDOW = 200


class CeilingReached(Exception):
    """The next dead letter would be one too many; the record stays on its topic."""


@dataclass
class Ceiling:
    """Counts what became of the last records: dead letters are fewer than `in_a_row` in a row, and fewer than `share` of the last 200."""

    in_a_row: int = 10
    share: float = 0.2
    _in_a_row: int = 0
    _window: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def handled(self) -> None:
        """A record had its effect."""
        self._in_a_row = 0
        self._window.append(False)

    def require_room(self) -> None:
        """Raises CeilingReached if one more dead letter would be one too many."""
        if self._in_a_row + 1 >= self.in_a_row or sum(self._window) + 1 >= self.share * WINDOW:
            raise CeilingReached

    def dead_letter(self) -> None:
        """A record has gone to the dead letter topic."""
        self._in_a_row += 1
        self._window.append(True)
