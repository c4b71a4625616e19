"""A document that cannot be ingested ends as failed with a reason that says what to do; those around it are indexed."""

import json
from uuid import uuid4

import pytest

from tests.e2e.conftest import Workbench
from tests.unit.ingest.documents import page, pdf, pdf_of_nested_forms, pdf_without_pages, zip_bomb

GOOD_PDF = pdf([page("A page that says something.")])

BAD = {
    "encrypted.pdf": (pdf([page("Secret.")], encrypt="password"), "document_encrypted"),
    "corrupt.pdf": (GOOD_PDF[: len(GOOD_PDF) // 3], "document_corrupt"),
    "no-pdf.pdf": (b"just words", "document_corrupt"),
    "scanned.pdf": (pdf([[], []]), "document_without_text"),
    "no-pages.pdf": (pdf_without_pages(), "document_empty"),
    "hostile.pdf": (pdf_of_nested_forms(), "document_too_complex"),
    "bomb.docx": (zip_bomb(), "document_bomb"),
    "no-docx.docx": (b"PK\x03\x04 nothing", "document_corrupt"),
    "binary.txt": (bytes(range(256)) * 20, "document_encoding"),
    "blank.txt": (b" \n\t\n", "document_without_text"),
    "blank.html": (b"<html><script>alert(1)</script></html>", "document_without_text"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_document_fails_with_its_reason(workbench: Workbench, name: str) -> None:
    """Its event is in the dead letter topic, told as docs.rejected, and the next document is indexed."""
    data, code = BAD[name]
    document_id = f"bad-{uuid4().hex}"
    accepted = await workbench.upload(name, data, document_id=document_id)

    document = await workbench.settled(document_id)

    assert accepted.status_code == 202
    assert (document["status"], document["error"]["code"]) == ("failed", code), document
    assert len(document["error"]["message"]) > 20
    dead, rejected = [
        (await workbench.records(topic, lambda record: record.key == document_id.encode()))[0]
        for topic in ("docs.uploaded.ingest.dlq", "docs.rejected")
    ]
    assert dict(dead.headers)["x-error-code"] == code.encode() == json.loads(rejected.value)["code"].encode()
    assert (await workbench.indexed("next.txt", f"{uuid4().hex} good".encode(), document_id=document_id))["version"] == 2


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("latin-1", b"")],
)
async def test_text_is_decoded_as_it_was_written(workbench: Workbench, encoding: str, bom: bytes) -> None:
    """With and without a byte order mark."""
    text = f"Notiz {uuid4().hex}. Die Bäckerei Müller öffnet um sechs Uhr früh. Über die Straße führt eine Brücke; später gehört sie uns."

    document = await workbench.indexed("notiz.txt", bom + text.encode(encoding))

    assert await workbench.eventually("SELECT text FROM ingest.texts WHERE sha256 = $1", document["sha256"]) == [text]


async def test_many_bad_documents_in_a_row_do_not_stop_the_others(workbench: Workbench) -> None:
    """A folder of scans is an ordinary folder."""
    receipts = [(await workbench.upload(f"{number}.txt", f" {chr(10) * number} ".encode())).json() for number in range(1, 13)]

    statuses = {(await workbench.settled(receipt["document_id"]))["status"] for receipt in receipts}

    assert statuses == {"failed"}
    for number in range(6):
        await workbench.indexed("good.txt", f"{uuid4().hex} good {number}".encode())
