"""What the routes work with: put together by `app.py` when the service starts, handed to each request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kit.clock import Clock
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient
from kit.tell import Teller
from services.rag.authenticate import Authenticator
from services.rag.catalogue import Catalogue
from services.rag.datasets import Datasets
from services.rag.evals import Evals
from services.rag.generations import Generations
from services.rag.keys import Keys
from services.rag.remembered import RememberedAnswers, RememberedSearch
from services.rag.store import Store
from services.rag.streaming import Streaming
from services.rag.upload import Uploads
from services.rag.usage import Budgets, Usage


@dataclass(frozen=True, slots=True)
class Parts:
    """The verbs and what they share."""

    search: RememberedSearch
    answers: RememberedAnswers
    streaming: Streaming
    uploads: Uploads
    datasets: Datasets
    keys: Keys
    authenticator: Authenticator
    store: Store
    teller: Teller
    embedder: EmbeddingModel
    llm: LLMClient
    budgets: Budgets
    usage: Usage
    generations: Generations
    evals: Evals
    catalogue: Catalogue
    clock: Clock
    max_document_bytes: int
    heartbeat_s: float


async def _parts(request: Request) -> Parts:  # a plain function would run in a thread
    parts: Parts = request.state.parts
    return parts


Rag = Annotated[Parts, Depends(_parts)]
