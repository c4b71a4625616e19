"""The promise of `EmbeddingModel`, kept by the in-memory twin, MiniLM in this process, and OpenAI's SDK over real HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import numpy as np
import pytest
import redis.asyncio as redis
from pydantic import SecretStr

from kit.adapters import minilm
from kit.adapters.minilm import MiniLM
from kit.adapters.open_embedding import open_embedding
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.embedding import HashEmbedding
from kit.ports.embedding import EmbeddingModel
from kit.settings import EmbeddingProvider, EmbeddingSettings
from services.rag.cache import CachedEmbedding
from tests.ports.model_server import MOST_TEXTS, ModelServer, model_server

LEAVE = "Employees have 25 days of annual leave."
MORE_LEAVE = "How many days of annual leave do employees have?"
LASER = "The laser cutter needs a permit."


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """A server for OpenAI's SDK."""
    with model_server() as running:
        yield running


@pytest.fixture
def models(server: ModelServer) -> ModelServer:
    """The server, asked nothing yet."""
    server.bodies.clear()
    return server


@pytest.fixture(params=["fake", "cached", *EmbeddingProvider])
async def model(request: pytest.FixtureRequest, models: ModelServer) -> AsyncIterator[EmbeddingModel]:
    """Each model; `cached` is rag's cache on a real Valkey server."""
    if request.param == "fake":
        yield HashEmbedding()
    elif request.param == "cached":
        async with redis.from_url(request.getfixturevalue("servers").redis) as cache:
            yield CachedEmbedding(HashEmbedding(), cache)
    else:
        async with opened(request.param, models.url) as chosen:
            yield chosen


def opened(
    provider: EmbeddingProvider, url: str, model: str = "some-model", key: str | None = "k"
) -> AbstractAsyncContextManager[EmbeddingModel]:
    """The model that the settings choose; OpenAI's is pointed to `url`."""
    secret = SecretStr(key) if key else None
    return open_embedding(EmbeddingSettings(provider=provider, model=model, api_key=secret, base_url=url, threads=2))


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
    ticks: list[float] = []
    embedding = asyncio.ensure_future(model.embed([LEAVE * 20] * 20))
    while not embedding.done():
        ticks.append(time.perf_counter())
        await asyncio.sleep(0.005)

    assert max((after - before for before, after in pairwise(ticks)), default=0) < 0.25


@pytest.fixture(scope="module")
def mini() -> Iterator[MiniLM]:
    """MiniLM with one thread."""
    loaded = MiniLM()
    yield loaded
    loaded.close()


async def test_a_text_over_the_limit_is_cut_off(mini: MiniLM) -> None:
    """What stands behind the last token that fits makes no difference."""
    full = "leave " * (mini.max_tokens - 2)
    vectors = await mini.embed([full, full + LASER, full[: len(full) // 2]])

    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


async def test_minilm_gives_the_vectors_it_always_gave(mini: MiniLM) -> None:
    """An index keeps vectors for years; these are the first numbers of one, and the similarity of two."""
    leave, laser = await mini.embed([LEAVE, LASER])

    assert leave[:3] == pytest.approx([0.0503, 0.0339, 0.0654], abs=1e-3)
    assert leave @ laser == pytest.approx(0.0488, abs=1e-3)


async def test_a_question_does_not_wait_for_a_whole_document(mini: MiniLM) -> None:
    """Ingest and queries share the model; a query waits for one text, not for all."""
    document = asyncio.ensure_future(mini.embed([LEAVE * 20] * 10))
    await asyncio.sleep(0)

    await mini.embed([MORE_LEAVE])

    assert not document.done()
    await document


@pytest.mark.parametrize("file", ["_MODEL", "_TOKENIZER"])
def test_a_changed_model_file_stops_the_start(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Other weights would give other vectors under the same name."""
    package, path, _ = getattr(minilm, file)
    monkeypatch.setattr(minilm, file, (package, path, "0" * 64))

    with pytest.raises(Permanent, match="install the pinned version") as raised:
        MiniLM()
    assert raised.value.code == "model_changed"


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
    async with opened(EmbeddingProvider.OPENAI, models.url, model) as chosen:
        with pytest.raises(error) as raised:
            await chosen.embed([LEAVE])

    assert raised.value.code == code
    assert len(models.bodies) == 1


async def test_a_server_that_is_not_there_is_down() -> None:
    """Nothing listens on the discard port."""
    async with opened(EmbeddingProvider.OPENAI, "http://127.0.0.1:9") as chosen:
        with pytest.raises(DependencyDown, match="cannot be reached"):
            await chosen.embed([LEAVE])


async def test_openai_without_a_key_stops_the_start() -> None:
    """Better than at the first document."""
    with pytest.raises(Permanent, match="EMBEDDING__API_KEY"):
        async with opened(EmbeddingProvider.OPENAI, "http://127.0.0.1:9", key=None):
            pass
