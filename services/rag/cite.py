"""Citations: what a model says it quotes is found in its passage, then in the stored text, or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.queries import Citation
from kit.ports.vectors import Hit
from services.rag.citations.resolve import Part, Resolver, StoredTexts


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer as people read it, `[1]` after a claim, and what the markers stand for."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Citer:
    """Verifies drafts. The stored text, not the index or the model, has the last word."""

    texts: StoredTexts

    def resolver(self, passages: Sequence[Hit], tenant_id: str) -> Resolver:
        """Verifies one draft as it comes."""
        return Resolver(self.texts, passages, tenant_id)

    async def verified(self, draft: str, passages: Sequence[Hit], tenant_id: str, cut: bool = False) -> CitedText:
        """Replaces each `[n: "quote"]` of `draft` by a marker if the quote stands in the stored text of passage n, by nothing if not.

        A draft that was `cut` off may end in the middle of a citation, which is left out then. Raises as the database does.
        """
        resolver = self.resolver(passages, tenant_id)
        parts = [*await resolver.feed(draft), *await resolver.close(cut)]
        return CitedText(text_of(parts), resolver.citations)


def text_of(parts: Sequence[Part]) -> str:
    """What people read."""
    return "".join(part if isinstance(part, str) else part.text for part in parts)
