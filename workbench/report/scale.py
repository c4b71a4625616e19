"""From values to places on a drawing: a straight scale with round ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND = (1, 2, 2.5, 5, 10)
_TICKS = 7


@dataclass(frozen=True, slots=True)
class Scale:
    """`[low, high]` on `[left, right]`."""

    low: float
    high: float
    left: float
    right: float

    @classmethod
    def around(cls, values: Iterable[float], left: float, right: float, widest: tuple[float, float] | None = None) -> "Scale":
        """Wide enough for all values and nothing, with some air; not beyond `widest`."""
        known = [0.0, *values]
        low, high = min(known), max(known)
        air = (high - low) * 0.06 or 1.0
        low, high = low - air, high + air
        return cls(max(low, widest[0]) if widest else low, min(high, widest[1]) if widest else high, left, right)

    def at(self, value: float) -> float:
        """Where a value is; one that is beyond the scale is at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.left + share * (self.right - self.left), 1)

    def ticks(self) -> list[tuple[float, float]]:
        """Round values with their places, about seven."""
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step)
        values = [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return [(value, self.at(value)) for value in values]


def _round_step(wanted: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in _ROUND if factor * power >= wanted * 0.999)
