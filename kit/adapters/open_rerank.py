"""Opens the rerankers of the settings, and closes them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from kit.adapters.rerank_llm import ListwiseReranker
from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import Caller, LLMClient, ModelRef
from kit.ports.rerank import Reranker, RerankerKind
from kit.settings import RerankSettings

_SETTINGS = {RerankerKind.MAXSIM: "RERANK__MAXSIM", RerankerKind.CROSS_ENCODER: "RERANK__MODEL_DIR"}


class Rerankers:
    """The rerankers that are set up; the one by a language model always is."""

    def __init__(self, llm: LLMClient, local: Mapping[RerankerKind, Reranker]) -> None:
        self._llm = llm
        self._local = local

    def reranker(self, kind: RerankerKind, caller: Caller, models: tuple[ModelRef, ...] = ()) -> Reranker | None:
        """The reranker of a kind, or None for `none`. `caller` pays for that by a language model, which asks `models`.

        Raises Permanent `reranker_not_set_up`, which names what to set.
        """
        if kind is RerankerKind.NONE:
            return None
        if kind is RerankerKind.LLM:
            return ListwiseReranker(self._llm, caller, models)
        if kind not in self._local:
            raise Permanent("reranker_not_set_up", f"the reranker '{kind}' is not set up; set {_SETTINGS[kind]}")
        return self._local[kind]


@asynccontextmanager
async def open_rerankers(settings: RerankSettings, embedder: EmbeddingModel, llm: LLMClient) -> AsyncIterator[Rerankers]:
    """Yields the rerankers. `embedder` lends its network to MaxSim if it is MiniLM itself, not a cache around it.

    Raises Permanent as the models do whose files are missing or unusable. Packages are imported here, so that a service needs only those
    of what it uses.
    """
    async with AsyncExitStack() as stack:
        local: dict[RerankerKind, Reranker] = {}
        if settings.maxsim:
            local[RerankerKind.MAXSIM] = await stack.enter_async_context(_maxsim(settings, embedder))
        if settings.model_dir is not None:
            local[RerankerKind.CROSS_ENCODER] = await stack.enter_async_context(_cross_encoder(settings, settings.model_dir))
        yield Rerankers(llm, local)


@asynccontextmanager
async def _maxsim(settings: RerankSettings, embedder: EmbeddingModel) -> AsyncIterator[Reranker]:
    from kit.adapters.minilm import MiniLM
    from kit.adapters.rerank_maxsim import MaxSim

    model = embedder if isinstance(embedder, MiniLM) else await asyncio.to_thread(MiniLM, settings.threads)
    try:
        yield MaxSim(model.name, model.network, settings.maxsim_cache_mb * 1_000_000)
    finally:
        if model is not embedder:
            await asyncio.to_thread(model.close)


@asynccontextmanager
async def _cross_encoder(settings: RerankSettings, folder: Path) -> AsyncIterator[Reranker]:
    from kit.adapters.rerank_cross_encoder import folder_cross_encoder

    encoder = await asyncio.to_thread(folder_cross_encoder, folder, settings.max_tokens, settings.threads)
    try:
        yield encoder
    finally:
        await asyncio.to_thread(encoder.close)
