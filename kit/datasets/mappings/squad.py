"""SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018): questions about a paragraph, answers with where they stand in it.

Rows are flat as on the hub, or articles with `paragraphs` as in the original files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kit.datasets.case import Gold
from kit.datasets.entry import Context, Entry, Row, context_of
from kit.datasets.mappings.mapping import made_case, wrong_row

_FLAT = frozenset({"id", "question", "context", "answers"})
_NESTED = frozenset({"title", "paragraphs"})


@dataclass(frozen=True, slots=True)
class Squad:
    """`unanswerable`: as in version 2, a question without an answer has none in its paragraph; otherwise its gold is missing."""

    unanswerable: bool

    @property
    def expected(self) -> str:
        """The columns it needs."""
        return "id, question, context, and answers with text and answer_start; or title and paragraphs, as in the original files"

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        return columns >= _NESTED or (columns >= _FLAT and isinstance(row["answers"], dict | list))

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        title = str(row.get("title") or "")
        if "paragraphs" not in row:
            yield self._entry(row, context_of("squad", title, str(row["context"])), number)
            return
        for paragraph in row["paragraphs"]:
            context = context_of("squad", title, str(paragraph["context"]))
            for question in paragraph["qas"]:
                yield self._entry(question, context, number)

    def _entry(self, row: Row, context: Context, number: int) -> Entry:
        spans = _spans(row.get("answers"), number)
        answerable = not self.unanswerable or bool(spans)
        case = made_case(
            number,
            id=str(row["id"]),
            question=str(row["question"]).strip(),
            answers=tuple(dict.fromkeys(text for text, _ in spans)),
            answerable=answerable,
            gold=tuple(_gold(context.document_id, text, start) for text, start in dict.fromkeys(spans)),
            metadata={"title": context.title} if context.title else {},
            cluster=context.document_id,
        )
        return Entry(case, (context,))


def _spans(answers: Any, number: int) -> Sequence[tuple[str, int]]:
    """The answers with where they begin: columns on the hub, objects in the original files."""
    if isinstance(answers, dict):
        texts, starts = answers.get("text") or (), answers.get("answer_start") or ()
    else:
        texts, starts = [each.get("text") for each in answers or ()], [each.get("answer_start") for each in answers or ()]
    if len(texts) != len(starts) or not all(isinstance(start, int) for start in starts):
        raise wrong_row(number, "has an answer without an answer_start; give one for each text")
    return [(str(text), start) for text, start in zip(texts, starts, strict=True) if str(text).strip()]


def _gold(document_id: str, text: str, start: int) -> Gold:
    return Gold(document_id=document_id, start=start, end=start + len(text), quote=text)
