"""What every tenant has from the start: a prompt and a variant to answer with, in the registry like any other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.rag.registry.entry import PRODUCTION, Entry, Kind
from services.rag.registry.move import Weights
from services.rag.registry.store import NewMove, RegistryStore
from services.rag.registry.version import Definition, sha256_of

AUTHOR = "workbench"
MESSAGE = "built in"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A definition that comes with the code."""

    kind: Kind
    name: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class BuiltIns:
    """Registers `all` for a tenant who is new here, as version 1 and in production; a name that is taken stays as it is."""

    store: RegistryStore
    all: Sequence[BuiltIn]
    _there: set[str] = field(default_factory=set)

    async def ensure(self, tenant_id: str) -> None:
        """However many replicas do this at once, each is registered once."""
        if tenant_id in self._there:
            return
        for built_in in self.all:
            await self._register(built_in, Entry(built_in.kind, tenant_id, built_in.name))
        self._there.add(tenant_id)

    async def _register(self, built_in: BuiltIn, entry: Entry) -> None:
        """The one move that asks for no scope: the label points nowhere yet, and nobody else has written under the name."""
        async with self.store.deciding(entry) as connection:
            if await self.store.latest(entry, connection) is not None:
                return
            definition = built_in.definition
            version = {"version": 1, "sha256": sha256_of(definition), "definition": definition, "message": MESSAGE, "author": AUTHOR}
            await self.store.put_version(connection, entry, version, AUTHOR)
            await self.store.put_move(connection, entry, PRODUCTION, 1, NewMove(None, Weights.all_to(1), MESSAGE, AUTHOR))
