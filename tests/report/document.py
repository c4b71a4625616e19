"""The Markdown that is committed: words that people wrote, and between markers what was measured."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.report.grid import Grid


def write_markdown(path: Path, section: str, facts: Mapping[str, str], grids: Sequence[Grid]) -> None:
    """Writes the section of a document anew, of tables."""
    write_section(path, section, facts, [grid.markdown() for grid in grids])


def write_section(path: Path, section: str, facts: Mapping[str, str], texts: Sequence[str]) -> None:
    """Writes the section of a document anew, between its two markers; what stands outside stays."""
    begin, end = f"<!-- {section}: generated, begin -->", f"<!-- {section}: generated, end -->"
    made = "\n".join([begin, "", *_facts(facts), "", *texts, end])
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    before, found, rest = old.partition(begin)
    after = rest.partition(end)[2] if found else ""
    separator = "" if found or not old else "\n"
    path.write_text(f"{before}{separator}{made}{after or chr(10)}", encoding="utf-8")


def today(command: str, machine: Mapping[str, str], questions: int | None = None) -> dict[str, str]:
    """The facts by which a table can be made again; `questions` were at most drawn of each set and kind."""
    asked = f"{command} QUESTIONS={questions}" if questions else command
    return {"command": f"`{asked}`", "date": datetime.now(UTC).date().isoformat(), **machine}


def _facts(facts: Mapping[str, str]) -> list[str]:
    return [f"* {name}: {fact}" for name, fact in facts.items()]
