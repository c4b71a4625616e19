"""Files into the workbench: which ones, a few at a time, each followed until it is searchable or refused."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.media_types import media_type_of
from kit.clock import Clock
from kit.errors import WorkbenchError
from workbench.client import Client, Json

UPLOADS_AT_ONCE = 4
POLLS_AT_ONCE = 8

_FINAL = frozenset({"indexed", "failed", "deleted"})
_FIRST_POLL_S, _SLOWEST_POLL_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document to be uploaded: a file's, or one that `read` gives. The service chooses the id and the title if they are not given."""

    path: str
    read: Callable[[], bytes]
    document_id: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. `status` is the document's; `error` says why it failed."""

    path: str
    document_id: str | None = None
    version: int | None = None
    status: str = "failed"
    duplicate: bool = False
    chunks: int | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it did not fail, as far as is known."""
        return self.error is None and self.status not in ("failed", "deleted")


def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files of a supported type below `paths`, and the others, in order; hidden ones are passed over unless named."""
    files = list(dict.fromkeys(file for path in paths for file in _below(path)))
    supported = [file for file in files if media_type_of(file.name)]
    return supported, [file for file in files if file not in set(supported)]


async def upload_all(client: Client, files: Sequence[Path], clock: Clock, told: Callable[[Outcome], None], *, wait: bool) -> list[Outcome]:
    """Uploads `files` as `send_all` does."""
    return await send_all(client, [Outgoing(str(path), path.read_bytes) for path in files], clock, told, wait=wait)


async def send_all(
    client: Client, documents: Sequence[Outgoing], clock: Clock, told: Callable[[Outcome], None], *, wait: bool
) -> list[Outcome]:
    """Uploads documents; with `wait`, until each is indexed or failed. Each outcome is told as it comes; all are given, in order."""
    uploads, polls = asyncio.Semaphore(UPLOADS_AT_ONCE), asyncio.Semaphore(POLLS_AT_ONCE)

    async def follow(document: Outgoing) -> Outcome:
        async with uploads:
            outcome = await _upload(client, document)
        if wait:
            outcome = await _settle(client, outcome, clock, polls)
        told(outcome)
        return outcome

    return list(await asyncio.gather(*(follow(document) for document in documents)))


def _below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts):
            yield file


async def _upload(client: Client, document: Outgoing) -> Outcome:
    try:
        data = await asyncio.to_thread(document.read)
        return _seen(Outcome(document.path), await client.upload(Path(document.path).name, data, document.document_id, document.title))
    except (WorkbenchError, OSError) as error:
        return Outcome(document.path, error=str(error))


async def _settle(client: Client, outcome: Outcome, clock: Clock, polls: asyncio.Semaphore) -> Outcome:
    pause = _FIRST_POLL_S
    while outcome.document_id is not None:
        try:
            async with polls:
                outcome = _seen(outcome, await client.document(outcome.document_id))
        except WorkbenchError as error:
            return replace(outcome, error=str(error))
        if outcome.status in _FINAL:
            break
        await clock.sleep(pause)
        pause = min(pause * 1.5, _SLOWEST_POLL_S)
    return outcome


def _seen(outcome: Outcome, document: Json) -> Outcome:
    """`outcome` after an answer of /ingest or /documents/{id}."""
    error, chunks = document.get("error"), document.get("chunks")
    return replace(
        outcome,
        document_id=document["document_id"],
        version=document["version"],
        status=document["status"],
        duplicate=document.get("duplicate", outcome.duplicate),
        chunks=chunks["total"] if chunks else None,
        error=error["message"] if error else None,
    )
