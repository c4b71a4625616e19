"""The promise of `EmbeddingModel`, kept by the in-memory twin, the models in this process, and OpenAI's SDK over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis.asyncio as redis
from pydantic import SecretStr

from kit.adapters.open_embedding import open_embedding
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.embedding import HashEmbedding
from kit.ports.embedding import EmbeddingModel
from kit.settings import EmbeddingProvider, EmbeddingSettings
from services.rag.cache import CachedEmbedding
from tests.ports.model_server import MOST_TEXTS, ModelServer
from tests.ports.onnx_models import sentence_model
from tests.ports.turning import longest_stop

LEAVE = "Employees have 25 days of annual leave."
MORE_LEAVE = "How many days of annual leave do employees have?"
LASER = "The laser cutter needs a permit."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small sentence model."""
    return sentence_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(params=["fake", "cached", *EmbeddingProvider])
async def model(request: pytest.FixtureRequest, models: ModelServer, tiny: Path) -> AsyncIterator[EmbeddingModel]:
    """Each model; `cached` is rag's cache on a real Valkey server."""
    if request.param == "fake":
        yield HashEmbedding()
    elif request.param == "cached":
        async with redis.from_url(request.getfixturevalue("servers").redis) as cache:
            yield CachedEmbedding(HashEmbedding(), cache)
    else:
        async with opened(request.param, models.url, model_dir=tiny) as chosen:
            yield chosen


def opened(provider: EmbeddingProvider, url: str | None, **settings: Any) -> AbstractAsyncContextManager[EmbeddingModel]:
    """The model that the settings choose; OpenAI's is pointed to `url`."""
    values = {"model": "some-model", "api_key": SecretStr("k"), "threads": 2, **settings}
    return open_embedding(EmbeddingSettings(provider=provider, base_url=url, **values))


async def test_every_text_has_a_vector_of_length_one_in_order(model: EmbeddingModel) -> None:
    """Shape, type and order are part of the promise."""
    together = await model.embed([LEAVE, LASER, LEAVE])
    alone = await model.embed([LASER])

    assert (together.shape, together.dtype) == ((3, model.dimensions), np.float32)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(together[1], alone[0])


async def test_equal_texts_have_equal_vectors(model: EmbeddingModel) -> None:
    """To the last bit, whatever stands beside them: vectors are compared across runs."""
    vectors = await model.embed([LEAVE, LASER * 20, LEAVE])

    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors[0], (await model.embed([LEAVE]))[0])


async def test_a_question_is_nearest_to_the_text_that_answers_it(model: EmbeddingModel) -> None:
    """The point of it all."""
    question, leave, laser = await model.embed([MORE_LEAVE, LEAVE, LASER])

    assert question @ leave > question @ laser + 0.2


async def test_no_texts_give_no_vectors(model: EmbeddingModel) -> None:
    """Of the right length all the same."""
    assert (await model.embed([])).shape == (0, model.dimensions)


async def test_tokens_are_counted(model: EmbeddingModel) -> None:
    """A chunk must be measured before it is cut off; special tokens are left out, and never made from a text's characters."""
    counts = [model.count_tokens(text) for text in ("", "leave", LEAVE, LEAVE * 2)]

    assert counts[:2] == [0, 1]
    assert counts[2] * 2 == pytest.approx(counts[3], abs=1)
    assert model.count_tokens("<|endoftext|> [SEP]") >= 2


async def test_a_text_of_a_million_characters_is_counted(model: EmbeddingModel) -> None:
    """A document is counted whole before it is cut up."""
    assert model.count_tokens("leave " * 200_000) >= 200_000


async def test_embedding_leaves_the_event_loop_free(model: EmbeddingModel) -> None:
    """Two seconds of work, and a tick every few milliseconds all the while."""
    _, stop_s = await longest_stop(model.embed([LEAVE * 20] * 20))

    assert stop_s < 0.25


async def test_many_texts_are_sent_in_batches(models: ModelServer) -> None:
    """The server refuses more; the order is kept across batches."""
    texts = [f"text {number}" for number in range(MOST_TEXTS + 1)]

    async with opened(EmbeddingProvider.OPENAI, models.url) as model:
        vectors = await model.embed(texts)
        last = await model.embed(texts[-1:])

    assert [len(body["input"]) for body in models.bodies] == [MOST_TEXTS, 1, 1]
    assert np.array_equal(vectors[-1], last[0])


async def test_long_texts_are_sent_in_smaller_batches(models: ModelServer) -> None:
    """A request holds 250,000 tokens at most."""
    async with opened(EmbeddingProvider.OPENAI, models.url) as model:
        await model.embed(["leave " * 8000] * 32)

    assert [len(body["input"]) for body in models.bodies] == [31, 1]


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("fails-400", Permanent, "embedding_request_refused"),
        ("fails-401", DependencyDown, "embedding_key_refused"),
        ("fails-429", Transient, "embedding_rate_limited"),
        ("fails-503", Transient, "embedding_failed"),
        ("says-html", Transient, "embedding_answer_invalid"),
        ("says-nothing", Transient, "embedding_answer_invalid"),
        ("says-seven", DependencyDown, "embedding_dimensions_wrong"),
    ],
)
async def test_a_failed_call_is_translated_and_not_repeated(
    models: ModelServer, model: str, error: type[WorkbenchError], code: str
) -> None:
    """One place retries, and it is not the SDK; no document fails for a bad key."""
    async with opened(EmbeddingProvider.OPENAI, models.url, model=model) as chosen:
        with pytest.raises(error) as raised:
            await chosen.embed([LEAVE])

    assert raised.value.code == code
    assert len(models.bodies) == 1


async def test_a_server_that_is_not_there_is_down() -> None:
    """Nothing listens on the discard port."""
    async with opened(EmbeddingProvider.OPENAI, "http://127.0.0.1:9") as chosen:
        with pytest.raises(DependencyDown, match="cannot be reached"):
            await chosen.embed([LEAVE])


async def test_a_compatible_server_needs_no_key_and_is_not_asked_for_dimensions(models: ModelServer) -> None:
    """TEI takes 32 texts at once, vLLM refuses to shorten vectors; how long a text may be is a setting."""
    compatible = EmbeddingProvider.OPENAI_COMPATIBLE
    async with opened(compatible, models.url, api_key=None, dimensions=384, max_tokens=512) as model:
        vectors = await model.embed([LEAVE] * 33)

    assert (vectors.shape, model.max_tokens) == ((33, 384), 512)
    assert [len(body["input"]) for body in models.bodies] == [32, 1]
    assert "dimensions" not in models.bodies[0]


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        (EmbeddingProvider.OPENAI, "EMBEDDING__API_KEY"),
        (EmbeddingProvider.OPENAI_COMPATIBLE, "EMBEDDING__BASE_URL"),
        (EmbeddingProvider.ONNX, "EMBEDDING__MODEL_DIR"),
    ],
)
async def test_a_model_without_its_settings_stops_the_start(provider: EmbeddingProvider, missing: str) -> None:
    """Better than at the first document, and with the name of what to set."""
    with pytest.raises(Permanent, match=missing) as raised:
        async with opened(provider, None, api_key=None):
            pass
    assert raised.value.code == "embedding_settings_incomplete"
