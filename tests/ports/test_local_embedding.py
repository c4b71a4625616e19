"""What the embedding models of this process promise beyond `EmbeddingModel`: their files, their limits, their numbers."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from kit.adapters import minilm
from kit.adapters.minilm import MiniLM
from kit.adapters.model_files import PackagedFile
from kit.adapters.onnx_embedding import OnnxEmbedding, folder_embedding
from kit.adapters.wordllama import WordLlama
from kit.errors import Permanent
from tests.ports.onnx_models import picture_model, pooled_model, sentence_model

LEAVE = "Employees have 25 days of annual leave."
MORE_LEAVE = "How many days of annual leave do employees have?"
LASER = "The laser cutter needs a permit."


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


async def test_so_many_texts_are_embedded_at_once(tmp_path: Path) -> None:
    """As there are threads: two meet here, which one after the other would never do."""
    model, meeting = folder_embedding(sentence_model(tmp_path), None, 2), Barrier(2)

    assert sorted(await model.network.each(lambda _: meeting.wait(timeout=60), [1, 2])) == [0, 1]
    model.close()


def test_a_changed_model_file_stops_the_start() -> None:
    """Other weights would give other vectors under the same name."""
    with pytest.raises(Permanent, match="install the pinned version") as raised:
        minilm._MODEL._replace(sha256="0" * 64).find()

    assert raised.value.code == "model_changed"


@pytest.mark.parametrize(("package", "told"), [("no-such-package", "install the extra"), ("numpy", "install the version")])
def test_a_missing_model_file_stops_the_start(package: str, told: str) -> None:
    """And says what to install."""
    with pytest.raises(Permanent, match=told) as raised:
        PackagedFile(package, "model.onnx", "").find()

    assert raised.value.code == "model_missing"


async def test_wordllama_gives_the_vectors_it_always_gave() -> None:
    """Those of its own package; and a text without any token has one of length 1 too."""
    leave, laser, empty = await WordLlama().embed([LEAVE, LASER, ""])

    assert leave[:3] == pytest.approx([0.0880, -0.0630, -0.0490], abs=1e-4)
    assert leave @ laser == pytest.approx(0.0059, abs=1e-4)
    assert np.linalg.norm(empty) == pytest.approx(1)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[OnnxEmbedding]:
    """A small sentence model from a folder."""
    loaded = folder_embedding(sentence_model(tmp_path / "tiny"), None, 1)
    yield loaded
    loaded.close()


async def test_a_folder_tells_the_dimensions_and_the_limit(tiny: OnnxEmbedding) -> None:
    """The dimensions are read from the network, the limit from the tokenizer."""
    assert (tiny.dimensions, tiny.max_tokens) == (48, 128)
    assert (await tiny.embed([LEAVE])).shape == (1, 48)


def test_other_weights_have_another_name(tmp_path: Path) -> None:
    """Vectors of two models in turn in one folder are never compared; a copy of a model has the vectors of the first."""
    first = folder_embedding(sentence_model(tmp_path / "a" / "model"), None, 1)
    copy = folder_embedding(Path(shutil.copytree(tmp_path / "a" / "model", tmp_path / "b" / "model")), None, 1)
    (tmp_path / "a" / "model" / "model.onnx_data").write_bytes(b"more weights")
    other = folder_embedding(tmp_path / "a" / "model", None, 1)

    assert first.name == copy.name
    assert first.name != other.name
    assert other.name.startswith("model-")


def test_a_folder_without_its_files_is_refused(tmp_path: Path) -> None:
    """With the name of the file."""
    with pytest.raises(Permanent, match=r"has no model\.onnx") as raised:
        folder_embedding(tmp_path, None, 1)
    (sentence_model(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(Permanent, match=r"has no tokenizer\.json"):
        folder_embedding(tmp_path, None, 1)

    assert raised.value.code == "model_missing"


def test_a_file_that_is_no_sentence_model_is_refused(tmp_path: Path) -> None:
    """At the start, whatever else it is."""
    noise = sentence_model(tmp_path / "noise")
    (noise / "model.onnx").write_bytes(b"noise")

    for folder in (noise, pooled_model(tmp_path / "pooled"), picture_model(tmp_path / "picture")):
        with pytest.raises(Permanent) as raised:
            folder_embedding(folder, None, 1)
        assert raised.value.code == "model_unusable"
