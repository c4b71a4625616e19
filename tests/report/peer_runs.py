"""Other frameworks on the same data with the same embedding model, each in an interpreter that has it.

They are no dependencies of this project: `RETRIEVAL_PEERS_PYTHON` names the interpreter, and docs/retrieval.md how to make one. A module
of tests/report/peers reads the data as JSON and prints what it found.
"""

import os
import sys
from collections.abc import Iterable

from services.evaluator.metrics.spans import Span
from tests.bench.raw import run_module
from tests.bench.report import MeasurementFailed
from tests.report.run import Run
from tests.report.sets import DataSet

PYTHON = "RETRIEVAL_PEERS_PYTHON"
PEERS = ("haystack_memory", "llamaindex_memory")
NOT_INSTALLED = "not_installed"
IN_PROCESS = "in process, without the embedding"
_QUIET = {"HAYSTACK_TELEMETRY_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


async def run_peer(name: str, data: DataSet) -> list[Run]:
    """Its runs. Raises MeasurementFailed if it is not installed, or with the end of what it said."""
    given = {
        "texts": [{"document_id": text.document_id, "title": text.title, "text": text.text} for text in data.texts],
        "questions": [question.text for question in data.questions],
        "depth": data.depth,
    }
    told = await run_module(os.environ.get(PYTHON, sys.executable), f"tests.report.peers.{name}", given=given, env=_QUIET)
    if NOT_INSTALLED in told:
        raise MeasurementFailed(f"{told[NOT_INSTALLED]} is not installed; see {PYTHON} in docs/retrieval.md")
    chunks = _spans(told["chunks"])
    return [Run(run["name"], IN_PROCESS, [_spans(found) for found in run["found"]], run["ms"], chunks) for run in told["runs"]]


def _spans(told: Iterable[tuple[str, int, int]]) -> list[Span]:
    return [Span(*each) for each in told]
