"""The gateway as a service gets it: everything put together by the settings."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kit.clock import FakeClock
from kit.errors import Permanent
from kit.gateway.open_gateway import open_gateway
from kit.gateway.settings import GatewaySettings
from kit.ports.llm import LLMClient
from tests.unit.gateway.asking import FIRST, SECOND, Scripts, ask, failed, said


async def opened(models: Scripts, **settings: Any) -> LLMClient:
    """With nothing wrapped around a try."""
    return await open_gateway(models, GatewaySettings.model_validate(settings), FakeClock(), wrap=lambda client: client)


async def test_it_names_the_first_model_of_the_settings() -> None:
    """Though others may answer."""
    client = await opened(Scripts({FIRST: ["Yes."], SECOND: ["No."]}))

    assert (client.provider, client.model) == ("openai", "big")


async def test_retries_fallback_and_structure_work_together() -> None:
    """The first model fails three times, the second needs a repair."""
    models = Scripts({FIRST: [failed()], SECOND: ["seven", "7"]})
    client = await opened(models)

    completion = await client.complete(ask(response_schema={"type": "integer"}))

    assert (completion.parsed, completion.provider) == (7, "anthropic")
    assert len(models.clients[SECOND].requests) == 2


async def test_a_recorded_answer_is_replayed_without_any_provider(tmp_path: Path) -> None:
    """Pieces, what was parsed, and who answered; a request that was not recorded is an error."""
    file = str(tmp_path / "new" / "calls.jsonl")
    request = ask(response_schema={"type": "array"})
    recorder = await opened(Scripts({FIRST: [failed()], SECOND: ["[1, 2]"]}), cassette={"mode": "record", "path": file})
    await said(recorder, request)
    nobody = Scripts({FIRST: [failed()]})

    player = await opened(nobody, cassette={"mode": "replay", "path": file})
    completion = await player.complete(request)

    assert (completion.parsed, completion.provider, completion.replayed, nobody.made) == ([1, 2], "anthropic", True, 0)
    assert await said(player, request) == ["[1, ", "2]"]
    with pytest.raises(Permanent, match="has no completion"):
        await player.complete(ask())


async def test_who_closes_a_stream_ends_the_call_at_once(tmp_path: Path) -> None:
    """Through all steps, before anything else runs."""
    models = Scripts({FIRST: ["[1, 2, 3]"]})
    client = await opened(models, cassette={"mode": "record", "path": str(tmp_path / "calls.jsonl")})
    stream = client.stream(ask(response_schema={"type": "array"}))
    await anext(stream)

    await stream.aclose()

    assert models.clients[FIRST].abandoned == 1


async def test_a_cassette_to_replay_must_be_there(tmp_path: Path) -> None:
    """Told at the start, not at the first question."""
    with pytest.raises(Permanent, match="record it first"):
        await opened(Scripts({FIRST: ["Yes."]}), cassette={"mode": "replay", "path": str(tmp_path / "lost.jsonl")})


def test_a_cassette_needs_a_path() -> None:
    """Unless it is off."""
    with pytest.raises(ValidationError, match="a cassette to record needs a path"):
        GatewaySettings.model_validate({"cassette": {"mode": "record"}})
