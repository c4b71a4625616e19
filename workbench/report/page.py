"""A report as one HTML page that needs nothing else: its style and its drawings are in it, and nothing is fetched."""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from workbench import figures
from workbench.evals import Json
from workbench.report import plots
from workbench.report.report import MOST_LISTED, Report

_TEMPLATE = "report.html.j2"
_SIGNS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?"}


def page(report: Report) -> str:
    """The page."""
    found = report.found
    return _environment().get_template(_TEMPLATE).render(
        report=report,
        found=found,
        verdict=found.get("verdict"),
        sign=_SIGNS.get(found.get("verdict") or "", "●"),
        forests=plots.forests(found),
        slices=plots.slices(found, report.metric),
        scatter=plots.scatter(report.drawn),
        agreement=plots.agreement(report.drawn),
        rows=figures.ordered(figures.rows(found)),
        changed_settings=_changed(found["candidate"], found["baseline"]),
        most=MOST_LISTED,
    )  # fmt: skip


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("workbench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(figures=figures, plots=plots)
    made.filters.update(words=_words, short=lambda text: str(text)[:12])
    return made


def _changed(candidate: Json | None, baseline: Json | None) -> list[tuple[str, str, str]]:
    """The settings that differ: `(name, baseline's, candidate's)`."""
    if candidate is None or baseline is None:
        return []
    new, old = _flat(candidate.get("settings") or {}), _flat(baseline.get("settings") or {})
    names = sorted(new.keys() | old.keys())
    return [(name, old.get(name, "—"), new.get(name, "—")) for name in names if new.get(name) != old.get(name)]


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": json.dumps(value, ensure_ascii=False)}
    return found


def _words(text: str | None, other: str | None) -> list[tuple[bool, str]]:
    """A text in pieces: whether each is not in the other text."""
    mine, theirs = _pieces(text or ""), _pieces(other or "")
    blocks = difflib.SequenceMatcher(None, theirs, mine, autojunk=False).get_opcodes()
    return [(kind != "equal", "".join(mine[start:end])) for kind, _, _, start, end in blocks if end > start]


def _pieces(text: str) -> Sequence[str]:
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + words[-1:]
