"""The role that answers questions: a variant is pinned once, and asked ever again on somebody's behalf."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.queries import NamedVersion
from kit.errors import Permanent, Transient
from kit.ports.embedding import Vectors
from services.evaluator.answered import Answered
from services.evaluator.record import PromptVersion

TIMEOUT = "rag_timeout"


class Refused(Permanent):
    """One question cannot be answered; others may be."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A version of a variant and of its prompt, under the hashes of what they say; `settings` is the variant's definition."""

    variant: NamedVersion
    sha256: str
    prompt: PromptVersion
    index_generation: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


class Rag(Protocol):
    """Promise: a version that is pinned always says the same."""

    def on_behalf(self, tenant_id: str, run_id: str | None = None) -> "Rag":
        """The same, for a tenant; what its models cost goes on the budget of the run."""
        ...

    async def pin(self, reference: str) -> Pinned:
        """What `name`, name@label or name@version stands for now.

        Raises Permanent `variant_unknown` or, where a label has several versions, `variant_not_pinned`; DependencyDown.
        """
        ...

    async def ask(self, question: str, variant: NamedVersion) -> Answered:
        """A new answer, never a remembered one.

        Raises Refused or Transient for this question, DependencyDown or another Permanent for all.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order. Raises as `ask`."""
        ...

    async def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Any other request; gives the JSON of its answer. Raises as `ask`."""
        ...


@contextmanager
def readable() -> Iterator[None]:
    """While an answer of rag is taken apart. Raises Transient `rag_answer_invalid`: something else than rag may stand at its address."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        told = f"the answer cannot be read ({error!r}); check that EVALUATOR_RAG__URL is that of a rag"
        raise Transient("rag_answer_invalid", told) from error
