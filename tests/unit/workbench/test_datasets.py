"""A dataset made ready, against a workbench of a few lines that keeps documents and cases."""

import io
from collections.abc import Callable
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from kit.clock import FakeClock
from kit.datasets.case import Case, Gold
from kit.datasets.entry import document_id_of
from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import read_cases
from kit.errors import Permanent
from tests.unit.datasets.rows import json_lines, squad_row
from workbench.cli.render import datasets as render
from workbench.client import Client, Json
from workbench.datasets import Prepared, PrepareOptions, Progress, Step, prepare

ClientOf = Callable[[Any], Client]
PROBLEM = {"content-type": "application/problem+json"}


class Service:
    """Documents are searchable at once, but those that say `scan`; their text is what was uploaded, changed by `parse`."""

    def __init__(self, parse: Callable[[str], str] = str) -> None:
        self.documents: dict[str, tuple[str, str]] = {}
        self.datasets: dict[str, list[Case]] = {}
        self._parse = parse

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path.strip("/").split("/"):
            case "POST", ["ingest"]:
                fields = form(request)
                self.documents[fields["document_id"]] = (fields["title"], self._parse(fields["file"]))
                return httpx.Response(202, json=self._document(fields["document_id"]))
            case "POST", ["datasets"]:
                fields = form(request)
                cases = self.datasets[fields["name"]] = list(read_cases(io.BytesIO(fields["file"].encode())))
                counts = {"cases": len(cases), "unanswerable": sum(not case.answerable for case in cases)}
                return httpx.Response(201, json={"fingerprint": fingerprint(cases), **counts})
            case "GET", ["documents"]:
                return httpx.Response(200, json={"documents": [self._document(name) for name in self.documents], "next": None})
            case "GET", ["documents", name, *_] if name not in self.documents:
                return httpx.Response(404, json={"code": "document_unknown", "title": "Not Found"}, headers=PROBLEM)
            case "GET", ["documents", name, "text"]:
                start, text = int(request.url.params["start"]), self.documents[name][1]
                part = text[start : min(start + 10, int(request.url.params["end"]))]
                return httpx.Response(200, json={"text": part, "start": start, "end": start + len(part), "length": len(text)})
            case _:
                return httpx.Response(200, json=self._document(request.url.path.rpartition("/")[2]))

    def _document(self, name: str) -> Json:
        failed = self.documents[name][1] == "scan"
        error = {"code": "document_without_text", "message": "it is a scan"} if failed else None
        told = {"document_id": name, "version": 1, "status": "failed" if failed else "indexed", "chunks": None, "error": error}
        return {**told, "sha256": sha256(self.documents[name][1].encode()).hexdigest()}


def form(request: httpx.Request) -> dict[str, str]:
    """The fields of a multipart request."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.content).get_payload()
    named = {str(part.get_param("name", header="content-disposition")): part for part in parts}  # type: ignore[union-attr]
    return {"title": "", **{name: part.get_payload(decode=True).decode().removesuffix("\r\n") for name, part in named.items()}}  # type: ignore[union-attr]


async def made_ready(client: Client, reference: Path, **options: Any) -> Prepared:
    """Prepares a set without a clock."""
    return await prepare(client, str(reference), PrepareOptions(**options), lambda _: None, FakeClock())


def folder(path: Path, rows: list[Json], **said: str) -> Path:
    """A set of native cases with two documents in a folder."""
    (path / "documents").mkdir()
    for name, text in {"a.md": "The first of all.", "b c.md": "The second."}.items():
        (path / "documents" / name).write_text(text)
    json_lines(path / "cases.jsonl", rows)
    lines = {"name": "mine", "cases": "cases.jsonl", "documents": "documents"} | said
    (path / "dataset.yaml").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    return path


CASE: Json = {"id": "1", "question": "?", "gold": [{"document_id": "a.md", "start": 4, "end": 9, "quote": "first"}]}


async def test_a_set_brings_its_documents_and_cases(tmp_path: Path, client_of: ClientOf) -> None:
    """Contexts are uploaded once under the ids that the gold names; the cases are registered as they are."""
    service = Service()
    path = json_lines(tmp_path / "rhine.jsonl", [squad_row(), squad_row(id="q2", answers={"text": [], "answer_start": []})])

    done = await made_ready(client_of(service), path)

    [one, none] = service.datasets["rhine"]
    [(document_id, (title, text))] = service.documents.items()
    assert (done.name, done.cases, done.unanswerable, done.documents, done.moved, done.unplaced) == ("rhine", 2, 1, 1, 0, 0)
    assert (title, {gold.document_id for gold in one.gold}, none.answerable) == ("Rhine", {document_id}, False)
    assert [text[gold.start : gold.end] for gold in one.gold] == ["Switzerland", "in Switzerland"]
    assert done.fingerprint == fingerprint([one, none])


async def test_files_are_uploaded_under_their_names(tmp_path: Path, client_of: ClientOf) -> None:
    """What the cases call them; one whose name can be no id has one made of it."""
    service = Service()

    done = await made_ready(client_of(service), folder(tmp_path, [CASE]))

    assert (done.name, done.documents) == ("mine", 2)
    assert service.documents.keys() == {"a.md", document_id_of("b c.md")}


async def test_documents_may_be_rows_with_columns_of_their_own(tmp_path: Path, client_of: ClientOf) -> None:
    """And lie anywhere; ids that are none, such as addresses, still meet those of the cases."""
    service = Service()
    json_lines(tmp_path / "corpus.jsonl", [{"link": "https://x.org/#a", "head": "A", "text": "one"}])
    set_of = folder(
        tmp_path,
        [{"q": "?", "docs": ["https://x.org/#a"]}],
        columns="{question: q, gold: docs}",
        documents=str(tmp_path / "corpus.jsonl"),
        document_columns="{document_id: link, title: head}",
    )

    await made_ready(client_of(service), set_of / "dataset.yaml")

    [gold] = service.datasets["mine"][0].gold
    assert service.documents == {gold.document_id: ("A", "one")}


async def test_a_span_that_parsing_moved_is_moved_and_told(tmp_path: Path, client_of: ClientOf) -> None:
    """What is registered stands where the quote does, in a text longer than one answer of the service; a lost one is its document."""
    service = Service(parse=lambda text: "A heading of its own\n" + text.replace("second", "2nd"))
    lost = {"id": "2", "question": "?", "gold": [{"document_id": "a.md", "start": 0, "end": 4, "quote": "gone"}]}

    done = await made_ready(client_of(service), folder(tmp_path, [CASE, lost]))

    [[moved], [unplaced]] = [case.gold for case in service.datasets["mine"]]
    assert service.documents["a.md"][1][moved.start : moved.end] == "first"
    assert unplaced == Gold(document_id="a.md", quote="gone")
    assert (done.moved, done.unplaced) == (1, 1)


async def test_options_go_before_what_the_set_says(tmp_path: Path, client_of: ClientOf) -> None:
    """The first cases alone have a name of their own, so that they do not take the whole set's."""
    service, set_of = Service(), folder(tmp_path, [CASE, {**CASE, "id": "2"}])

    for options in ({"limit": 1}, {"limit": 1, "name": "one"}, {"mapping": "native"}):
        await made_ready(client_of(service), set_of, **options)

    assert {name: len(cases) for name, cases in service.datasets.items()} == {"mine-first-1": 1, "one": 1, "mine": 2}


async def test_copies_under_other_ids_are_told(tmp_path: Path, client_of: ClientOf) -> None:
    """As after a plain upload of the same files."""
    service = Service()
    service.documents["doc-1"] = ("", "The first of all.")

    done = await made_ready(client_of(service), folder(tmp_path, [CASE]))

    assert done.copies == 1


async def test_each_step_is_told_until_it_is_done(tmp_path: Path, client_of: ClientOf) -> None:
    """Documents and spans with their total."""
    told: list[Progress] = []

    await prepare(client_of(Service()), str(folder(tmp_path, [CASE])), PrepareOptions(), told.append, FakeClock())

    last = {progress.step: (progress.done, progress.total) for progress in told}
    assert last == {Step.READING: (1, None), Step.INDEXING: (2, 2), Step.CHECKING: (1, 1)}


async def refused(client: Client, reference: Path) -> tuple[str, str]:
    """Code and message of a set that cannot be prepared."""
    with pytest.raises(Permanent) as error:
        await made_ready(client, reference)
    return error.value.code, error.value.message


async def test_a_document_that_cannot_be_searched_ends_it(tmp_path: Path, client_of: ClientOf) -> None:
    """By its name and reason; nothing is registered."""
    service, set_of = Service(), folder(tmp_path, [CASE])
    (set_of / "documents" / "b c.md").write_text("scan")

    code, told = await refused(client_of(service), set_of)

    assert (code, service.datasets) == ("dataset_documents_failed", {})
    assert all(part in told for part in ("1 of 2", "b c.md", "it is a scan"))


@pytest.mark.parametrize("gold", [{"document_id": "z"}, {"document_id": "z", "start": 0, "end": 1, "quote": "a"}])
async def test_gold_in_a_document_that_is_nowhere_is_told(tmp_path: Path, client_of: ClientOf, gold: Json) -> None:
    """Retrieval could only be wrong there."""
    code, told = await refused(client_of(Service()), folder(tmp_path, [CASE, {**CASE, "id": "2", "gold": [gold]}]))

    assert code == "dataset_document_unknown"
    assert "case '2'" in told
    assert "'z'" in told


@pytest.mark.parametrize(
    ("said", "code", "part"),
    [
        ({"colour": "red"}, "dataset_folder_invalid", "colour"),
        ({"name": "a/b"}, "dataset_folder_invalid", "name"),
        ({"documents": "nowhere"}, "dataset_folder_invalid", "nowhere"),
        ({"cases": "nowhere.jsonl"}, "dataset_unknown", "nowhere.jsonl"),
        ({"documents": "cases.jsonl"}, "dataset_columns_wrong", "document_id=document_id"),
    ],
)
async def test_a_description_that_is_wrong_is_told(tmp_path: Path, client_of: ClientOf, said: Json, code: str, part: str) -> None:
    """With what is wrong."""
    found, told = await refused(client_of(Service()), folder(tmp_path, [CASE], **said))

    assert found == code
    assert part in told


async def test_a_folder_without_a_description_and_a_set_that_is_not_there_are_told(tmp_path: Path, client_of: ClientOf) -> None:
    """With what to give instead."""
    assert (await refused(client_of(Service()), tmp_path))[0] == "dataset_folder_invalid"
    assert (await refused(client_of(Service()), tmp_path / "none"))[0] == "dataset_unknown"


def test_what_was_prepared_is_shown_with_what_to_know_about_it() -> None:
    """Nothing is said of what did not happen."""
    screen = Console(width=120, record=True)

    screen.print(render.prepared(Prepared("mine", "f" * 64, 9, 2, unanswerable=3, moved=4)))

    shown = screen.export_text()
    assert all(part in shown for part in ("mine", "9 cases, 3 of them unanswerable, 2 documents", "4 gold spans"))
    assert "under other ids" not in shown


@pytest.mark.parametrize(
    ("documents", "shown"),
    [
        ({"gold": 9, "missing": 0, "examples": []}, "9 gold documents, all searchable"),
        ({"gold": 0, "missing": 0, "examples": []}, "No gold documents"),
        ({"gold": 9, "missing": 2, "examples": ["a", "b"]}, "2 of 9 gold documents cannot be searched, such as a, b"),
        (None, "Nobody knows which documents"),
    ],
    ids=["all there", "none", "some missing", "unknown"],
)
def test_a_dataset_is_shown_with_the_documents_that_it_misses(documents: Json | None, shown: str) -> None:
    """Before an evaluation is refused for them."""
    screen = Console(width=160, record=True)

    screen.print(
        render.dataset({"name": "mine", "description": "", "fingerprint": "f", "slices": {}, "uploads": [], "documents": documents})
    )

    assert shown in screen.export_text()
