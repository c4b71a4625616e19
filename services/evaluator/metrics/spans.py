"""Precision, recall and intersection over union of retrieved spans: how much of the wanted text came, and how much else came with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """`[start, end)` of a document, in characters or tokens."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Each from 0 to 1."""

    precision: float
    recall: float
    iou: float


def span_scores(retrieved: Sequence[Span], relevant: Sequence[Span]) -> SpanScores:
    """Compares t_e, what the relevant spans cover, each place once, with t_r, what was retrieved, a place as often as it was.

    precision = |t_e ∩ t_r| / |t_r|, recall = |t_e ∩ t_r| / |t_e|, IoU = |t_e ∩ t_r| / (|t_e| + |t_r| - |t_e ∩ t_r|), where the
    intersection has each place once. So text that overlapping chunks bring twice costs precision. Nothing retrieved scores 0.
    Source: Smith and Troynikov (2024), Evaluating Chunking Strategies for Retrieval, Chroma; their code counts characters.
    Raises ValueError if no text is relevant.
    """
    wanted = _merged(relevant)
    t_e, t_r = _length(wanted), _length(retrieved)
    if not t_e:
        raise ValueError("no text is relevant: leave the question out, a score of it would mean nothing")
    both = sum(shared(one, other) for one in wanted for other in _merged(retrieved))
    return SpanScores(both / t_r if t_r else 0.0, both / t_e, both / (t_e + t_r - both))


def shared(one: Span, other: Span) -> int:
    """The length of what two spans have in common."""
    if one.document_id != other.document_id:
        return 0
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _length(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in spans)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same places, each in one span."""
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        if last and last.document_id == span.document_id and span.start <= last.end:
            merged[-1] = last._replace(end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged
