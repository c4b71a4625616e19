"""Whatever the bytes are, parsing gives a document or a Permanent, and nothing else."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.media_types import DOCX, HTML, MARKDOWN, MEDIA_TYPES, PDF, PLAIN
from kit.errors import Permanent
from services.ingest.document import ParsedDocument
from services.ingest.normalise import normalised
from services.ingest.parse import parse
from services.ingest.rejections import Rejection
from tests.unit.ingest.documents import good_docx, page, pdf

GOOD = {
    PDF: pdf([page("First page, with a line", "and another."), page("Second page.")]),
    DOCX: good_docx(),
    HTML: b"<main><h1>Title</h1><p>Text &amp; more</p><table><tr><td>1</td></tr></table></main>",
    MARKDOWN: "# Größe\n\n- item\n".encode(),
    PLAIN: "Größe 😀".encode("utf-16"),
}


def check(data: bytes, media_type: str) -> None:
    """The promise of `parse`: a refusal with a known code, or a document that can be stored."""
    try:
        document = parse(data, media_type)
    except Permanent as refusal:
        code = refusal.code
    else:
        check_document(document)
        return

    assert code in set(Rejection)


def check_document(document: ParsedDocument) -> None:
    """Text, pages that tile it, and headings that stand in it."""
    text, pages, starts = document.text, document.pages, [heading.start for heading in document.headings]

    assert text.strip()
    assert text == normalised(text).encode().decode()
    assert [(page.start, page.end) for page in pages] == [*pairwise([*(page.start for page in pages), len(text)])]
    assert not pages or pages[0].start == 0
    assert starts == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)


def cut(good: bytes, chance: random.Random) -> bytes:
    """The file as a broken connection leaves it."""
    return good[: chance.randrange(len(good))]


def flipped(good: bytes, chance: random.Random) -> bytes:
    """The file with some bytes changed."""
    data = bytearray(good)
    for _ in range(chance.choice((1, 5, 50))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("damage", [cut, flipped])
def test_a_damaged_file_is_read_or_refused(damage: Callable[[bytes, random.Random], bytes], media_type: str) -> None:
    """100 damages of each kind to a good file of each format."""
    chance = random.Random(7)

    for _ in range(100):
        check(damage(GOOD[media_type], chance), media_type)


@given(st.binary(min_size=1, max_size=400), st.sampled_from([*MEDIA_TYPES]))
def test_random_bytes_are_read_or_refused(data: bytes, media_type: str) -> None:
    """In every format."""
    check(data, media_type)


@given(st.text(min_size=1))
def test_any_text_comes_back_normalised(text: str) -> None:
    """As UTF-8, but for what cannot be seen; text of control characters may be refused."""
    try:
        found = parse(text.encode("utf-8"), PLAIN).text
    except Permanent:
        return

    assert found == normalised(text)
