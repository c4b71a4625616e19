"""The models of a request are asked in their order, until one answers."""

import asyncio
from contextlib import aclosing

import pytest
from prometheus_client import REGISTRY

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.llm import Broken, ScriptedLLM
from kit.ports.llm import Completion, CompletionRequest, Failover, LLMClient, ModelRef
from tests.unit.gateway.asking import FIRST, SECOND, THIRD, Scripts, ask, failed, gateway, refused, said, timed_out


async def test_the_first_model_that_answers_is_the_answer() -> None:
    """Nobody else is asked."""
    models = Scripts({FIRST: ["From the first."], SECOND: ["From the second."]})

    completion = await gateway(models).complete(ask())

    assert (completion.text, completion.provider, completion.failovers) == ("From the first.", "openai", ())
    assert SECOND not in models.clients


@pytest.mark.parametrize(
    "error",
    [failed(), timed_out(), Transient("gateway_busy", "full"), Permanent("llm_key_refused", "no"), Permanent("grounding_missing", "no")],
    ids=lambda error: str(error.code),
)
async def test_the_next_model_answers_when_one_cannot_and_the_answer_says_so(error: WorkbenchError) -> None:
    """A failure, a full gate, a key that one provider refuses, a request that one model is not made for."""
    models = Scripts({FIRST: [error], SECOND: ["From the second."]})

    completion = await gateway(models).complete(ask())

    assert (completion.text, completion.failovers) == ("From the second.", (Failover(FIRST, error.code),))


@pytest.mark.parametrize(
    "error",
    [refused(), Permanent("budget_exceeded", "no money"), DependencyDown("budget_unavailable", "Redis is away")],
    ids=lambda error: str(error.code),
)
async def test_what_no_model_could_change_is_raised_at_once(error: WorkbenchError) -> None:
    """A bad request stays bad, and an empty budget empty."""
    models = Scripts({FIRST: [error], SECOND: ["From the second."]})

    with pytest.raises(type(error)) as told:
        await gateway(models).complete(ask())

    assert (told.value, SECOND in models.clients) == (error, False)


async def test_the_models_of_the_request_come_before_those_of_the_settings() -> None:
    """In its order, each once."""
    models = Scripts({FIRST: ["From the first."], SECOND: [failed()], THIRD: ["From the third."]})

    completion = await gateway(models).complete(ask(models=(SECOND, SECOND, THIRD, FIRST)))

    assert (completion.text, completion.failovers) == ("From the third.", (Failover(SECOND, "llm_failed"),))
    assert len(models.clients[SECOND].requests) == 1


async def test_when_none_answers_the_error_names_all() -> None:
    """It is the last that may pass: the first may well answer another time, so the caller may try again."""
    slow = Transient("llm_rate_limited", "slow down", after_s=7)
    models = Scripts({FIRST: [timed_out()], SECOND: [slow], THIRD: [Permanent("grounding_missing", "no")]})

    with pytest.raises(Transient) as told:
        await gateway(models).complete(ask())

    assert (told.value.code, told.value.after_s, told.value.__cause__) == ("llm_rate_limited", 7, slow)
    assert told.value.message == (
        "slow down; asked in vain: openai/big (llm_timeout), anthropic/small (llm_rate_limited), extractive/none (grounding_missing)"
    )


async def test_a_provider_without_a_key_is_passed_over() -> None:
    """As one that refuses it."""
    without = ModelRef("openai", "unset")

    completion = await gateway(Scripts({FIRST: ["Yes."]})).complete(ask(models=(without, FIRST)))

    assert completion.failovers == (Failover(without, "llm_settings_incomplete"),)


async def test_a_stream_falls_back_before_its_first_piece() -> None:
    """And its completion tells who was asked before."""
    models = Scripts({FIRST: [failed()], SECOND: ["All is well."]})

    *pieces, last = [piece async for piece in gateway(models).stream(ask())]

    assert pieces == ["All ", "is ", "well."]
    assert isinstance(last, Completion)
    assert last.failovers == (Failover(FIRST, "llm_failed"),)


async def test_a_stream_does_not_fall_back_after_its_first_piece() -> None:
    """Two models do not tell one story."""
    models = Scripts({FIRST: [Broken("All is", failed())], SECOND: ["All is well."]})

    with pytest.raises(Transient):
        await said(gateway(models), ask())

    assert SECOND not in models.clients


async def test_an_open_breaker_sends_the_call_to_the_next_model_at_once() -> None:
    """The primary is not asked again, and /metrics shows why."""
    models = Scripts({FIRST: [failed()], SECOND: ["Yes."]})
    client = gateway(models, breaker={"failures": 2})

    codes = [(await client.complete(ask())).failovers[0].code for _ in range(3)]

    assert codes == ["llm_failed", "llm_failed", "llm_breaker_open"]
    assert len(models.clients[FIRST].requests) == 2
    assert REGISTRY.get_sample_value("workbench_llm_breaker_state", {"provider": "openai", "model": "big"}) == 2


async def test_what_the_service_wraps_is_around_every_try() -> None:
    """Retries and other models included: that is where budgets are kept."""
    tries: list[tuple[str, str]] = []

    class Metered(ScriptedLLM):
        def __init__(self, inner: LLMClient) -> None:
            super().__init__(["Metered."], provider=inner.provider, model=inner.model)
            self._metered = inner

        async def complete(self, request: CompletionRequest) -> Completion:
            tries.append((self.provider, request.messages[0].content))
            return await self._metered.complete(request)

    models = Scripts({FIRST: [failed()], SECOND: [timed_out(), "Yes."]})

    await gateway(models, wrap=Metered, retries={"attempts": 2}).complete(ask("Why?"))

    assert tries == [("openai", "Why?")] * 2 + [("anthropic", "Why?")] * 2


async def test_a_reader_that_goes_away_ends_the_call_through_every_step() -> None:
    """By closing the stream, or by being cancelled; the only place is free again."""
    models = Scripts({FIRST: ["All is well."]}, takes_s=0.01)
    client = gateway(models, gate={"at_once": 1}, breaker={"failures": 1})
    async with aclosing(client.stream(ask())) as pieces:
        await anext(pieces)
    at_once = models.clients[FIRST].abandoned
    reader = asyncio.create_task(said(client, ask()))
    while len(models.clients[FIRST].requests) < 2:
        await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait([reader])

    assert (at_once, models.clients[FIRST].abandoned) == (1, 2)
    assert (await client.complete(ask())).text == "All is well."


async def test_a_full_provider_sends_the_call_to_the_next() -> None:
    """Its places are for all its models together."""
    other = ModelRef(FIRST.provider, "other")
    models = Scripts({FIRST: ["All is well."], other: ["Yes."], SECOND: ["From the second."]})
    client = gateway(models, gate={"at_once": 1, "queue_timeout_s": 0.01})

    async with aclosing(client.stream(ask(models=(FIRST,)))) as pieces:
        await anext(pieces)
        completion = await client.complete(ask(models=(other, SECOND)))

    assert (completion.text, completion.failovers) == ("From the second.", (Failover(other, "gateway_busy"),))


async def test_a_model_keeps_its_pipeline() -> None:
    """And with it the state of its breaker."""
    models = Scripts({FIRST: ["Yes."], SECOND: ["No."]})
    client = gateway(models)

    for ref in (FIRST, SECOND, FIRST, SECOND):
        await client.complete(ask(models=(ref,)))

    assert models.made == 2


async def test_only_so_many_pipelines_are_kept() -> None:
    """Callers may name any model: neither pipelines nor time series grow without end."""
    models = Scripts({ModelRef("openai", f"model-{n}"): ["Yes."] for n in range(5)})
    client = gateway(models, kept_models=2)
    for ref in models.lines:
        await client.complete(ask(models=(ref,)))

    states = [REGISTRY.get_sample_value("workbench_llm_breaker_state", {"provider": "openai", "model": ref.model}) for ref in models.lines]

    assert states == [None, None, None, 0, 0]
