"""The in-memory twin of the registry's store, as far as looking things up goes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kit.clock import FakeClock
from kit.errors import Permanent
from services.rag.grounded_answer import built_in
from services.rag.prompts import Prompt, Prompts
from services.rag.registry.builtin import BuiltIns
from services.rag.registry.entry import PRODUCTION, Entry, Kind, Reference
from services.rag.registry.lookup import Lookup
from services.rag.registry.move import Weights
from services.rag.registry.registry import Registry
from services.rag.registry.store import RegistryStore
from services.rag.registry.version import Definition, Version, sha256_of
from services.rag.variants import Variant, Variants

TENANT = "default"


@dataclass
class InMemoryShelf:
    """Versions and labels; `asked` counts how often a label was read."""

    versions: dict[Entry, list[Definition]] = field(default_factory=dict)
    labels: dict[tuple[Entry, str], Weights] = field(default_factory=dict)
    asked: int = 0

    def put(self, kind: Kind, name: str, definition: Definition) -> int:
        """The next version, in production at once."""
        entry = Entry(kind, TENANT, name)
        versions = self.versions.setdefault(entry, [])
        versions.append(definition)
        self.labels[entry, PRODUCTION] = Weights.all_to(len(versions))
        return len(versions)

    async def version(self, entry: Entry, number: int) -> Version:
        """One that was put."""
        versions = self.versions.get(entry, [])
        if number > len(versions):
            raise Permanent("version_unknown", f"no version {number}")
        definition = versions[number - 1]
        return Version(entry, number, sha256_of(definition), definition, "m", "a", datetime(2026, 1, 1, tzinfo=UTC))

    async def weights(self, entry: Entry, label: str) -> Weights:
        """Where the label points."""
        self.asked += 1
        if (entry, label) not in self.labels:
            raise Permanent("label_unknown", f"no label {label}")
        return self.labels[entry, label]


class NoStore(RegistryStore):
    """Nothing is written in unit tests: everything that is built in is there."""

    def __init__(self) -> None:
        pass


def shelf_with_built_in() -> InMemoryShelf:
    """As a new tenant finds it."""
    shelf = InMemoryShelf()
    for one in built_in():
        shelf.put(one.kind, one.name, one.definition)
    return shelf


def prompts_on(shelf: InMemoryShelf) -> Prompts:
    """Finds what is on the shelf."""
    return Prompts(Registry(NoStore()), Lookup(shelf, FakeClock()))


async def prompt_of(template: Any, variables: dict[str, Any], **others: Any) -> Prompt:
    """A prompt that is ready, with others that it may include by their names: `(template, variables)`."""
    shelf = InMemoryShelf()
    for name, (inner, declared) in others.items():
        shelf.put(Kind.PROMPT, name, {"template": inner, "variables": declared})
    pins = {f"{name}@1": {"name": name, "version": "1"} for name in others}
    shelf.put(Kind.PROMPT, "tested", {"template": template, "variables": variables, "references": pins})
    return await prompts_on(shelf).resolve(TENANT, Reference("tested"), "")


def variants_on(shelf: InMemoryShelf) -> Variants:
    """Finds what is on the shelf."""
    prompts = prompts_on(shelf)
    return Variants(prompts.registry, prompts.lookup, prompts, BuiltIns(NoStore(), ()))


async def variant_on(shelf: InMemoryShelf, reference: str | None = None, subject: str = "") -> Variant:
    """What a reference stands for."""
    return await variants_on(shelf).resolve(TENANT, reference, subject)
