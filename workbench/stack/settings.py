"""The settings of the five services that point them at the embedded servers."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

import workbench
from kit.settings import (
    BlobSettings,
    KafkaSettings,
    LLMProvider,
    LLMSettings,
    PostgresSettings,
    RedisSettings,
    VectorEngine,
    VectorSettings,
    make_settings,
)
from services.evaluator.settings import Settings as EvaluatorSettings
from services.feedback.settings import Settings as FeedbackSettings
from services.indexer.settings import Settings as IndexerSettings
from services.ingest.settings import Settings as IngestSettings
from services.rag.settings import Settings as RagSettings
from workbench.stack import llama, secret
from workbench.stack.folder import Folder
from workbench.stack.servers import Servers

_PATIENCE_S = 300.0
GATES = Path(workbench.__file__).parents[1] / "gates"


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """What the environment says (`RAG_LLM__OPENAI_API_KEY`, ...) with the servers, the blobs and the vectors of one stack."""

    ingest: IngestSettings
    indexer: IndexerSettings
    rag: RagSettings
    evaluator: EvaluatorSettings
    feedback: FeedbackSettings

    def evaluator_of(self, http: str) -> EvaluatorSettings:
        """Those of the evaluator once it is known where rag answers; without a key of its own it uses the one that may do everything."""
        rag = self.evaluator.rag.model_copy(update={"url": http, "api_key": self.evaluator.rag.api_key or self.rag.admin_key})
        return self.evaluator.model_copy(update={"rag": rag})


def embedded_settings(servers: Servers, folder: Folder) -> EmbeddedSettings:
    """The settings of a stack whose servers run and whose data lies in `folder`."""
    # The broker cannot do idempotent producers, forgets all at its end, and lets a group wait for half its session timeout.
    kafka = KafkaSettings(bootstrap_servers=servers.kafka, idempotent=False, forgets=True, session_timeout_ms=2_000)
    blobs = BlobSettings(url=folder.blobs.as_uri())
    vectors = VectorSettings(engine=VectorEngine.EDGE, path=folder.vectors)
    redis = RedisSettings(url=SecretStr(servers.redis))

    def postgres(role: str, pool_size: int = 3) -> PostgresSettings:
        return PostgresSettings(dsn=SecretStr(servers.dsn(role)), pool_size=pool_size)

    evaluator = make_settings(EvaluatorSettings, kafka=kafka, postgres=postgres("evaluator"), blobs=blobs)
    evaluator = _with_gates(_with_key(evaluator, folder))
    promotion = {"receipt_keys": {signer.key_id: signer.public_key} if (signer := evaluator.receipts.signer) else {}}
    rag = make_settings(
        RagSettings, kafka=kafka, postgres=postgres("rag", 4), redis=redis, blobs=blobs, vectors=vectors, promotion=promotion
    )
    return EmbeddedSettings(
        ingest=make_settings(IngestSettings, kafka=kafka, postgres=postgres("ingest"), blobs=blobs),
        indexer=make_settings(IndexerSettings, kafka=kafka, postgres=postgres("indexer"), vectors=vectors),
        rag=rag.model_copy(update={"llm": _with_local(rag.llm, servers)}),
        evaluator=evaluator,
        feedback=make_settings(FeedbackSettings, kafka=kafka, postgres=postgres("feedback", 2)),
    )


def _with_key(evaluator: EvaluatorSettings, folder: Folder) -> EvaluatorSettings:
    """The environment's settings; without a key to sign receipts with, this folder's own, which its rag then trusts."""
    if evaluator.receipts.private_key:
        return evaluator
    key = SecretStr(secret.signing_key(folder.root))
    return evaluator.model_copy(update={"receipts": evaluator.receipts.model_copy(update={"private_key": key})})


def _with_gates(evaluator: EvaluatorSettings) -> EvaluatorSettings:
    """The environment's settings; without a folder of gates, those that come with the workbench, if they do."""
    if evaluator.gates_folder or not GATES.is_dir():
        return evaluator
    return evaluator.model_copy(update={"gates_folder": GATES})


def _with_local(llm: LLMSettings, servers: Servers) -> LLMSettings:
    """The environment's settings with this machine's own model first, if it runs, and with patience for it: it reads 150 words a second."""
    if servers.llm is None:
        return llm
    local = {
        "provider": LLMProvider.OPENAI_COMPATIBLE,
        "openai_compatible_base_url": servers.llm,
        "openai_compatible_api_key": SecretStr(servers.password),
        "openai_compatible_model": llama.MODEL,
        "first_token_timeout_s": _PATIENCE_S,
        "timeout_s": _PATIENCE_S,
    }
    return llm.model_copy(update=local)
