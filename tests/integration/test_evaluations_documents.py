"""Evaluations on documents that searches cannot find: they are refused, or end as failed, and earn nothing."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kit.datasets.load import HUB
from services.evaluator.documents import require_documents
from tests.bench.evaluator import cases_of
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import Evaluator, Options, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag

ALL_THERE = {"gold": 12, "missing": 0, "examples": []}
NEARLY_EMPTY = {"gold": 12, "missing": 11, "examples": ["doc-1", "doc-2"]}


@dataclass(frozen=True)
class Library(ScriptedRag):
    """What it says of a dataset's documents is `told`, one after another; the last for ever. `looked` is what was asked for."""

    told: list[Any] = field(default_factory=list)
    looked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """GET /datasets/{name}."""
        address = urlsplit(path)
        self.looked.append((f"{method} {address.path}", parse_qs(address.query)))
        return {"documents": self.told.pop(0) if len(self.told) > 1 else self.told[0]}


async def opened(open_effects: OpenEffects, *told: Any) -> tuple[Evaluator, Library]:
    """An evaluator over such a rag, with a dataset of 12 cases in three shards."""
    library = Library(told=list(told))
    evaluator = await open_evaluator(open_effects, library, Options(shard_cases=4))
    await evaluator.prepare("twelve", cases_of(12))
    return evaluator, library


async def test_an_evaluation_on_a_nearly_empty_index_is_refused(open_effects: OpenEffects) -> None:
    """It says how many are missing, names one and what to do; nothing is asked."""
    evaluator, library = await opened(open_effects, NEARLY_EMPTY)

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["error_code"], seen["total"]) == ("failed", "dataset_documents_missing", 0)
    assert all(part in seen["error_message"] for part in ("11 of the 12", "twelve", "doc-1", "`workbench datasets prepare`", "g1"))
    assert library.asked.questions == []


async def test_the_baseline_that_is_to_be_asked_must_find_them_too(open_effects: OpenEffects) -> None:
    """Its index generation may be another."""
    evaluator, _ = await opened(open_effects, ALL_THERE, NEARLY_EMPTY)

    seen = await evaluator.evaluated(dataset="twelve", baseline="a")

    assert (seen["status"], seen["error_code"]) == ("failed", "dataset_documents_missing")


async def test_they_are_looked_for_in_the_generation_that_is_asked_and_again_at_the_end(open_effects: OpenEffects) -> None:
    """Of the content that is evaluated, whatever the name stands for by then; at the end for whoever searches now."""
    evaluator, library = await opened(open_effects, ALL_THERE)

    seen = await evaluator.evaluated(dataset="twelve")

    first, *later = library.looked
    content = {"fingerprint": [seen["fingerprint"]]}
    assert seen["status"] == "completed"
    assert first == ("GET /datasets/twelve", content | {"generation": ["g1"]})
    assert later == [("GET /datasets/twelve", content)] * 3


async def test_documents_that_are_deleted_meanwhile_end_it_as_failed(open_effects: OpenEffects) -> None:
    """What was measured is kept, and no verdict comes of it."""
    evaluator, _ = await opened(open_effects, ALL_THERE, ALL_THERE, NEARLY_EMPTY)

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["error_code"], seen["verdict"]) == ("failed", "dataset_documents_missing", None)
    assert seen["done"] == 8


async def test_runs_that_there_are_already_are_compared_though_documents_went(open_effects: OpenEffects) -> None:
    """Both were measured when they were there."""
    evaluator, library = await opened(open_effects, ALL_THERE)
    runs = [(await evaluator.evaluated(dataset="twelve", candidate=name))["candidate_run"] for name in ("a", "b")]
    library.told[:] = [NEARLY_EMPTY]

    seen = await evaluator.evaluated(dataset="twelve", candidate="b", candidate_run=runs[1], baseline_run=runs[0])

    assert seen["status"] == "completed"


@pytest.mark.parametrize(("dataset", "told"), [(f"{HUB}squad", NEARLY_EMPTY), ("old", None)], ids=["of the hub", "not known"])
async def test_where_rag_does_not_know_them_nothing_is_required(dataset: str, told: Any) -> None:
    """The hub's sets are not registered there, and a rag of yesterday says nothing."""
    await require_documents(Library(told=[told]), dataset, "f" * 64, "g1")
