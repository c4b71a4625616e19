"""`columns`: any rows, with a map that says which column is what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.datasets.case import Gold
from kit.datasets.entry import Context, Entry, Row, context_of, document_id_of
from kit.datasets.mappings.mapping import listed, made_case, texts, wrong_row

METADATA = "metadata."
TARGETS = ("id", "question", "answers", "answerable", "gold", "starts", "cluster", "context", "title")

_OWN_NAMES = {"answers": ("answers", "answer")}
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no", ""}


@dataclass(frozen=True, slots=True)
class Columns:
    """`columns` says of which column each target is; a target that is not named takes the column of its own name, if nothing else does.

    Targets: `question`; `answers` (a text or a list); `gold`, ids of documents; `starts`, where each answer begins in the one document;
    `answerable`; `id`; `cluster`; `context` and `title`, a document in the row itself; `metadata.<name>`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """The columns it needs."""
        wanted = {"question": "question", **({} if {"answers", "gold"} & self.columns.keys() else {"answers": "answers"}), **self.columns}
        return ", ".join(dict.fromkeys(wanted.values()))

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        has = {target for target in TARGETS if target in self.columns or columns.intersection(self._free(target))}
        return set(self.columns.values()) <= columns and "question" in has and bool(has & {"answers", "gold"})

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        context = self._context(row)
        documents = (context.document_id,) if context else self._documents(row, number)
        answers = texts(self._value(row, "answers"))
        answerable = self._answerable(row, number)
        case = made_case(
            number,
            id=str(self._value(row, "id") or f"row-{number}"),
            question=str(self._value(row, "question") or "").strip(),
            answers=answers if answerable else (),
            answerable=answerable,
            gold=tuple(self._gold(row, documents, number)) if answerable else (),
            metadata=self._metadata(row),
            cluster=str(self._value(row, "cluster") or "") or next(iter(documents), None),
        )
        yield Entry(case, (context,) if context else ())

    def _value(self, row: Row, target: str) -> Any:
        """What the row says of a target."""
        if target in self.columns:
            return row.get(self.columns[target])
        return next((row[name] for name in self._free(target) if row.get(name) is not None), None)

    def _free(self, target: str) -> list[str]:
        """The columns of a target's own name that nothing else takes."""
        return [name for name in _OWN_NAMES.get(target, (target,)) if name not in self.columns.values()]

    def _context(self, row: Row) -> Context | None:
        text = self._value(row, "context")
        return context_of("context", str(self._value(row, "title") or ""), str(text)) if text else None

    def _documents(self, row: Row, number: int) -> tuple[str, ...]:
        gold = self._value(row, "gold")
        if any(isinstance(each, dict) for each in listed(gold)):
            raise wrong_row(number, "has objects as gold; give ids of documents, or rows of the mapping native")
        return tuple(document_id_of(name) for name in texts(gold))

    def _metadata(self, row: Row) -> dict[str, str]:
        named = {target.removeprefix(METADATA): row.get(column) for target, column in self.columns.items() if target.startswith(METADATA)}
        return {name: str(value) for name, value in named.items() if value is not None}

    def _answerable(self, row: Row, number: int) -> bool:
        said = self._value(row, "answerable")
        if said is None or isinstance(said, bool):
            return said is not False
        word = str(said).strip().lower()
        if word not in _YES | _NO:
            raise wrong_row(number, f"says {said!r} where it should say whether the question is answerable; write true or false")
        return word in _YES

    def _gold(self, row: Row, documents: tuple[str, ...], number: int) -> Iterator[Gold]:
        answers, starts = listed(self._value(row, "answers")), listed(self._value(row, "starts"))
        if not starts:
            yield from (Gold(document_id=each) for each in documents)
            return
        if len(documents) != 1 or len(starts) != len(answers):
            told = f"has {len(starts)} starts, {len(answers)} answers and {len(documents)} documents"
            raise wrong_row(number, f"{told}; give one document, and for each answer where it begins there")
        for start, answer in dict.fromkeys(zip(starts, answers, strict=True)):
            yield _span(documents[0], start, answer, number)


def _span(document_id: str, start: Any, answer: Any, number: int) -> Gold:
    if not str(start).isdecimal():
        raise wrong_row(number, f"says {start!r} where an answer should begin; write how many characters stand before it")
    return Gold(document_id=document_id, start=int(start), end=int(start) + len(str(answer)), quote=str(answer))
