"""Answers and searches remembered in a real Valkey: never another tenant's, never of an older index, never what is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest
import redis.asyncio as redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kit.clock import FakeClock
from kit.errors import DependencyDown
from kit.fakes.llm import Line, ScriptedLLM
from kit.ports.llm import CompletionRequest
from kit.ports.vectors import Filter, Hit
from services.rag.memo import Memo
from services.rag.remembered import Recall, RememberedAnswers, RememberedSearch
from services.rag.retrieve import Question
from services.rag.stopwatch import Stopwatch
from services.rag.variants import VariantDefinition
from tests.unit.rag.main_path import PROVEN, Shown, answerer, question
from workbench.stack.servers import Servers

# As long as the cache answers at all, these tests wait for it.
PATIENT_S = 30


@dataclass
class Bench:
    """A main path with a memory; `epoch` is what the index says of itself."""

    memo: Memo
    llm: ScriptedLLM = field(default_factory=lambda: ScriptedLLM([PROVEN]))
    versions: Shown = field(default_factory=Shown)
    epoch: int = 1

    async def open(self) -> None:
        """Puts it together."""
        answering = await answerer(self.llm, self.versions)
        recall = Recall(self.memo, self.versions, self._epoch)
        self.answers = RememberedAnswers(answering, recall, uuid4)
        self.search = RememberedSearch(answering.retriever, recall)

    async def _epoch(self, generation: str, tenant_id: str) -> str:
        return f"{generation}:{self.epoch}"


@pytest.fixture
async def bench(servers: Servers) -> AsyncIterator[Bench]:
    """Its memory is empty."""
    async with redis.from_url(servers.redis) as client:
        await client.flushall()
        made = Bench(Memo(client, 60, 1_000_000, PATIENT_S))
        await made.open()
        yield made


async def test_an_answer_that_was_given_is_given_again(bench: Bench) -> None:
    """With an id of its own, no cost, and the word that it is remembered."""
    first, second = await bench.answers.answer(await question()), await bench.answers.answer(await question())

    assert (first.cached, second.cached) == (False, True)
    assert (second.text, second.citations) == (first.text, first.citations)
    assert [hit.chunk for hit in second.passages] == [hit.chunk for hit in first.passages]
    assert first.answer_id != second.answer_id
    assert (len(bench.llm.requests), second.completion.usage.cost_usd) == (1, 0)


@pytest.mark.parametrize("other", ["tenant", "question", "top_k", "epoch", "no-store", "gone"])
async def test_what_differs_in_anything_is_answered_anew(bench: Bench, other: str) -> None:
    """Who asks, what, how, and of which index; and a document that is gone is gone from the memory as well."""
    asked = await question()
    await bench.answers.answer(asked)
    changes = {"tenant": {"tenant_id": "acme"}, "question": {"text": "When?"}, "top_k": {"top_k": 1}, "no-store": {"cached": False}}
    bench.epoch += other == "epoch"
    bench.versions.hidden |= {"copy"} if other == "gone" else set()

    answer = await bench.answers.answer(replace(asked, **changes.get(other, {})))

    assert not answer.cached
    assert "copy" not in {hit.chunk.document_id for hit in answer.passages} or other != "gone"


async def test_those_who_ask_at_once_ask_the_model_once(bench: Bench) -> None:
    """The others wait for the first."""
    asked = await question()

    answers = await asyncio.gather(*(bench.answers.answer(asked) for _ in range(20)))

    assert sum(not answer.cached for answer in answers) == len(bench.llm.requests) == 1


async def test_an_answer_that_lacks_something_is_not_remembered(servers: Servers) -> None:
    """The next may have all of it."""
    async with redis.from_url(servers.redis) as client:
        await client.flushall()
        lacking = Bench(Memo(client, 60, 1_000_000, PATIENT_S), ScriptedLLM([DependencyDown("llm_timeout", "slow"), PROVEN]))
        await lacking.open()
        first, second = await lacking.answers.answer(await question()), await lacking.answers.answer(await question())

    assert (first.degraded, second.degraded, second.cached) == (("llm",), (), False)


async def test_without_the_cache_all_is_worked_out() -> None:
    """It costs time and no answer."""
    async with redis.Redis(port=9, socket_connect_timeout=0.1) as nobody:
        alone = Bench(Memo(nobody, 60, 1_000_000))
        await alone.open()
        asked = await question()
        answers = await asyncio.gather(*(alone.answers.answer(replace(asked, text=f"When? {n}")) for n in range(10)))

    assert [answer.cached for answer in answers] == [False] * 10


async def test_a_search_is_remembered_as_well(bench: Bench) -> None:
    """The same hits in the same order, with their places."""
    asked, watch = await question(), Stopwatch(FakeClock())
    first = await bench.search.retrieve(asked, watch)
    bench.search = replace(bench.search, retriever=None)  # type: ignore[arg-type]

    second = await bench.search.retrieve(asked, watch)

    assert [(hit.chunk, hit.score, hit.places) for hit in second] == [(hit.chunk, hit.score, hit.places) for hit in first]


STEPS = st.lists(st.sampled_from(["ask", "search", "delete", "show", "change", "move", "narrow", "widen"]), min_size=1, max_size=12)


class TellsVariants(ScriptedLLM):
    """Says by which variant it was asked: they differ in `max_tokens`."""

    def _next(self, request: CompletionRequest) -> Line:
        super()._next(request)
        return f'{request.max_tokens} it was. [1: "within 14 days"]'


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.sampled_from(["default", "acme"]), STEPS), min_size=1, max_size=4))
@example(steps=[("default", ["ask", "search", "narrow", "ask", "search"])])
@example(steps=[("default", ["ask", "move", "ask"])])
@example(steps=[("default", ["ask", "search"]), ("acme", ["ask", "search"])])
async def test_nothing_that_is_gone_is_ever_shown(servers: Servers, steps: list[tuple[str, list[str]]]) -> None:
    """Whatever is asked, deleted, indexed again, filtered, and wherever a label moves; whether or not the index has heard of it."""
    async with redis.from_url(servers.redis) as client:
        await client.flushall()
        bench = Bench(Memo(client, 60, 1_000_000, PATIENT_S), TellsVariants([PROVEN]))
        await bench.open()
        asked = await question(VariantDefinition(max_tokens=501))
        for tenant, story in steps:
            for step in story:
                asked = await _checked(bench, replace(asked, tenant_id=tenant), step)


async def _checked(bench: Bench, asked: Question, step: str) -> Question:
    """The question as it stands after the step."""
    match step:
        case "delete":
            bench.versions.hidden.add("copy")
        case "show":
            bench.versions.hidden.discard("copy")
        case "change":
            bench.epoch += 1
        case "move":
            definition = VariantDefinition(max_tokens=1003 - asked.variant.definition.max_tokens)
            return replace(asked, variant=replace(asked.variant, definition=definition))
        case "narrow" | "widen":
            return replace(asked, filter=Filter(document_ids=("copy",) if step == "narrow" else ()))
        case "search":
            _check(bench, asked, await bench.search.retrieve(asked, Stopwatch(FakeClock())))
        case _:
            answer = await bench.answers.answer(asked)
            _check(bench, asked, answer.passages)
            assert answer.abstained or answer.text.startswith(str(asked.variant.definition.max_tokens))
    return asked


def _check(bench: Bench, asked: Question, hits: Sequence[Hit]) -> None:
    documents = {hit.chunk.document_id for hit in hits}
    assert not documents & bench.versions.hidden
    assert documents <= set(asked.filter.document_ids or documents)
    assert {hit.chunk.tenant_id for hit in hits} <= {asked.tenant_id}
