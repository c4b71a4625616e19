"""Datasets into the workbench: documents are indexed, gold spans checked against what is stored, cases registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.clock import Clock, SystemClock
from kit.datasets.entry import Context, document_id_of
from kit.datasets.lines import written
from kit.datasets.load import Source, read_entries
from kit.errors import Permanent
from workbench.client import Client
from workbench.dataset_check import Checker
from workbench.dataset_folder import Described, described, document_rows
from workbench.dataset_spool import Spool
from workbench.uploads import Outcome, Outgoing, find_files, send_all

_AT_ONCE = 256
_TITLE_CHARS = 512


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
    """A dataset that can be evaluated on: `name` stands for the cases of `fingerprint`.

    `moved` gold spans stand elsewhere in the stored text than the set says; of `unplaced` ones the document alone is known. `copies` are
    documents under other ids with the same content.
    """

    name: str
    fingerprint: str
    cases: int
    documents: int
    unanswerable: int = 0
    moved: int = 0
    unplaced: int = 0
    copies: int = 0


async def prepare(
    client: Client, reference: str, options: PrepareOptions, tell: Callable[[Progress], None], clock: Clock | None = None
) -> Prepared:
    """Uploads a set's documents, waits until they are indexed, and registers its cases. Again, it changes nothing.

    `reference` is a folder with a dataset.yaml, such a file, a data file, or `hf:name[#config:split]`. Raises Permanent as
    `kit.datasets.load` does, `dataset_folder_invalid`, `dataset_documents_failed` or `dataset_document_unknown`, and as the client does.
    """
    wanted = _wanted(described(reference), options)
    with TemporaryDirectory(prefix="workbench-dataset-") as folder:
        spool = Spool(Path(folder))
        spool.take(read_entries(wanted.source), lambda done: tell(Progress(Step.READING, done, None)))
        ids = await _upload(client, wanted, spool, tell, clock or SystemClock())
        checker, lines = Checker(client, set(ids)), []
        for number, case in enumerate(spool.cases(), start=1):
            lines.append(written(await checker.checked(case)))
            tell(Progress(Step.CHECKING, number, spool.count))
    kept = await client.put_dataset(wanted.name, wanted.description, b"".join(lines))
    return Prepared(
        wanted.name,
        kept["fingerprint"],
        kept["cases"],
        len(ids),
        kept["unanswerable"],
        checker.moved,
        checker.unplaced,
        await _copies(client, ids),
    )


def _wanted(said: Described, options: PrepareOptions) -> Described:
    """What the set says of itself, and what goes before it. The first cases alone are a set of another name."""
    mapping = options.mapping or (None if options.columns else said.source.mapping)
    columns = options.columns or ({} if options.mapping else said.source.columns)
    source = Source(said.source.reference, mapping, columns, options.split or said.source.split, options.limit)
    first = f"-first-{options.limit}" if options.limit else ""
    return replace(said, source=source, name=options.name or said.name + first)


async def _upload(client: Client, wanted: Described, spool: Spool, tell: Callable[[Progress], None], clock: Clock) -> frozenset[str]:
    """Uploads what the set brings, some at a time; gives the ids. Raises Permanent `dataset_documents_failed`."""
    files = _files(wanted, spool)
    total, done = len(files) + len(spool.document_ids), 0

    def told(_: Outcome) -> None:
        nonlocal done
        done += 1
        tell(Progress(Step.INDEXING, done, total))

    outgoing, failed = chain(files, map(_outgoing, spool.contexts())), []
    while batch := list(islice(outgoing, _AT_ONCE)):
        failed += [outcome for outcome in await send_all(client, batch, clock, told, wait=True) if outcome.status != "indexed"]
    if failed:
        told_of = f"{len(failed)} of {total} documents cannot be searched, such as {failed[0].path}: {failed[0].error or failed[0].status}"
        raise Permanent("dataset_documents_failed", f"{told_of}; correct them, or leave them out")
    return frozenset({*spool.document_ids, *(file.document_id for file in files if file.document_id)})


def _files(wanted: Described, spool: Spool) -> list[Outgoing]:
    """The files of the set's folder of documents; rows of documents go to the spool."""
    if wanted.documents is None:
        return []
    if not wanted.documents.is_dir():
        spool.take_documents(document_rows(wanted.documents, wanted.document_columns))
        return []
    found, _ = find_files([wanted.documents])
    return [Outgoing(str(path), path.read_bytes, document_id_of(path.relative_to(wanted.documents).as_posix())) for path in found]


def _outgoing(context: Context) -> Outgoing:
    title = context.title.replace("\0", " ").strip()[:_TITLE_CHARS] or context.document_id
    return Outgoing(f"{context.document_id}.txt", lambda: context.text.encode(errors="replace"), context.document_id, title)


async def _copies(client: Client, ids: frozenset[str]) -> int:
    """How many documents of other ids say what one of these says: an answer may rest on them, and be taken for wrong."""
    documents = await client.documents() if ids else []
    ours = {document["sha256"] for document in documents if document["document_id"] in ids}
    return sum(document["sha256"] in ours and document["document_id"] not in ids for document in documents)
