"""A variant: an immutable configuration of the pipeline, named, and versioned by the hash of what it says."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from contracts.queries import NamedVersion
from kit.errors import Permanent


@dataclass(frozen=True, slots=True)
class Variant:
    """How a question is answered. `candidates` are taken from each of the dense and the sparse list before fusion."""

    name: str = "default"
    retriever: str = "hybrid"
    fusion: str = "dbsf"
    candidates: int = 50
    top_k: int = 5
    prompt: str = "grounded-answer"
    max_tokens: int = 1024

    @property
    def identity(self) -> NamedVersion:
        """Its name and version: equal configurations have equal versions."""
        content = json.dumps(asdict(self), sort_keys=True)
        return NamedVersion(name=self.name, version=sha256(content.encode()).hexdigest()[:12])


@dataclass(frozen=True, slots=True)
class Variants:
    """The variants that can be asked for."""

    known: tuple[Variant, ...] = (Variant(),)

    def named(self, name: str | None) -> Variant:
        """The variant of that name, the first one without a name. Raises Permanent `variant_unknown`."""
        for variant in self.known:
            if name in (None, variant.name):
                return variant
        raise Permanent("variant_unknown", f"there is no variant {name!r}; choose one of {', '.join(v.name for v in self.known)}")
