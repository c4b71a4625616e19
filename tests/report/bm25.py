"""BM25 as `bm25s` has it, over the same chunks: the yardstick that needs no model."""

import time
from collections.abc import Sequence

import bm25s
import Stemmer

from tests.report.ingested import Chunk
from tests.report.run import Run
from tests.report.sets import Question

BM25 = "BM25 (bm25s)"
IN_PROCESS = "in process"


def run_bm25(chunks: Sequence[Chunk], questions: Sequence[Question], depth: int) -> Run:
    """With its own defaults (Lucene's formula, k1 1.5, b 0.75); English stop words left out, Snowball stems, as our sparse vectors."""
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(_tokens([chunk.text for chunk in chunks], stemmer), show_progress=False)
    spans, found, ms = [chunk.span for chunk in chunks], [], []
    for question in questions:
        began = time.perf_counter()
        places, scores = index.retrieve(_tokens([question.text], stemmer), k=min(depth, len(chunks)), show_progress=False)
        ms.append((time.perf_counter() - began) * 1000)
        found.append([spans[at] for at, score in zip(places[0], scores[0], strict=True) if score > 0])
    return Run(BM25, IN_PROCESS, found, ms, spans)


def _tokens(texts: list[str], stemmer: Stemmer.Stemmer) -> bm25s.tokenization.Tokenized:
    return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
