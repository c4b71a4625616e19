"""What a reference stands for now, from memory: versions never change, and where a label points is remembered for 5 seconds."""

from typing import Protocol

from kit.clock import Clock
from services.rag.registry.entry import Entry, Reference
from services.rag.registry.move import Weights
from services.rag.registry.version import Version

REMEMBERED_S = 5.0
REMEMBERED = 10_000


class Shelf(Protocol):
    """Where versions and labels are kept. Promise: what is given was true at some moment after the call."""

    async def version(self, entry: Entry, number: int) -> Version:
        """Raises Permanent `version_unknown`."""
        ...

    async def weights(self, entry: Entry, label: str) -> Weights:
        """Raises Permanent `label_unknown`."""
        ...


class Lookup:
    """Resolves references. A move of a label is seen here at the latest 5 seconds after it was committed, whoever made it."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._labels: dict[tuple[Entry, str], tuple[float, Weights]] = {}
        self._versions: dict[tuple[Entry, int], Version] = {}

    async def resolve(self, entry: Entry, reference: Reference, subject: str) -> Version:
        """The version that `subject` gets. Raises Permanent `label_unknown` or `version_unknown`."""
        if reference.version is not None:
            return await self.version(entry, reference.version)
        weights = await self.weights(entry, reference.label)
        return await self.version(entry, weights.chosen(entry, reference.label, subject))

    async def version(self, entry: Entry, number: int) -> Version:
        """That version. Raises Permanent `version_unknown`."""
        known = self._versions.get((entry, number))
        if known is None:
            known = await self._shelf.version(entry, number)
            if len(self._versions) >= REMEMBERED:
                self._versions.clear()
            self._versions[entry, number] = known
        return known

    async def weights(self, entry: Entry, label: str) -> Weights:
        """Where a label points. Raises Permanent `label_unknown`."""
        now = self._clock.monotonic()
        until, known = self._labels.get((entry, label), (now, None))
        if known is None or now >= until:
            known = await self._shelf.weights(entry, label)
            if len(self._labels) >= REMEMBERED:
                self._labels.clear()
            self._labels[entry, label] = (now + REMEMBERED_S, known)  # from before the reading: it may have taken long
        return known

    def forget(self, entry: Entry | None = None, label: str = "") -> None:
        """Reads that label anew when it is next asked for; without any, all of them."""
        if entry is None:
            self._labels.clear()
        else:
            self._labels.pop((entry, label), None)
