"""Datasets into the workbench: their documents are uploaded and indexed, gold spans are checked against what is stored, cases registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kit.clock import Clock
from kit.errors import Permanent
from workbench.client import Client


class Step(StrEnum):
    """What a preparation does, in this order."""

    READING = "Reading"
    INDEXING = "Indexing"
    CHECKING = "Checking"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is: `done` cases or documents of `total` (None while that is not known)."""

    step: Step
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What goes before what the set says of itself; `limit` takes the first cases alone."""

    name: str | None = None
    mapping: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A dataset that can be evaluated on: `name` points at `fingerprint`. A set that was there already is not `created`.

    `moved` gold spans stand elsewhere in the stored text than the set says; of `unplaced` ones the document alone is known.
    """

    name: str
    fingerprint: str
    cases: int
    documents: int
    unanswerable: int = 0
    created: bool = True
    moved: int = 0
    unplaced: int = 0


async def prepare(
    client: Client, reference: str, options: PrepareOptions, tell: Callable[[Progress], None], clock: Clock | None = None
) -> Prepared:
    """Uploads a set's documents, waits until they are indexed, and registers its cases. Again, it changes nothing.

    `reference` is a folder with a dataset.yaml, such a file, a data file, or `hf:name[#config:split]`. Raises Permanent.
    """
    raise Permanent("dataset_unusable", f"{reference} cannot be prepared yet")
