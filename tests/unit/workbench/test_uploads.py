"""Files into the workbench, played against a service of a few lines."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from kit.clock import FakeClock
from workbench.client import Client, Json
from workbench.uploads import UPLOADS_AT_ONCE, Outcome, find_files, upload_all

ClientOf = Callable[[Callable[..., object]], Client]


class Service:
    """Takes any upload; each document goes through `statuses`, one a poll. A body of `wrong` is refused."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = statuses
        self._polls: dict[str, Iterator[str]] = {}
        self.uploading = self.most_uploading = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=self._document(request.url.path.rpartition("/")[2]))
        if b"wrong" in request.content:
            problem = {"title": "Unsupported Media Type", "detail": "send a PDF"}
            return httpx.Response(415, json=problem, headers={"content-type": "application/problem+json"})
        self.uploading += 1
        self.most_uploading = max(self.most_uploading, self.uploading)
        await asyncio.sleep(0.01)
        self.uploading -= 1
        document_id = f"d{len(self._polls)}"
        self._polls[document_id] = iter(self._statuses)
        return httpx.Response(202, json={"document_id": document_id, "version": 1, "status": "queued", "duplicate": False})

    def _document(self, document_id: str) -> Json:
        status = next(self._polls[document_id])
        failed = status == "failed"
        error = {"code": "no_text", "message": "it is a scan"} if failed else None
        chunks = {"total": None if failed else 7, "indexed": 0}
        return {"document_id": document_id, "version": 1, "status": status, "chunks": chunks, "error": error}


def files(folder: Path, **contents: str) -> list[Path]:
    """Markdown files by their name."""
    for name, content in contents.items():
        (folder / f"{name}.md").write_text(content)
    return [folder / f"{name}.md" for name in contents]


async def upload(client: Client, paths: list[Path], *, wait: bool = True) -> tuple[list[Outcome], list[Outcome]]:
    """Uploads; gives the outcomes as they were told, and all in order."""
    told: list[Outcome] = []
    return told, await upload_all(client, paths, FakeClock(), told.append, wait=wait)


async def test_a_document_is_followed_until_it_is_indexed(tmp_path: Path, client_of: ClientOf) -> None:
    """The last status counts, and with it the number of chunks."""
    client = client_of(Service("queued", "embedding", "indexed"))

    told, outcomes = await upload(client, files(tmp_path, a="x"))

    assert outcomes == told == [Outcome(str(tmp_path / "a.md"), "d0", 1, "indexed", chunks=7)]


async def test_a_document_that_fails_has_its_reason(tmp_path: Path, client_of: ClientOf) -> None:
    """The reason of the service is the outcome's error."""
    _, outcomes = await upload(client_of(Service("failed")), files(tmp_path, a="x"))

    assert (outcomes[0].status, outcomes[0].error, outcomes[0].ok) == ("failed", "it is a scan", False)


async def test_a_refused_upload_does_not_stop_the_others(tmp_path: Path, client_of: ClientOf) -> None:
    """The outcomes stand in the order of the files."""
    _, outcomes = await upload(client_of(Service("indexed")), files(tmp_path, a="x", b="wrong", c="y"))

    assert [item.ok for item in outcomes] == [True, False, True]
    assert outcomes[1].error == "Unsupported Media Type: send a PDF"


async def test_without_waiting_the_first_status_is_given(tmp_path: Path, client_of: ClientOf) -> None:
    """Queued is no failure."""
    _, outcomes = await upload(client_of(Service()), files(tmp_path, a="x"), wait=False)

    assert (outcomes[0].status, outcomes[0].ok) == ("queued", True)


async def test_only_a_few_files_are_uploaded_at_once(tmp_path: Path, client_of: ClientOf) -> None:
    """A folder of thousands is no attack."""
    service = Service("indexed")

    await upload(client_of(service), files(tmp_path, **{f"f{n}": "x" for n in range(20)}))

    assert service.most_uploading == UPLOADS_AT_ONCE


@pytest.mark.parametrize("name", ["a.md", "b.PDF"])
def test_supported_files_are_found_below_folders(tmp_path: Path, name: str) -> None:
    """Others are named as skipped; hidden ones are not mentioned."""
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    for path in (f"deep/{name}", "image.png", ".git/config.txt"):
        (tmp_path / path).touch()

    assert find_files([tmp_path]) == ([tmp_path / "deep" / name], [tmp_path / "image.png"])


def test_a_file_named_twice_is_uploaded_once(tmp_path: Path) -> None:
    """By itself and through its folder."""
    (tmp_path / "a.md").touch()

    assert find_files([tmp_path / "a.md", tmp_path]) == ([tmp_path / "a.md"], [])
