"""Plain text and Markdown: the right encoding or none, and headings where CommonMark sees them."""

import pytest

from contracts.media_types import MARKDOWN, PLAIN, media_type_of
from kit.errors import Permanent
from services.ingest.document import Heading
from services.ingest.normalise import normalised
from services.ingest.parse import parse

GERMAN = "Die Prüfung läuft über Nacht; größere Fälle brauchen länger."
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        ("ASCII alone", "utf-16-le"),
        (GERMAN, "latin-1"),
        ("The “quoted” price — about £20 — isn’t final.", "cp1252"),
        ("Проверка качества выполняется перед каждым выпуском.", "cp1251"),
        ("検索拡張生成システムの品質は、固定された質問セットで測定されます。", "shift_jis"),
        ("emoji 😀 and 漢字 and e\u0301", "utf-8"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    """With a byte order mark or without."""
    assert parse(text.encode(encoding), PLAIN).text == text


@pytest.mark.parametrize(
    ("data", "code", "advice"),
    [
        (PNG, "document_encoding", "real media type"),
        (b"\x01\x02 telegram \x03" * 20, "document_encoding", "real media type"),
        (bytes(range(1, 256)) * 4, "document_encoding", "UTF-8|real media type"),
        (GERMAN.encode("utf-16")[:-1], "document_encoding", "save it again"),
        (b"", "document_empty", "no bytes"),
        (b" \r\n\t ", "document_without_text", "no text"),
    ],
)
def test_a_file_that_is_not_text_says_why_and_what_to_do(data: bytes, code: str, advice: str) -> None:
    """Binary with a text's name, damaged UTF-16, nothing, white space alone."""
    with pytest.raises(Permanent, match=advice) as refused:
        parse(data, PLAIN)

    assert refused.value.code == code


def test_an_unknown_media_type_names_the_known_ones() -> None:
    """Parameters and case do not matter."""
    with pytest.raises(Permanent, match="application/pdf") as refused:
        parse(b"x", "image/png")

    assert refused.value.code == "media_type_unsupported"
    assert parse(b"x", "Text/Plain; charset=utf-8").text == "x"


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("a/b.PDF", "application/pdf"),
        ("x.tar.md", MARKDOWN),
        ("notes.txt", PLAIN),
        ("page.htm", "text/html"),
        ("x.exe", None),
        ("pdf", None),
    ],
)
def test_the_extension_tells_the_media_type(filename: str, media_type: str | None) -> None:
    """In any case; None for what we cannot read."""
    assert media_type_of(filename) == media_type


def test_headings_of_markdown_are_those_a_reader_sees() -> None:
    """Not in code, not the front matter's rule; with their place in the text and without their markup."""
    text = "---\ntitle: x\n---\n# One *two*\n\n```\n# no heading\n```\n\nThree `f()`\n-----\n"
    document = parse(text.encode(), MARKDOWN)

    assert document.text == text
    assert document.headings == (Heading(text.index("# One"), 1, "One two"), Heading(text.index("Three"), 2, "Three f()"))


def test_looks_that_are_alike_are_spelled_alike() -> None:
    """Line ends, spaces, ligatures; what cannot be seen or stored goes."""
    assert normalised("a\r\nb\rc\u2028d\u00a0e\ufb01\u00adg\x00\ufeff\ud800h") == "a\nb\nc\nd efigh"
