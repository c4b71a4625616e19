"""What goes wrong at a provider becomes one of our errors, once, whether the answer was to come at once or in a stream."""

import asyncio
import socket

import pytest

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.ports.llm import FinishReason
from kit.settings import LLMProvider
from tests.ports.llm_clients import REMOTE, asked
from tests.ports.model_server import HANGS_S, ModelServer
from tests.ports.wire.script import REFUSAL

NOBODY = "http://127.0.0.1:9"
remote = pytest.mark.parametrize("provider", REMOTE)


@pytest.fixture(params=["complete", "stream"])
def how(request: pytest.FixtureRequest) -> str:
    """At once, and in pieces."""
    return str(request.param)


@remote
@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("fails-400", Permanent, "llm_request_refused"),
        ("fails-401", Permanent, "llm_key_refused"),
        ("fails-404", Permanent, "llm_request_refused"),
        ("fails-429", Transient, "llm_rate_limited"),
        ("fails-500", Transient, "llm_failed"),
        ("fails-529", Transient, "llm_failed"),
        ("says-html", Transient, "llm_answer_invalid"),
        ("says-nothing", Transient, "llm_answer_invalid"),
        ("garbles", Transient, "llm_answer_invalid"),
    ],
)
async def test_a_failed_call_is_translated_and_not_repeated(
    models: ModelServer, how: str, provider: LLMProvider, model: str, error: type[WorkbenchError], code: str
) -> None:
    """One place retries, and it is not the SDK."""
    with pytest.raises(error) as raised:
        await asked(how, provider, models.url, model)

    assert (raised.value.code, raised.value.after_s) == (code, None)
    assert len(models.bodies) == 1


@remote
@pytest.mark.parametrize(
    ("how", "model", "error", "code"),
    [
        ("complete", "says-odd", Transient, "llm_answer_invalid"),
        ("complete", "breaks", DependencyDown, "llm_unreachable"),
        ("stream", "breaks", Transient, "llm_answer_cut"),
        ("stream", "ends-early", Transient, "llm_answer_cut"),
        ("stream", "fails-midway", Transient, "llm_rate_limited"),
    ],
)
async def test_an_answer_that_ends_in_the_middle_is_none(
    models: ModelServer, how: str, provider: LLMProvider, model: str, error: type[WorkbenchError], code: str
) -> None:
    """Half an answer is not passed on as a whole one."""
    with pytest.raises(error) as raised:
        await asked(how, provider, models.url, model)

    assert raised.value.code == code


@remote
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("retry-after=7", 7),
        ("retry-after-ms=1500&retry-after=2", 1.5),
        ("retry-after=-1", 0),
        ("retry-after=soon", None),
        ("retry-after=inf", None),
        ("retry-after=Wed, 21 Oct 2026 07:28:30 GMT&date=Wed, 21 Oct 2026 07:28:00 GMT", 30),
        ("retry-after=Wed, 21 Oct 2026 07:28:00 GMT&date=Wed, 21 Oct 2026 07:28:30 GMT", 0),
        ("retry-after=Wed, 21 Oct 2026 07:28:30 GMT", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 529])
async def test_an_error_says_when_to_ask_again(
    models: ModelServer, provider: LLMProvider, status: int, headers: str, seconds: float | None
) -> None:
    """As the server told it, in any of the ways to tell it; a moment counts from the answer's own date."""
    with pytest.raises(Transient) as raised:
        await asked("complete", provider, models.url, f"fails-{status}?{headers}")

    assert raised.value.after_s == seconds


@remote
async def test_a_server_that_answers_too_late_is_down(models: ModelServer, how: str, provider: LLMProvider) -> None:
    """Each call has a deadline."""
    with pytest.raises(DependencyDown, match=r"was not done|did not answer") as raised:
        await asked(how, provider, models.url, "hangs", timeout_s=HANGS_S / 5)

    assert raised.value.code == "llm_timeout"


@remote
async def test_a_server_that_drips_is_down(models: ModelServer, provider: LLMProvider) -> None:
    """The deadline is for the whole answer, not for each byte."""
    with pytest.raises(DependencyDown, match=r"did not answer within 0\.5 s"):
        await asked("complete", provider, models.url, "drips", timeout_s=HANGS_S / 5)


@remote
async def test_a_server_that_is_not_there_is_down(how: str, provider: LLMProvider) -> None:
    """Nothing listens on the discard port."""
    with pytest.raises(DependencyDown) as raised:
        await asked(how, provider, NOBODY, "some-model")

    assert raised.value.code == "llm_unreachable"


@remote
async def test_a_server_that_does_not_accept_is_unreachable(how: str, provider: LLMProvider) -> None:
    """Its queue is full, so that a new connection is neither taken nor refused."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        with pytest.raises(DependencyDown) as raised:
            async with asyncio.timeout(60):
                await asked(how, provider, "http://{}:{}".format(*full.getsockname()), "some-model", connect_timeout_s=0.1)

    assert raised.value.code == "llm_unreachable"


@remote
async def test_a_refusal_is_told_from_an_answer(models: ModelServer, how: str, provider: LLMProvider) -> None:
    """A refusal must not be counted as an answer."""
    completion = await asked(how, provider, models.url, "refuses")

    assert (completion.text, completion.finish_reason) == (REFUSAL, FinishReason.REFUSED)
