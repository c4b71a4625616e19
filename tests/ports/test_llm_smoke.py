"""`make smoke-providers` itself, on a server of this machine."""

import pytest

from tests.ports.model_server import ModelServer
from tests.smoke.__main__ import KEYS, main


async def test_a_provider_without_a_key_is_skipped_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody must have keys."""
    assert await main({}) == 0

    assert capsys.readouterr().out == ("openai: skipped, OPENAI_API_KEY is not set\nanthropic: skipped, ANTHROPIC_API_KEY is not set\n")


async def test_a_provider_with_a_key_is_asked_in_both_ways(
    models: ModelServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The SDKs read the base URL of the environment, as they would a proxy's."""
    monkeypatch.setenv("OPENAI_BASE_URL", models.url)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", models.url)

    assert await main(dict.fromkeys(KEYS.values(), "k")) == 0

    assert [body.get("stream", False) for body in models.bodies] == [False, True] * 2
    assert capsys.readouterr().out.count("'Within 14 days of filing.'") == 4


async def test_a_provider_that_does_not_answer_fails_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With the error's own words."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")

    assert await main({"OPENAI_API_KEY": "k"}) == 1

    assert "openai: FAILED, llm_unreachable" in capsys.readouterr().out
