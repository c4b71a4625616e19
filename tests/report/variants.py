"""The product's own ways of retrieval: every one that a variant can name, registered over HTTP and asked over HTTP."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import httpx

from services.evaluator.metrics.spans import Span
from services.rag.variants import VariantDefinition
from tests.bench.load import run_load
from tests.bench.report import MeasurementFailed
from tests.report.run import Run
from tests.report.sets import Question

DEFAULT, DENSE, SPARSE = "default", "dense", "sparse"
WEIGHTS = (0.3, 0.4, 0.5, 0.6)
OVER_HTTP = "HTTP"
Definition = dict[str, Any]

# Nothing after the lists.
_BARE: Definition = {
    "fusion": "dbsf",
    "fusion_weight": None,
    "reranker": "none",
    "multi_query": False,
    "likeness": None,
    "diversity": None,
    "neighbours": 0,
}
# A reranker may run out of time on texts that it reads for the first time.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Registered:
    """Variants that can be asked, by the name of their row, and why others cannot."""

    references: Mapping[str, str | None]
    refused: Mapping[str, str]


def wanted() -> dict[str, Definition]:
    """What differs from the default, by name: single lists and each fusion of both, as they come; each reranker, several queries."""
    single = {name: _BARE | {"retriever": name} for name in (DENSE, SPARSE)}
    return {**single, **dict(_fusions()), **dict(_stages())}


def _fusions() -> Iterator[tuple[str, Definition]]:
    for fusion in _choices("fusion"):
        hybrid = _BARE | {"retriever": "hybrid", "fusion": fusion}
        if fusion != "convex":
            yield f"hybrid-{fusion}", hybrid
            continue
        for weight in WEIGHTS:
            yield f"hybrid-{fusion}-{weight}", hybrid | {"fusion_weight": weight}


def _stages() -> Iterator[tuple[str, Definition]]:
    """On top of the default's retriever and fusion."""
    for reranker in _choices("reranker"):
        if reranker != "none":
            yield f"rerank-{reranker}", {"reranker": reranker}
    if "multi_query" in VariantDefinition.model_fields:
        yield "multi-query", {"multi_query": True}


def _choices(field: str) -> list[str]:
    kind = VariantDefinition.model_fields[field].annotation
    return [str(each) for choice in (get_args(kind) or (kind,)) if choice is not type(None) for each in choice]


async def register(http: httpx.AsyncClient) -> Registered:
    """Registers all that are wanted; what the service refuses is told in its own words."""
    references: dict[str, str | None] = {DEFAULT: None}
    refused = {}
    base = await definition_of_default(http)
    for name, differs in wanted().items():
        response = await http.post("/variants", json={"name": name, "message": "to be measured", "definition": base | differs})
        if response.is_success:
            references[name] = f"{name}@{response.json()['version']}"
        else:
            refused[name] = str(response.json().get("detail", response.text))
    return Registered(references, refused)


async def definition_of_default(http: httpx.AsyncClient) -> dict[str, Any]:
    """What the default variant says."""
    latest = (await http.get(f"/variants/{DEFAULT}")).json()["versions"][0]["version"]
    definition: dict[str, Any] = (await http.get(f"/variants/{DEFAULT}/versions/{latest}")).json()["definition"]
    return definition


async def ask(
    http: httpx.AsyncClient, name: str, reference: str | None, questions: Sequence[Question], depth: int, chunks: Sequence[Span]
) -> Run:
    """Puts every question to a variant, one at a time; nothing but vectors may be remembered.

    An answer by a fallback is asked for again; its time stays that of the first try. Raises MeasurementFailed if one fails, or if it is
    a fallback that answers every time.
    """
    named = {"variant": reference} if reference else {}
    bodies = [{"query": question.text, "top_k": depth} | named for question in questions]
    answers = (await run_load(http, "/search", bodies, 1)).answers
    told = [answer.body for answer in answers]
    for _ in range(_TRIES - 1):
        for at in _degraded(told):
            told[at] = (await run_load(http, "/search", [bodies[at]], 1)).answers[0].body
    if left := _degraded(told):
        raise MeasurementFailed(f"{len(left)} of {len(bodies)} were answered in another way: {told[left[0]]['degraded']}")
    return Run(name, OVER_HTTP, [[_span(hit) for hit in body["hits"]] for body in told], [answer.wall_ms for answer in answers], chunks)


def _degraded(told: Sequence[Mapping[str, Any]]) -> list[int]:
    return [at for at, body in enumerate(told) if body.get("degraded")]


def _span(hit: Mapping[str, Any]) -> Span:
    return Span(hit["document_id"], hit["start"], hit["end"])
