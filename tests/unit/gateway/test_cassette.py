"""Completions are recorded and said again, found by what was asked and not by who asked."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kit.errors import Permanent
from kit.fakes.llm import ScriptedLLM
from kit.gateway.cassette import Cassette, Entry, request_key
from kit.gateway.recording import Recording, Replaying
from kit.ports.llm import Caller, Completion, CompletionRequest, FinishReason, Grounding, Message, ModelRef, Role, TokenUsage
from tests.unit.gateway.asking import ask, said

COMPLETION = Completion("Yes.", "openai", "big", TokenUsage(3, 1, 0.25), FinishReason.STOP, "id-1", parsed={"a": [1, None]})


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    """A new one."""
    made = Cassette(tmp_path / "made" / "calls.jsonl")
    made.prepare()
    return made


def recording(cassette: Cassette, *lines: str) -> Recording:
    """Records what a script says."""
    return Recording(ScriptedLLM(lines), cassette)


def replaying(cassette: Cassette) -> Replaying:
    """Replays what is recorded by now."""
    return Replaying(ScriptedLLM(["not asked"]), cassette.read(), str(cassette.path))


async def test_a_recorded_completion_is_said_again_for_nothing(cassette: Cassette) -> None:
    """The same in all else."""
    cassette.append(Entry(request_key(ask()), "", ("Yes.",), COMPLETION))

    again = await replaying(cassette).complete(ask())

    assert again == replace(COMPLETION, replayed=True, usage=TokenUsage(3, 1, 0.0))


async def test_everything_about_a_completion_is_kept(cassette: Cassette) -> None:
    """What was parsed, too."""
    cassette.append(Entry("k", "What", ("Ye", "s."), COMPLETION))

    assert cassette.read() == {"k": Entry("k", "What", ("Ye", "s."), COMPLETION)}


async def test_a_stream_comes_again_in_the_same_pieces(cassette: Cassette) -> None:
    """And may be asked for whole."""
    await said(recording(cassette, "All is well."), ask())

    assert await said(replaying(cassette), ask()) == ["All ", "is ", "well."]
    assert (await replaying(cassette).complete(ask())).text == "All is well."


async def test_a_completion_may_be_replayed_as_a_stream(cassette: Cassette) -> None:
    """In one piece."""
    await recording(cassette, "All is well.").complete(ask())

    assert await said(replaying(cassette), ask()) == ["All is well."]


async def test_a_stream_that_was_not_read_to_its_end_is_not_recorded(cassette: Cassette) -> None:
    """There is no completion."""
    stream = recording(cassette, "All is well.").stream(ask())
    await anext(stream)
    await stream.aclose()

    assert cassette.read() == {}


async def test_a_missing_entry_is_an_error_that_names_the_request_and_the_file(cassette: Cassette) -> None:
    """Whole or streamed; nobody is asked instead."""
    for call in (replaying(cassette).complete(ask("What is lost?")), said(replaying(cassette), ask("What is lost?"))):
        with pytest.raises(Permanent) as told:
            await call

        assert told.value.code == "cassette_miss"
        for named in ("What is lost?", request_key(ask("What is lost?")), str(cassette.path)):
            assert named in told.value.message


async def test_of_two_recordings_the_later_counts(cassette: Cassette) -> None:
    """To record again is to replace."""
    client = recording(cassette, "Old.", "New.")
    await client.complete(ask())
    await client.complete(ask())

    assert (await replaying(cassette).complete(ask())).text == "New."


CHANGES: list[dict[str, Any]] = [
    {"messages": (Message(Role.SYSTEM, "What now?"),)},
    {"grounding": Grounding("What now?", ("This.",))},
    {"grounding": Grounding("What now?", ("This.",), 0.8)},
    {"max_tokens": 7},
    {"temperature": 1.0},
    {"temperature": None},
    {"stop": ("x",)},
    {"seed": 1},
    {"response_schema": {"type": "object"}},
    {"models": (ModelRef("openai", "big"),)},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_another_request_has_another_key(change: dict[str, Any]) -> None:
    """Whatever may change the answer counts."""
    assert request_key(replace(ask(), **change)) != request_key(ask())


def test_every_field_of_a_request_counts_but_the_caller() -> None:
    """A field that is added must be thought of here."""
    changed = {name for change in CHANGES for name in change}

    assert changed | {"caller"} == set(CompletionRequest.__dataclass_fields__)


def test_equal_requests_have_equal_keys() -> None:
    """Whoever asks, and however the schema is written down."""
    plain = ask(response_schema={"type": "object", "required": ["a"]})
    other = ask(response_schema=MappingProxyType({"required": ["a"], "type": "object"}), caller=Caller("r-1", "another"))

    assert request_key(plain) == request_key(other)


def test_keys_stay_as_they_are() -> None:
    """Or recordings are lost: these were computed when the format was made."""
    grounded = ask(grounding=Grounding("What now?", ("This.",)), models=(ModelRef("openai", "big"),))

    assert request_key(ask(max_tokens=7)) == "dee2002e9b9af6181505aa4fb075adeea55b802ca6f8828e6f0e160f169be621"
    assert request_key(grounded) == "8f95694de99a22758eedb29f20de80ece3a28cf151394c2f79e49d02f2b530d4"


async def test_many_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Each with a file handle of its own, in threads, with lines longer than any buffer."""
    path, texts = tmp_path / "calls.jsonl", ["x" * 30_000, "y" * 70_000]

    def write(writer: int) -> None:
        for number in range(25):
            Cassette(path).append(Entry(f"{writer}-{number}", "", (texts[number % 2],), COMPLETION))

    await asyncio.gather(*(asyncio.to_thread(write, writer) for writer in range(4)))

    assert len(Cassette(path).read()) == 100


async def test_a_line_that_a_crash_cut_off_costs_only_itself(cassette: Cassette) -> None:
    """What is recorded after it is not glued to it."""
    await recording(cassette, "Yes.").complete(ask("one"))
    with cassette.path.open("ab") as file:
        file.write(b'{"key": "tor')
    cassette.prepare()
    await recording(cassette, "No.").complete(ask("two"))

    assert [(await replaying(cassette).complete(ask(text))).text for text in ("one", "two")] == ["Yes.", "No."]


def test_a_cassette_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(Permanent, match=r"lost\.jsonl.* record it first") as told:
        Cassette(tmp_path / "lost.jsonl").read()

    assert told.value.code == "cassette_missing"


def test_a_cassette_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Here its folder is a file."""
    (tmp_path / "file").touch()

    with pytest.raises(Permanent, match="cannot be written") as told:
        Cassette(tmp_path / "file" / "calls.jsonl").prepare()

    assert told.value.code == "cassette_unwritable"
