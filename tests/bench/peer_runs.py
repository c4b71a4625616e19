"""Other evaluators over the same cases and the same server, each in an interpreter that has it.

They are no dependencies of this project: `EVALUATION_PEERS_PYTHON` names an interpreter that has `inspect-ai` and `deepeval`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.datasets.case import Case
from tests.bench.rag_server import CHAT, when_asked
from tests.bench.raw import run_module
from tests.bench.report import MeasurementFailed

PYTHON = "EVALUATION_PEERS_PYTHON"
# What each does with a case, which takes one request to the server.
PEERS = {
    "inspect_exact": "asks for the answer and holds it against the accepted one by `exact`; a log of all in a file",
    "deepeval_judged": "is given the answer and asks for a judgement of it by GEval; nothing is kept",
}
_QUIET = {"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "DEEPEVAL_UPDATE_WARNING_OPT_IN": "NO", "DEEPEVAL_FILE_SYSTEM": "READ_ONLY"}


@dataclass(frozen=True, slots=True)
class PeerRun:
    """Seconds from the first request to the end of the last case, and of the whole call."""

    package: str
    does: str
    seconds: float
    whole_s: float


async def run_peer(python: str, name: str, url: str, concurrency: int, cases: Sequence[Case], warm_up: Sequence[Case]) -> PeerRun:
    """Raises MeasurementFailed if it is not installed, scores less than all cases, or ends with what it said."""
    given = {"url": f"{url}/{name}", "concurrency": concurrency, "cases": _pairs(cases), "warm_up": _pairs(warm_up)}
    told = await run_module(python, f"tests.bench.peers.{name}", given=given, env=_QUIET)
    if "not_installed" in told:
        raise MeasurementFailed(f"{PYTHON}={python} has no {told['not_installed']}")
    asked = await when_asked(url, f"/{name}{CHAT}")
    if not len(told["scores"]) == len(asked) == len(cases):
        raise MeasurementFailed(f"{name} scored {len(told['scores'])} of {len(cases)} cases by {len(asked)} requests")
    return PeerRun(told["package"], PEERS[name], told["ended"] - asked[0], told["seconds"])


def _pairs(cases: Sequence[Case]) -> list[tuple[str, str]]:
    return [(case.question, case.answers[0]) for case in cases]
