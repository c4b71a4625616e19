"""Drawings of a comparison, as places of lines and marks; the templates make SVG of them. Right is always better."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench import figures
from workbench.evals import Json
from workbench.report.scale import Scale

WIDTH = 760
LABELS, FIGURES = 180, 220  # what the names to the left and the figures to the right take
ROW, AXIS = 30, 34
SQUARE, EDGE = 330, 44
_RADIUS = (3.0, 10.0)
_FEWEST_DOTS = 5
_NO_MERIT = ("latency", "cost", "confidence", "judge_")


@dataclass(frozen=True, slots=True)
class Tick:
    """A round value on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with its interval; `tone` is better, worse or even; `limit` is where a gate draws the line, if it draws one."""

    label: str
    y: float
    low: float
    at: float
    high: float
    tone: str
    told: str
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Forest:
    """Differences, a line each, around the place of no difference."""

    height: float
    zero: float
    ticks: Sequence[Tick]
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both runs on a slice."""

    label: str
    under: str
    y: float
    candidate: Mark
    baseline: Mark | None


@dataclass(frozen=True, slots=True)
class Slices:
    """One metric on each slice of the cases."""

    metric: str
    height: float
    ticks: Sequence[Tick]
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Dot:
    """So many cases with these two scores."""

    x: float
    y: float
    radius: float
    tone: str
    told: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """The candidate's score of each case over the baseline's."""

    metric: str
    ticks: Sequence[Tick]
    dots: Sequence[Dot]
    cases: int


def forests(found: Json) -> list[tuple[str, Forest]]:
    """Scores by their differences; time and cost by theirs in percent of the baseline."""
    compared = [row for row in figures.ordered(figures.whole(found)) if row.get("difference") and row["difference"]["value"] is not None]
    scores = [row for row in compared if _is_score(row)]
    others = [row for row in compared if not _is_score(row) and row["baseline"] and row["baseline"]["value"]]
    drawn = (("Scores", scores, 1.0, _plain), ("Time and cost, relative to the baseline", others, 100.0, _percent))
    alpha = figures.alpha_of(found)
    return [(title, _forest(rows, alpha, unit, told)) for title, rows, unit, told in drawn if rows]


def slices(found: Json, metric: str) -> Slices | None:
    """How both runs do on each slice; None if there are no slices."""
    rows = list({row["slice"]: row for row in figures.rows(found) if row["metric"] == metric and row["candidate"]}.values())
    if len(rows) < 2:
        return None
    widest = (0.0, 1.0) if _is_score(rows[0]) else None
    ends = [value for row in rows for side in (row["candidate"], row["baseline"]) if side for value in _ends(side, 1.0)]
    scale = Scale.around(ends, LABELS, WIDTH - FIGURES, widest)
    pairs = [_pair(row, place, scale) for place, row in enumerate(rows)]
    return Slices(metric, ROW * 1.4 * len(rows) + AXIS, [Tick(at, f"{value:g}") for value, at in scale.ticks()], pairs)


def scatter(cases: Sequence[Json]) -> Scatter | None:
    """The score that tells cases apart best; None if its dots would be fewer than five, which counts tell better."""
    both = [case for case in cases if case["baseline"]]
    metric, found = max(((name, _scored(both, name)) for name in _names(both)), key=lambda one: len(one[1]), default=("", Counter()))
    if len(found) < _FEWEST_DOTS:
        return None
    scale, upright = Scale(0.0, 1.0, EDGE, SQUARE), Scale(0.0, 1.0, SQUARE - EDGE, 0.0)
    most = max(found.values())
    dots = [_dot(x, y, count, most, (scale, upright)) for (x, y), count in sorted(found.items(), key=lambda item: -item[1])]
    return Scatter(metric, [Tick(at, f"{value:g}") for value, at in scale.ticks()], dots, sum(found.values()))


def agreement(cases: Sequence[Json]) -> dict[str, int] | None:
    """How many cases both, one or none got right; None unless every score is 0 or 1."""
    pairs = [(case["baseline"]["score"], case["candidate"]["score"]) for case in cases if case["baseline"]]
    scored = Counter(pair for pair in pairs if None not in pair)
    if not scored or any(score not in (0, 1) for pair in scored for score in pair):
        return None
    return {"both": scored[1, 1], "fixed": scored[0, 1], "broken": scored[1, 0], "neither": scored[0, 0]}


def _forest(rows: Sequence[Json], alpha: float, unit: float, told: Callable[[float], str]) -> Forest:
    factors = [_improvement(row, unit) for row in rows]
    ends = [end for row, factor in zip(rows, factors, strict=True) for end in (*_ends(row["difference"], factor), *_limits(row, factor))]
    scale = Scale.around(ends, LABELS, WIDTH - FIGURES)
    tones = [figures.moved(row, alpha) or "even" for row in rows]
    marks = [_difference(rows[place], factor, tones[place], ROW * (place + 0.5), scale) for place, factor in enumerate(factors)]
    return Forest(ROW * len(rows) + AXIS, scale.at(0.0), [Tick(at, told(value)) for value, at in scale.ticks()], marks)


def _difference(row: Json, factor: float, tone: str, y: float, scale: Scale) -> Mark:
    low, value, high = sorted(_ends(row["difference"], factor))
    limit = next(_limits(row, factor), None)
    told = figures.difference(row["metric"], row["difference"])
    at = None if limit is None else scale.at(limit)
    return Mark(row["metric"], y, scale.at(low), scale.at(value), scale.at(high), tone, told, at)


def _pair(row: Json, place: int, scale: Scale) -> Pair:
    y = ROW * 1.4 * (place + 0.5)
    candidate = _side(row, "candidate", y - 5, scale)
    baseline = _side(row, "baseline", y + 5, scale) if row["baseline"] and row["baseline"]["value"] is not None else None
    return Pair(row["slice"], f"n = {row['n']}", y, candidate, baseline)


def _side(row: Json, name: str, y: float, scale: Scale) -> Mark:
    low, value, high = _ends(row[name], 1.0)
    told = figures.interval(row["metric"], row[name])
    return Mark(name, y, scale.at(low), scale.at(value), scale.at(high), name, told)


def _dot(x: float, y: float, count: int, most: int, scales: tuple[Scale, Scale]) -> Dot:
    tone = "better" if y > x else "worse" if y < x else "even"
    least, greatest = _RADIUS
    radius = round(least + (greatest - least) * (count / most) ** 0.5, 1)
    return Dot(scales[0].at(x), scales[1].at(y), radius, tone, f"{count} × baseline {x:.2f}, candidate {y:.2f}")


def _ends(side: Json, factor: float) -> tuple[float, float, float]:
    value = side["value"] or 0.0
    ends = (value if side.get(name) is None else side[name] for name in ("low", "high"))
    low, high = (end * factor for end in ends)
    return low, value * factor, high


def _limits(row: Json, factor: float) -> Iterator[float]:
    """Where the gate's line is among the differences: a loss that is borne is to the left of nothing."""
    if row.get("rule") in ("no_worse", "better"):
        margin = abs(factor) * (row.get("margin") or 0.0)
        yield -margin if row["rule"] == "no_worse" else margin


def _improvement(row: Json, unit: float) -> float:
    """By what a difference is multiplied, so that more is better."""
    size = 1.0 if _is_score(row) else unit / abs(row["baseline"]["value"])
    return size if row["higher_is_better"] else -size


def _is_score(row: Json) -> bool:
    return not row["metric"].startswith(("latency", "cost"))


def _names(cases: Sequence[Json]) -> list[str]:
    names = {name: None for case in cases for name in case["candidate"]["scores"]}
    return [name for name in names if not name.startswith(_NO_MERIT)]


def _scored(cases: Sequence[Json], name: str) -> "Counter[tuple[float, float]]":
    values = (
        (case["baseline"]["scores"].get(name, {}).get("value"), case["candidate"]["scores"].get(name, {}).get("value")) for case in cases
    )
    return Counter((round(x, 2), round(y, 2)) for x, y in values if x is not None and y is not None)


def _plain(value: float) -> str:
    return f"{'+' if value > 1e-9 else ''}{round(value, 6) + 0.0:g}".replace("-", figures.MINUS)


def _percent(value: float) -> str:
    return f"{_plain(value)} %"
