"""The JSON of requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import DocumentId, Name
from contracts.queries import Citation, NamedVersion, Usage

MAX_QUESTION_CHARS = 8_000
MAX_TEXTS = 256
MAX_TOP_K = 100

# No database stores a NUL character in a text.
QuestionText = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Title = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
Metadata = Annotated[dict[Name, Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]], Field(max_length=50)]


class Request(BaseModel):
    """A request body: nothing but what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchFilter(Request):
    """Narrows a search; all given conditions must hold."""

    document_ids: tuple[DocumentId, ...] = ()
    media_types: tuple[Name, ...] = ()
    metadata: Metadata = Field(default_factory=dict)


class IngestText(Request):
    """A document given as text."""

    text: str = Field(min_length=1)
    title: Title
    media_type: Name = "text/plain"
    document_id: DocumentId | None = None
    metadata: Metadata = Field(default_factory=dict)


class SearchRequest(Request):
    """A search. `variant` is a name, name@label or name@version; where a label has a canary, equal `subject`s get the same version."""

    query: QuestionText
    top_k: int = Field(default=10, ge=1, le=MAX_TOP_K)
    variant: Name | None = None
    subject: Name | None = None
    filter: SearchFilter = SearchFilter()
    explain: bool = False


class QueryRequest(Request):
    """A question; `variant` and `subject` as in a search. Without `top_k` the variant's is taken. `stream` asks for server-sent events."""

    question: QuestionText
    top_k: int | None = Field(default=None, ge=1, le=MAX_TOP_K)
    variant: Name | None = None
    subject: Name | None = None
    filter: SearchFilter = SearchFilter()
    stream: bool = False


class EmbedRequest(Request):
    """Texts to embed."""

    texts: tuple[Annotated[str, Field(min_length=1, max_length=20_000)], ...] = Field(min_length=1, max_length=MAX_TEXTS)


class Receipt(BaseModel):
    """What became of an upload."""

    document_id: str
    version: int
    status: str
    status_url: str
    duplicate: bool = False


class ChunkCounts(BaseModel):
    """How far a document is; `total` is None until it is cut."""

    total: int | None
    indexed: int


class DocumentProblem(BaseModel):
    """Why a document failed."""

    code: str
    message: str


class Document(BaseModel):
    """A document's newest version. `status`: queued, parsing, embedding, indexing, indexed, failed, deleted."""

    document_id: str
    version: int
    title: str
    media_type: str
    sha256: str
    bytes: int
    status: str
    chunks: ChunkCounts
    error: DocumentProblem | None
    created_at: datetime
    updated_at: datetime


class DocumentPage(BaseModel):
    """Documents by id; `next` is the `after` of the next page, None on the last."""

    documents: list[Document]
    next: str | None


class Rank(BaseModel):
    """Where one list (dense, sparse, rerank) has a hit, from 1, and its score there."""

    rank: int
    score: float


class SearchHit(BaseModel):
    """A found chunk: `text` stands at `[start, end)` of the document's extracted text. `places` explain its rank, if that was asked for."""

    chunk_id: UUID
    document_id: str
    version: int
    score: float
    text: str
    title: str
    start: int
    end: int
    page: int | None
    heading: str | None
    places: dict[str, Rank] | None = None


class SearchResponse(BaseModel):
    """Hits, best first. `degraded` names what the search had to do without: dense, reranker, multi_query."""

    degraded: list[str]
    hits: list[SearchHit]
    timings_ms: dict[str, float]
    variant: NamedVersion


class TitledCitation(Citation):
    """A verified citation, with its document's title."""

    title: str


class QueryResponse(BaseModel):
    """An answer. `answer` has a `[1]` after what `citations` with marker 1 proves; `contexts` are the passages it was written from.

    `degraded` names what it had to do without: dense, reranker, multi_query, llm_first_choice, llm. A `cached` one was given before.
    `confidence` tells how sure the model was of the best it could say, also where it abstained; None if it tells nothing of it.
    """

    answer_id: UUID
    answer: str
    abstained: bool
    confidence: float | None = None
    citations: list[TitledCitation]
    contexts: list[SearchHit]
    provider: str
    model: str
    prompt: NamedVersion
    variant: NamedVersion
    usage: Usage
    timings_ms: dict[str, float]
    degraded: list[str]
    cached: bool
    trace_id: str | None


class EmbedUsage(BaseModel):
    """Tokens of all texts together."""

    input_tokens: int


class EmbedResponse(BaseModel):
    """One vector a text, in order."""

    embeddings: list[list[float]]
    model: str
    dimensions: int
    usage: EmbedUsage


class Problem(BaseModel):
    """RFC 9457: what is wrong and what to do. `errors` lists broken fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[dict[str, str]] | None = None
