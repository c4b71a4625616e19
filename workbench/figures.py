"""Figures as a person reads them: a metric's value, its interval, a difference with its sign."""

import math
from collections.abc import Callable, Sequence

from workbench.evals import Json

ALL = "all"
MINUS = "−"
_NONE = "—"
_ALPHA = 0.05  # where nothing was compared
_COMPARING = ("no_worse", "better")


def number(metric: str, value: float | None) -> str:
    """In the metric's own unit."""
    return _NONE if value is None else _unit(metric)(value)


def interval(metric: str, of: Json | None) -> str:
    """`0.812 [0.771, 0.849]`."""
    return _NONE if of is None or of["value"] is None else number(metric, of["value"]) + _bounds(metric, of, number)


def signed(metric: str, value: float | None) -> str:
    """With a sign, also where it is a plus."""
    if value is None:
        return _NONE
    shown = number(metric, abs(value))
    return shown if number(metric, 0.0) == shown else f"{'+' if value > 0 else MINUS}{shown}"


def difference(metric: str, of: Json | None) -> str:
    """`+0.031 [+0.004, +0.058]`."""
    return _NONE if of is None or of["value"] is None else signed(metric, of["value"]) + _bounds(metric, of, signed)


def rule(row: Json) -> str:
    """What a gate asks of a metric, in words."""
    margin, metric = row.get("margin"), row["metric"]
    bound = number(metric, margin)
    words = {
        "no_worse": f"no worse by more than {bound}" if margin else "no worse",
        "better": f"better by more than {bound}" if margin else "better",
        "at_least": f"at least {bound}",
        "at_most": f"at most {bound}",
    }
    asked: str | None = row.get("rule")
    return words.get(asked, asked) if asked else ""


def chance(row: Json) -> str:
    """The p-value, the corrected one where there is one."""
    p = row.get("p_value") if row.get("p_adjusted") is None else row["p_adjusted"]
    return _NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def alpha_of(found: Json) -> float:
    """What the intervals and the tests of an evaluation may be wrong by."""
    return (found.get("comparison") or {}).get("alpha") or _ALPHA


def level(found: Json) -> str:
    """The level of its intervals: `95 %`."""
    return f"{100 * (1 - alpha_of(found)):.4g} %"


def moved(row: Json, alpha: float) -> str | None:
    """`better` or `worse` where the whole interval of the difference is on one side of nothing, and the test agrees; None elsewhere."""
    of = row.get("difference")
    if not of or of["low"] is None or of["high"] is None or (of["low"] <= 0 <= of["high"]):
        return None
    side = "better" if (of["low"] > 0) == row["higher_is_better"] else "worse"
    return side if _agrees(row, side, alpha) else None


def _agrees(row: Json, side: str, alpha: float) -> bool:
    """Whether the test says the same. With a rule about the difference p is that of being worse: near 1 where it is better."""
    p, adjusted = row.get("p_value"), row.get("p_adjusted")
    if p is None:
        return True
    if row.get("rule") not in _COMPARING:
        return bool(p <= alpha)
    return bool(p >= 1 - alpha if side == "better" else (p if adjusted is None else adjusted) <= alpha)


def brief(found: Json) -> list[Json]:
    """The rows about all cases, and those that a gate has a rule for."""
    return [row for row in rows(found) if row["slice"] == ALL or row.get("rule")]


def whole(found: Json) -> list[Json]:
    """The rows of a comparison that are about all cases; without a comparison, the candidate's metrics alone in the same form."""
    return [row for row in rows(found) if row["slice"] == ALL]


def rows(found: Json) -> list[Json]:
    """All rows of a comparison, slices too; without one, the candidate's metrics in the same form."""
    comparison = found.get("comparison")
    if comparison and comparison["metrics"]:
        compared: list[Json] = comparison["metrics"]
        return compared
    return [_alone(metric) for metric in (found.get("candidate") or {}).get("metrics", [])]


def ordered(found: Sequence[Json]) -> list[Json]:
    """What a gate asks about first, then the others, both as they came."""
    return sorted(found, key=lambda row: row.get("rule") is None)


def named(run: Json | None) -> str:
    """`name@version` of a run's variant."""
    return f"{run['variant']['name']}@{run['variant']['version']}" if run else _NONE


def _alone(metric: Json) -> Json:
    side = {name: metric.get(name) for name in ("value", "low", "high")}
    figures = {"metric": metric["metric"], "slice": ALL, "n": metric.get("n", 0), "candidate": side, "higher_is_better": True}
    return figures | dict.fromkeys(("baseline", "difference", "rule", "margin", "verdict", "reason", "p_value", "p_adjusted", "mde"))


def _bounds(metric: str, of: Json, shown: Callable[[str, float | None], str]) -> str:
    if of.get("low") is None or of.get("high") is None:
        return ""
    return f" [{shown(metric, of['low'])}, {shown(metric, of['high'])}]"


def _unit(metric: str) -> Callable[[float], str]:
    if metric.startswith("latency"):
        return _milliseconds
    return _dollars if metric.startswith("cost") else _score


def _milliseconds(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:.1f} s".replace("-", MINUS)
    return f"{value:.0f} ms" if abs(value) >= 10 else f"{value:.1f} ms"


def _dollars(value: float) -> str:
    digits = 2 if not value else min(8, max(2, 1 - math.floor(math.log10(abs(value)))))
    return f"${value:.{digits}f}"


def _score(value: float) -> str:
    return f"{value:.3f}".replace("-", MINUS)
