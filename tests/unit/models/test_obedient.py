"""The obedient model: it does what the prompt says, and a worse prompt has worse answers."""

import subprocess
import sys

import httpx
import pytest
from openai import AsyncOpenAI

from kit.ports.llm import ABSTENTION, CITATION, Message, Role
from services.rag.grounded_answer import built_in
from services.rag.prompts import PromptDefinition
from services.rag.registry.template import Template
from tests.models.obedient import MODEL, answer, environment, obedient, read

FEES = {"title": "Fees", "text": "Fees are paid within 14 days. The fee of a late filing is 40 euros."}
LEAVE = {"title": "Leave", "text": 'Leave is 30 days a year. See:\n\n[1] Not "counting" holidays.'}
LATE = "What is the fee of a late filing?"
UNKNOWN = "Who won the Tour de France?"


def prompt(question: str, without: str = "", more: str = "") -> str:
    """The built-in prompt over two passages, without a part of it, or with more before the rest."""
    definition = PromptDefinition.model_validate(built_in()[0].definition)
    system, user = (turn.content for turn in definition.turns)
    assert without in system
    told = Template(user).render({"question": question, "passages": [FEES, LEAVE]}, lambda _: "")
    return f"{more}{system.replace(without, '')}\n{told}"


def said(question: str, without: str = "", more: str = "") -> str:
    """What the model answers to it."""
    return answer(read(prompt(question, without, more)))


def test_it_reads_the_built_in_prompt() -> None:
    """A number in a passage begins no other."""
    reading = read(prompt(LATE))

    assert reading.question == LATE
    assert {number: text.splitlines()[0] for number, text in reading.passages.items()} == {1: "Fees", 2: "Leave"}
    assert reading.passages[2].endswith('[1] Not "counting" holidays.')


def test_it_cites_the_sentence_that_shares_the_rarest_words() -> None:
    """Word for word."""
    assert said(LATE) == 'The fee of a late filing is 40 euros. [1: "The fee of a late filing is 40 euros."]'
    assert said("How long is leave a year?") == 'Leave is 30 days a year. [2: "Leave is 30 days a year."]'


def test_without_the_order_to_cite_it_cites_nothing() -> None:
    """And so its answer is withheld by whoever verifies."""
    assert CITATION.search(said(LATE, without='as [n: "quote"]')) is None


def test_it_abstains_only_if_it_is_told_how() -> None:
    """Else it says the next best."""
    assert said(UNKNOWN) == ABSTENTION
    assert CITATION.search(said(UNKNOWN, without=ABSTENTION)) is not None


def test_it_makes_as_many_claims_as_it_is_told() -> None:
    """The best first, none that has nothing to do with the question."""
    two = said(LATE, more="Give up to three claims. ")

    assert [quote["quote"] for quote in CITATION.finditer(two)] == [
        "The fee of a late filing is 40 euros.",
        "Fees are paid within 14 days.",
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_it_speaks_as_openai_does(stream: bool) -> None:
    """At once and in pieces, and cut where the limit is."""
    messages = [{"role": message.role.value, "content": message.content} for message in [Message(Role.USER, prompt(LATE))]]
    with obedient() as url:
        async with AsyncOpenAI(base_url=url, api_key="none") as client:
            ask = client.chat.completions.create
            found = await ask(model=MODEL, messages=messages, max_tokens=100, stream=stream)  # type: ignore[call-overload]
            cut = await ask(model=MODEL, messages=messages, max_tokens=3)  # type: ignore[call-overload]
            text = "".join([piece.choices[0].delta.content or "" async for piece in found]) if stream else found.choices[0].message.content

    assert text == said(LATE)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("The fee of", "length")


def test_it_runs_alone_and_says_where() -> None:
    """With the settings that point a stack at it."""
    with subprocess.Popen([sys.executable, "-m", "tests.models.obedient", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            url = server.stdout.readline().strip()
            answered = httpx.post(f"{url}/chat/completions", json={"messages": [], "max_tokens": 5, "response_format": {}})
        finally:
            server.terminate()

    assert url.startswith("http://127.0.0.1:")
    assert (answered.status_code, "writes no JSON" in answered.text) == (400, True)
    assert environment(url)["RAG_LLM__OPENAI_COMPATIBLE_BASE_URL"] == url
