"""Parsing in a worker process: results and refusals come back, and a hostile file costs its time limit and no more."""

import time

import pytest

from contracts.media_types import DOCX, PDF
from kit.errors import Permanent
from services.ingest.isolate import IsolatedParser
from services.ingest.parse import parse
from tests.unit.ingest.documents import docx_of_xml, page, paragraph, pdf, pdf_of_nested_forms

GOOD = pdf([page("Good.")])


async def test_a_document_comes_back_as_it_was_parsed() -> None:
    """Equal to what the same process would give."""
    assert await IsolatedParser().parse(GOOD, PDF) == parse(GOOD, PDF)


async def test_a_refusal_keeps_its_code() -> None:
    """Across the process border."""
    with pytest.raises(Permanent, match="print it to PDF again") as refused:
        await IsolatedParser().parse(b"junk", PDF)

    assert refused.value.code == "document_corrupt"


async def test_a_document_that_takes_too_long_is_refused_and_the_next_is_read() -> None:
    """The worker is killed; PDFium would read it for hours."""
    began = time.perf_counter()

    with pytest.raises(Permanent, match=r"within 1\.5 s") as refused:
        await IsolatedParser(timeout_s=1.5).parse(pdf_of_nested_forms(), PDF)

    assert refused.value.code == "document_too_complex"
    assert time.perf_counter() - began < 60
    assert (await IsolatedParser().parse(GOOD, PDF)).text == "Good."


async def test_a_document_that_takes_too_much_memory_is_refused() -> None:
    """The worker may break of it, the service does not."""
    large = docx_of_xml(paragraph("many words ") * 200_000)

    with pytest.raises(Permanent) as refused:
        await IsolatedParser(memory_bytes=1024).parse(large, DOCX)

    assert refused.value.code == "document_too_complex"
    assert (await IsolatedParser().parse(GOOD, PDF)).text == "Good."
