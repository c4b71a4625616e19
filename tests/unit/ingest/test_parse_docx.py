"""DOCX to text, and the zip files that are none, or more than they seem."""

import time

import pytest

from contracts.media_types import DOCX
from kit.errors import Permanent
from services.ingest.document import Heading
from services.ingest.parse import parse
from tests.unit.ingest.documents import docx_of_xml, good_docx, paragraph, zip_bomb, zip_bomb_that_lies, zipped

ENTITIES = b'<!DOCTYPE w:document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def test_headings_lists_and_tables_are_read_in_order() -> None:
    """The title is a heading too; a table's first row heads it."""
    document = parse(good_docx(), DOCX)

    assert document.text == (
        "Leave policy\n\n\nCarry-over\n\nFive days move to the next year.\n- until 31 March\n- never in cash\n\n"
        "| Grade | Days |\n| --- | --- |\n| Senior | 30 |"
    )
    assert document.headings == (Heading(0, 1, "Leave policy"), Heading(15, 1, "Carry-over"))
    assert document.pages == ()


def test_content_controls_and_insertions_are_read_and_deletions_are_not() -> None:
    """What a reader of the accepted document sees."""
    body = (
        b"<w:sdt><w:sdtContent>" + paragraph("In a control.") + b"</w:sdtContent></w:sdt>"
        b"<w:p><w:ins><w:r><w:t>Added</w:t></w:r></w:ins><w:del><w:r><w:br/><w:delText>gone</w:delText></w:r></w:del>"
        b"<w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom>"
        b"<w:r><w:tab/><w:t>kept</w:t></w:r></w:p>"
    )

    assert parse(docx_of_xml(body), DOCX).text == "In a control.\n\nAdded\tkept"


@pytest.mark.parametrize(
    ("data", "code", "advice"),
    [
        (zip_bomb(), "document_bomb", "split the document"),
        (zip_bomb_that_lies(), "document_corrupt", "save it again"),
        (docx_of_xml(paragraph("&b;"), prolog=ENTITIES), "document_corrupt", "save it again"),
        (docx_of_xml(b"<w:p>"), "document_corrupt", "save it again"),
        (docx_of_xml(b""), "document_without_text", "no text"),
        (zipped({"readme.txt": b"no document"}), "document_corrupt", "save it again"),
        (good_docx()[:2000], "document_corrupt", "save it again"),
        (b"\xd0\xcf\x11\xe0" + bytes(512), "document_encrypted", "without a password"),
    ],
)
def test_a_docx_that_cannot_be_read_says_why_and_what_to_do(data: bytes, code: str, advice: str) -> None:
    """Bombs, entity declarations, broken XML, no text, another zip, cut off, encrypted by Office."""
    with pytest.raises(Permanent, match=advice) as refused:
        parse(data, DOCX)

    assert refused.value.code == code


def test_depth_is_no_danger() -> None:
    """Nested tables deeper than Python's stack are read."""
    depth = 5_000
    body = b"<w:tbl><w:tr><w:tc>" * depth + paragraph("deep") + b"</w:tc></w:tr></w:tbl>" * depth
    began = time.process_time()

    assert parse(docx_of_xml(body), DOCX).text == "deep"
    assert time.process_time() - began < 5
