"""HotpotQA (Yang et al. 2018): questions whose answer takes sentences of two paragraphs.

Paragraphs and supporting facts are columns as on the hub, or pairs as in the original files.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from kit.datasets.case import Gold
from kit.datasets.entry import Context, Entry, Row, context_of
from kit.datasets.mappings.mapping import made_case, texts

_COLUMNS = frozenset({"question", "answer", "context", "supporting_facts"})
_METADATA = ("type", "level")

Paragraph = tuple[Context, Sequence[str]]


class HotpotQA:
    """A gold span for each supporting sentence; of a sentence that the set names and does not have, its paragraph."""

    expected = "id (or _id), question, answer, context and supporting_facts"

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        return columns >= _COLUMNS

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        paragraphs = {title: _paragraph(title, sentences) for title, sentences in _pairs(row["context"], "sentences")}
        facts = _pairs(row["supporting_facts"], "sent_id")
        gold = [_gold(*paragraphs[title], int(sentence)) for title, sentence in facts if title in paragraphs]
        case = made_case(
            number,
            id=str(row.get("id") or row.get("_id") or f"hotpot-{number}"),
            question=str(row["question"]).strip(),
            answers=texts(row["answer"]),
            gold=tuple(gold) if texts(row["answer"]) else (),
            metadata={name: str(row[name]) for name in _METADATA if row.get(name)},
        )
        yield Entry(case, tuple(context for context, _ in paragraphs.values()))


def _pairs(value: Any, second: str) -> Sequence[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return list(zip(value["title"], value[second], strict=True))
    return [(str(title), other) for title, other in value]


def _paragraph(title: str, sentences: Sequence[str]) -> Paragraph:
    return context_of("hotpot", title, "".join(sentences)), sentences


def _gold(context: Context, sentences: Sequence[str], number: int) -> Gold:
    if not 0 <= number < len(sentences) or not sentences[number].strip():
        return Gold(document_id=context.document_id)
    begins = [0, *accumulate(map(len, sentences))][number]
    quote = sentences[number].strip()
    start = begins + sentences[number].index(quote)
    return Gold(document_id=context.document_id, start=start, end=start + len(quote), quote=quote)
