"""Retrieval before and after: `python -m tests.report.versions --data FOLDER`; the product's own evaluations judge it."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from kit.clock import SystemClock
from kit.datasets.case import Case, Gold
from tests.bench.report import MeasurementFailed, machine, tell_machine
from tests.bench.stack import running_stack
from tests.bench.workspace import Workspace
from tests.report.document import today, write_section
from tests.report.ingested import ingest
from tests.report.session import make_console, parsed, parser, run, workspace
from tests.report.sets import SQUAD, DataSet, Question, read_set
from workbench.client import Client, connected
from workbench.errors import INTERRUPTED
from workbench.evals import Evals, Json, followed
from workbench.report.markdown import markdown
from workbench.report.report import gathered

COMMAND = "make versions-report DATA=FOLDER"
GATE = "retrieval"
SETS = (SQUAD, "docs-qa")
VERSIONS: dict[str, Json] = {
    "v1": {"retriever": "dense", "top_k": 10},
    "v2": {"retriever": "hybrid", "fusion": "dbsf", "reranker": "maxsim", "top_k": 10},
    "v2-without-reranker": {"retriever": "hybrid", "fusion": "dbsf", "top_k": 10},
}
# Which is judged against which, and what was expected of it.
QUESTIONS = (
    ("v2", "v1", "Hybrid retrieval with a MaxSim reranker finds more than dense vectors alone."),
    ("v2-without-reranker", "v1", "Hybrid retrieval finds more than dense vectors alone, without a reranker too."),
    ("v2", "v2-without-reranker", "The reranker is what makes it better."),
)
_TOLD_EVERY = 200


def main(arguments: Sequence[str]) -> int:
    """The whole report."""
    options, console = parsed(parser("versions", __doc__), arguments), make_console()
    facts = machine()
    tell_machine(console, facts)
    with workspace(console) as place:
        sections = asyncio.run(_judge_all(options, place))
    for section in sections:
        console.print(section, markup=False)
    if options.markdown:
        write_section(options.markdown, "versions", today(COMMAND, facts, options.questions), sections)
    return 0


async def _judge_all(options: Namespace, place: Workspace) -> list[str]:
    return [section for name in SETS for section in await _judge(read_set(options.data, name).sample(options.questions), place)]


async def _judge(data: DataSet, place: Workspace) -> list[str]:
    place.tell(f"{data.name}: ingesting {len(data.texts)} documents")
    async with running_stack(place.new_folder(data.name)) as stack:
        await ingest(stack, data.texts)
        async with connected(stack.addresses["http"]) as client:
            lines = "".join(f"{case.model_dump_json()}\n" for case in _cases(data))
            await client.put_dataset(data.name, "", lines.encode())
            for name, definition in VERSIONS.items():
                await client.registry("variants").register({"name": name, "message": "to be judged", "definition": definition})
            return await _answers(client, data, place)


async def _answers(client: Client, data: DataSet, place: Workspace) -> list[str]:
    """Each version is measured once; what is judged later takes the run that there is."""
    evals, runs, sections = client.evals(), dict[str, str](), list[str]()
    for candidate, baseline, hypothesis in QUESTIONS:
        asked = {"dataset": data.name, "gate": GATE, "hypothesis": hypothesis}
        sides = _side("candidate", candidate, runs) | _side("baseline", baseline, runs)
        found = await _ended(evals, asked | sides, place)
        runs |= {candidate: found["candidate"]["run_id"], baseline: found["baseline"]["run_id"]}
        sections.append(markdown(await gathered(evals, found)))
    return sections


def _side(role: str, variant: str, runs: dict[str, str]) -> Json:
    return {f"{role}_run": runs[variant]} if variant in runs else {role: f"{variant}@1"}


async def _ended(evals: Evals, asked: Json, place: Workspace) -> Json:
    told = await evals.request(asked)
    last = 0

    def tell(found: Json) -> None:
        nonlocal last
        if (done := found["progress"]["done"]) >= last + _TOLD_EVERY:
            last = done
            place.tell(f"{asked['dataset']}: {done} of {found['progress']['total']} asked")

    found = await followed(evals, told["eval_id"], SystemClock(), tell)
    if found["status"] != "completed":
        raise MeasurementFailed(f"an evaluation ended as {found['status']}: {found['error']}")
    return found


def _cases(data: DataSet) -> Iterator[Case]:
    for number, question in enumerate((*data.questions, *data.unanswerable)):
        yield _case(f"{data.name}-{number}", question, answerable=number < len(data.questions))


def _case(name: str, question: Question, *, answerable: bool) -> Case:
    said: dict[str, Any] = {"id": name, "question": question.text, "cluster": question.topic}
    if not answerable:
        return Case(**said, answerable=False, metadata={"kind": "unanswerable"})
    gold = tuple(Gold(document_id=document) for document in sorted(question.gold))
    return Case(**said, answers=question.answers, gold=gold, metadata={"kind": "answerable"})


if __name__ == "__main__":
    run(main, INTERRUPTED)
