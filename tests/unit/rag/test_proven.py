"""A streamed answer: what is not proven is not shown, and what was shown is the answer."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.queries import Citation
from kit.errors import DependencyDown
from kit.fakes.llm import Broken, Line, ScriptedLLM
from kit.ports.llm import ABSTENTION, CompletionRequest, Message, Role
from services.rag.cite import Citer
from services.rag.proven import Delta, Finished, Started, Streamed, proven
from tests.unit.rag.test_cite import Texts, passage

TRUE, FALSE = '[1: "paid within 14 days"]', '[1: "paid within 15 days"]'
DOWN = DependencyDown("llm_down", "nobody answers")


def asked(max_tokens: int = 1000) -> CompletionRequest:
    """A question."""
    return CompletionRequest((Message(Role.USER, "When?"),), max_tokens=max_tokens)


async def streamed(line: Line, max_tokens: int = 1000) -> list[Streamed]:
    """All that comes when the model says that."""
    resolver = Citer(Texts()).resolver([passage()], "default")
    return [item async for item in proven(ScriptedLLM([line]).stream(asked(max_tokens)), resolver)]


def shown(items: list[Streamed]) -> list[str]:
    """What a reader sees, piece by piece."""
    return [item.text for item in items if isinstance(item, Delta)]


async def test_text_is_shown_up_to_each_verified_citation() -> None:
    """With the citation ahead of its marker; what no citation follows comes last."""
    items = await streamed(f"One. {TRUE} Two, unproven. {FALSE} Three. {TRUE} The end.")

    started, citation, *_, finished = items
    assert shown(items) == ["One. [1]", " Two, unproven. Three. [1]", " The end."]
    assert isinstance(started, Started)
    assert isinstance(citation, Citation)
    assert isinstance(finished, Finished)
    assert finished.cited.citations == (citation,)


@pytest.mark.parametrize("draft", [ABSTENTION, "", " ", "Within a year.", f"Within a year. {FALSE}", 'So. [1: "paid within'])
async def test_nothing_of_an_answer_that_nothing_proves_is_shown(draft: str) -> None:
    """As the whole answer would be withheld."""
    items = await streamed(draft)

    finished = items[-1]
    assert isinstance(finished, Finished)
    assert (shown(items), finished.cited.text, finished.cited.citations) == ([], "", ())


@given(st.lists(st.sampled_from(["A claim.", " ", "\n\n", TRUE, FALSE, '[1: "500 euros"]', '[1: "', "[1]", "x"]), max_size=12))
def test_what_was_shown_is_the_whole_answer(parts: list[str]) -> None:
    """The deltas, joined, are what the same draft gives at once, if that has a citation."""

    async def both() -> tuple[list[Streamed], Any]:
        return await streamed("".join(parts)), await Citer(Texts()).verified("".join(parts), [passage()], "default")

    items, whole = asyncio.run(both())

    assert isinstance(items[-1], Finished)
    assert items[-1].cited.citations == whole.citations
    assert "".join(shown(items)) == items[-1].cited.text == (whole.text if whole.citations else "")


async def test_a_model_that_ran_into_its_limit_leaves_no_half_citation() -> None:
    """It ends behind `[1: "paid`."""
    items = await streamed(f"One. {TRUE} Two. {TRUE}", max_tokens=8)

    assert "".join(shown(items)) == "One. [1] Two."


async def test_who_stops_reading_ends_the_call() -> None:
    """The model is not asked for more."""
    llm = ScriptedLLM([f"One. {TRUE} " + "and so on " * 50])
    stream = proven(llm.stream(asked()), Citer(Texts()).resolver([passage()], "default"))

    await anext(stream)
    await stream.aclose()

    assert llm.abandoned == 1


async def test_an_error_ends_the_stream_behind_what_is_proven() -> None:
    """Nothing that was held back comes out."""
    stream = proven(ScriptedLLM([Broken(f"One. {TRUE} Two is not", DOWN)]).stream(asked()), Citer(Texts()).resolver([passage()], "default"))
    seen: list[Streamed] = []

    with pytest.raises(DependencyDown):
        async for item in stream:
            seen.append(item)

    assert shown(seen) == ["One. [1]"]
