"""The promise of `Reranker`, kept by the in-memory twin and by every adapter."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from kit.adapters.minilm import MiniLM
from kit.adapters.open_rerank import Rerankers, open_rerankers
from kit.errors import Permanent
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.fakes.rerank import OverlapReranker
from kit.gateway.structured import Structured
from kit.ports.llm import Caller, Completion, CompletionRequest
from kit.ports.rerank import Reranker, RerankerKind
from kit.settings import RerankSettings
from tests.ports.onnx_models import cross_encoder
from tests.ports.turning import longest_stop

QUESTION = "How many days of annual leave do employees have?"
LEAVE = "Employees have 25 days of annual leave."
LASER = "The laser cutter needs a permit."
LUNCH = "Lunch is served at noon."

KINDS = [kind for kind in RerankerKind if kind is not RerankerKind.NONE]


class OverlappingLLM(ScriptedLLM):
    """A model that can read: it puts the passages with most of the question's words first."""

    async def complete(self, request: CompletionRequest) -> Completion:
        question, *passages = re.split(r"\n\n(?:Passages:\n\n)?\[\d+\] ", request.messages[-1].content)
        scores = await OverlapReranker().rerank(question, passages)
        order = sorted(range(1, len(passages) + 1), key=lambda number: -scores[number - 1])
        self._lines = [json.dumps({"order": order})]
        return await super().complete(request)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cross-encoder's folder."""
    return cross_encoder(tmp_path_factory.mktemp("models") / "overlap")


@pytest.fixture
async def rerankers(folder: Path) -> AsyncIterator[Rerankers]:
    """All that can be set up."""
    settings = RerankSettings(model_dir=folder, threads=2)
    async with open_rerankers(settings, HashEmbedding(), Structured(OverlappingLLM([]))) as opened:
        yield opened


@pytest.fixture(params=["fake", *KINDS])
def reranker(request: pytest.FixtureRequest, rerankers: Rerankers) -> Reranker:
    """Each reranker."""
    if request.param == "fake":
        return OverlapReranker()
    chosen = rerankers.reranker(request.param, Caller())
    assert chosen is not None
    return chosen


async def test_what_answers_the_question_scores_highest(reranker: Reranker) -> None:
    """Wherever it stands; a score for every text, in the order given."""
    for texts in ([LEAVE, LASER, LUNCH], [LASER, LEAVE, LUNCH], [LASER, LUNCH, LEAVE]):
        scores = await reranker.rerank(QUESTION, texts)

        assert len(scores) == 3
        assert max(scores) == scores[texts.index(LEAVE)]
        assert sorted(scores)[-1] > sorted(scores)[-2]


async def test_asked_again_the_scores_are_the_same(reranker: Reranker) -> None:
    """To the last bit, also where texts are remembered."""
    first = await reranker.rerank(QUESTION, [LUNCH, LEAVE])

    assert await reranker.rerank(QUESTION, [LUNCH, LEAVE]) == first


@pytest.mark.parametrize("texts", [[], [LEAVE], [LEAVE, LEAVE], ["", LEAVE]])
async def test_odd_lists_have_scores_too(reranker: Reranker, texts: Sequence[str]) -> None:
    """None, one, twice the same, an empty one."""
    assert len(await reranker.rerank(QUESTION, texts)) == len(texts)


async def test_a_question_without_words_is_no_error(reranker: Reranker) -> None:
    """Any order will do."""
    assert len(await reranker.rerank("", [LEAVE, LASER])) == 2


async def test_reranking_leaves_the_event_loop_free(reranker: Reranker) -> None:
    """A second of work, and a tick every few milliseconds all the while."""
    scores, stop_s = await longest_stop(reranker.rerank(QUESTION, [f"{LEAVE * 20} {number}" for number in range(20)]))

    assert len(scores) == 20
    assert stop_s < 0.25


async def test_every_reranker_has_a_name_of_its_own(rerankers: Rerankers) -> None:
    """With its model, for caches and traces."""
    names = [one.name for kind in KINDS if (one := rerankers.reranker(kind, Caller()))]

    assert names[0] == "maxsim-all-minilm-l6-v2-int8"
    assert re.fullmatch(r"cross-encoder-overlap-[0-9a-f]{12}", names[1])
    assert names[2] == "llm-listwise-scripted/script"
    assert rerankers.reranker(RerankerKind.NONE, Caller()) is None


@pytest.mark.parametrize(("kind", "setting"), [(RerankerKind.MAXSIM, "RERANK__MAXSIM"), (RerankerKind.CROSS_ENCODER, "RERANK__MODEL_DIR")])
async def test_a_reranker_that_is_not_set_up_is_named(kind: RerankerKind, setting: str) -> None:
    """With what to set."""
    async with open_rerankers(RerankSettings(maxsim=False), HashEmbedding(), ScriptedLLM([""])) as opened:
        with pytest.raises(Permanent, match=setting) as raised:
            opened.reranker(kind, Caller())

    assert raised.value.code == "reranker_not_set_up"


async def test_maxsim_shares_the_network_of_the_embedding_model() -> None:
    """One copy in memory, which stays open: its owner closes it."""
    model = MiniLM()
    async with open_rerankers(RerankSettings(), model, ScriptedLLM([""])) as opened:
        chosen = opened.reranker(RerankerKind.MAXSIM, Caller())

    assert chosen is not None
    assert await chosen.rerank(QUESTION, [LEAVE]) != []
    model.close()
