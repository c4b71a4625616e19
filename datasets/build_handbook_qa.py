"""Makes `handbook_qa/cases.jsonl` from `source/handbook_qa.yaml`: every quote gets its place in the text that parsing gives.

    python datasets/build_handbook_qa.py           # write it
    python datasets/build_handbook_qa.py --check   # exit 1 if it is not what this script writes

A quote that does not stand exactly once in its document, or not in its section, is told and nothing is written.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contracts.media_types import media_type_of
from kit.datasets.case import Case, Gold
from services.ingest.parse import parse

HERE = Path(__file__).parent
HANDBOOK, SOURCE, TARGET = HERE / "handbook", HERE / "source" / "handbook_qa.yaml", HERE / "handbook_qa" / "cases.jsonl"
NO_DOCUMENT = "none"


class MisquotedError(Exception):
    """A quote or a section is not where the source says."""


@dataclass(frozen=True, slots=True)
class Section:
    """A document's part that questions are about, and where it begins."""

    document: str
    title: str
    start: int

    @property
    def cluster(self) -> str:
        """Questions about one section are not independent."""
        return f"{self.document}: {self.title}"


@cache
def text_of(document: str) -> str:
    """What citations of a document are offsets into."""
    return parse((HANDBOOK / document).read_bytes(), str(media_type_of(document))).text


def read(source: Path) -> list[Case]:
    """All cases in the source's order. Raises MisquotedError."""
    documents = yaml.safe_load(source.read_text(encoding="utf-8"))
    return [case for document, sections in documents.items() for case in _cases(document, sections)]


def _cases(document: str, written: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Case]:
    sections = [_section(document, title) for title in written]
    for section, cases in zip(sections, written.values(), strict=True):
        for case in cases:
            made = _case(section, case)
            if made.answerable and _around(sections, made.gold[0]) != section:
                raise MisquotedError(f"{made.id}: its quote does not stand in the section {section.title!r} of {document}")
            yield made


def _section(document: str, title: str) -> Section:
    """A heading is a line of its own; the glossary's are bold and begin one."""
    return Section(document, title, _only(rf"(?m)^[#* ]*{re.escape(title)}(?=$|\.\*\*)", document, title).start())


def _around(sections: Sequence[Section], gold: Gold) -> Section:
    return max((section for section in sections if section.start <= (gold.start or 0)), key=lambda section: section.start)


def _case(section: Section, written: Mapping[str, Any]) -> Case:
    places = [(section.document, written["quote"]), *written.get("also", {}).items()] if "quote" in written else []
    told = {name: written[name] for name in ("style", "asks", "lacks") if name in written}
    return Case(
        id=written["id"],
        question=written["question"],
        answers=tuple(written.get("answers", ())),
        answerable=bool(places),
        gold=tuple(_gold(document, quote) for document, quote in places),
        metadata={"kind": _kind(places), "document": section.document if places else NO_DOCUMENT} | told,
        cluster=section.cluster,
    )


def _kind(places: Sequence[object]) -> str:
    return ("unanswerable", "single", "multi-hop")[len(places)]


def _gold(document: str, quote: str) -> Gold:
    found = _only(r"\s+".join(re.escape(word) for word in quote.split()), document, quote)
    return Gold(document_id=document, start=found.start(), end=found.end(), quote=found[0])


def _only(pattern: str, document: str, wanted: str) -> re.Match[str]:
    found = list(re.finditer(pattern, text_of(document)))
    if len(found) != 1:
        raise MisquotedError(f"{document}: stands {len(found)} times, not once: {wanted!r}")
    return found[0]


def written(cases: Sequence[Case]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(case.model_dump(mode="json"), ensure_ascii=False) + "\n" for case in cases)


def main(arguments: Sequence[str]) -> int:
    """Writes the file, or compares it with `--check`; 1 if it differs or a quote is wrong."""
    try:
        made = written(read(SOURCE))
    except MisquotedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if "--check" not in arguments:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(made, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != made:
        sys.stderr.write(f"{TARGET.name} is not what its source says; run python datasets/build_handbook_qa.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
