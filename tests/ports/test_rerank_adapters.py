"""What each reranker promises beyond `Reranker`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kit.adapters.minilm import MiniLM
from kit.adapters.onnx_text import OnnxText
from kit.adapters.rerank_cross_encoder import folder_cross_encoder
from kit.adapters.rerank_llm import ListwiseReranker
from kit.adapters.rerank_maxsim import MaxSim, RecentVectors, maxsim
from kit.errors import Permanent, Transient
from kit.fakes.llm import ScriptedLLM
from kit.gateway.structured import Structured
from kit.ports.llm import Caller, ModelRef, Purpose
from tests.ports.onnx_models import cross_encoder, sentence_model

QUESTION = "How many days of leave?"
TEXTS = ["Leave is 25 days.", "The laser needs a permit.", "Lunch is at noon."]


@pytest.fixture(scope="module")
def network() -> Iterator[OnnxText]:
    """MiniLM's, with one thread."""
    model = MiniLM()
    yield model.network
    model.close()


def test_maxsim_is_the_mean_of_the_best_cosines() -> None:
    """Two tokens: one finds its like (1), the best for the other is 0.6."""
    question = np.array([[1, 0], [0, 1]], np.float16)
    text = np.array([[1, 0], [0.8, 0.6], [-1, 0]], np.float16)

    assert maxsim(question, text) == pytest.approx(0.8, abs=1e-3)
    assert maxsim(question, text[:0]) == maxsim(question[:0], text) == -1


async def test_a_text_that_is_the_question_scores_one(network: OnnxText) -> None:
    """Every token finds itself."""
    assert await MaxSim("m", network, 0).rerank(QUESTION, [QUESTION]) == [pytest.approx(1, abs=2e-3)]


async def test_only_the_tokens_of_the_texts_count(network: OnnxText) -> None:
    """What the model puts before and after every text is alike in all of them: without words of its own a text has nothing to find."""
    assert await MaxSim("m", network, 0).rerank(QUESTION, ["", " "]) == [-1, -1]
    assert await MaxSim("m", network, 0).rerank("", TEXTS) == [-1, -1, -1]


async def test_maxsim_reads_a_text_once(network: OnnxText) -> None:
    """The second time it is remembered; the scores are the same to the bit."""
    reranker = MaxSim("m", network, 1_000_000)
    first = await reranker.rerank(QUESTION, TEXTS)
    held = reranker._recent.bytes

    assert await reranker.rerank(QUESTION, TEXTS) == first
    assert reranker._recent.bytes == held
    assert await MaxSim("m", network, 0).rerank(QUESTION, TEXTS) == first


async def passes_once_read(deadline: asyncio.Timeout, reranker: MaxSim) -> None:
    """Lets a deadline pass as soon as the first text is read."""
    while not reranker._recent.bytes:
        await asyncio.sleep(0.001)
    deadline.reschedule(asyncio.get_running_loop().time())


async def test_what_was_read_before_the_deadline_is_kept(network: OnnxText) -> None:
    """So the next try gets further; and the rest is not read for nobody."""
    reranker = MaxSim("m", network, 64_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as deadline:
            passing = asyncio.create_task(passes_once_read(deadline, reranker))
            await reranker.rerank(QUESTION, [f"{TEXTS[0] * 40} {number}" for number in range(100)])
    await passing
    soon = reranker._recent.bytes
    await asyncio.sleep(0.2)

    assert soon > 0
    assert reranker._recent.bytes - soon <= 256 * 384 * 2


def test_memory_is_bounded_and_what_was_used_last_stays() -> None:
    """Bytes are counted, also when the same text comes twice."""
    recent, hundred = RecentVectors(250), np.zeros((1, 50), np.float16)
    recent.put("a", hundred)
    recent.put("b", hundred)
    recent.put("b", hundred)
    recent.get("a")
    recent.put("c", hundred)

    assert [recent.get(text) is not None for text in "abc"] == [True, False, True]
    assert recent.bytes == 200


async def test_a_cross_encoder_scores_by_its_logits(tmp_path: Path) -> None:
    """One logit, or the last of two less the first: words in common, and the mark at the end of both."""
    one, two = folder_cross_encoder(cross_encoder(tmp_path / "1"), None, 1), folder_cross_encoder(cross_encoder(tmp_path / "2", 2), None, 1)

    assert await one.rerank("blue sky", ["a blue blue sky", "green grass"]) == [4.0, 1.0]
    assert await two.rerank("blue sky", ["a blue blue sky", "green grass"]) == [4.0, 1.0]
    one.close()
    two.close()


async def test_a_long_text_is_cut_off_and_the_question_stays(tmp_path: Path) -> None:
    """Question and text share the limit of tokens."""
    encoder = folder_cross_encoder(cross_encoder(tmp_path), 16, 1)

    assert await encoder.rerank("blue sky", ["grass " * 100 + "blue", "blue " * 100]) == [1.0, 12.0]
    encoder.close()


@pytest.mark.parametrize("classes", [3, 0])
def test_a_model_that_is_no_cross_encoder_is_refused(tmp_path: Path, classes: int) -> None:
    """Three classes, or hidden states."""
    folder = cross_encoder(tmp_path, classes) if classes else sentence_model(tmp_path)
    with pytest.raises(Permanent) as raised:
        folder_cross_encoder(folder, None, 1)

    assert raised.value.code == "model_unusable"


async def test_the_llm_is_asked_for_an_order_on_the_callers_account() -> None:
    """All passages, numbered; a schema; who pays, and which model."""
    llm, caller, model = ScriptedLLM(['{"order": [3, 1, 2]}']), Caller("q1", "acme", purpose=Purpose.RERANK), ModelRef("openai", "small")
    scores = await ListwiseReranker(Structured(llm), caller, (model,)).rerank(QUESTION, TEXTS)

    [request] = llm.requests
    assert scores == pytest.approx([2 / 3, 1 / 3, 1])
    assert (request.caller, request.models) == (caller, (model,))
    assert request.messages[1].content.endswith("[1] Leave is 25 days.\n\n[2] The laser needs a permit.\n\n[3] Lunch is at noon.")


@pytest.mark.parametrize("order", ["[1, 2]", "[1, 2, 2]", "[0, 1, 2]", "[1, 2, 3, 4]"])
async def test_an_order_that_is_no_permutation_is_transient(order: str) -> None:
    """The caller keeps the order it has."""
    with pytest.raises(Transient) as raised:
        await ListwiseReranker(Structured(ScriptedLLM([f'{{"order": {order}}}']))).rerank(QUESTION, TEXTS)

    assert raised.value.code == "rerank_order_invalid"


async def test_a_passage_is_shown_in_part() -> None:
    """A long one does not drive out the others."""
    llm = ScriptedLLM(['{"order": [1, 2]}'])
    await ListwiseReranker(Structured(llm)).rerank(QUESTION, ["x" * 100_000, "y"])

    assert len(llm.requests[0].messages[1].content) < 1400
