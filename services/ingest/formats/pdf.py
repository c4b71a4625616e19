"""PDF: the lines PDFium sees on each page, with where and how large they stand; `services.ingest.layout` makes paragraphs of them."""

import re
import sys
from collections.abc import Iterator, Sequence
from statistics import median

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from kit.errors import Permanent
from services.ingest.blocks import assemble
from services.ingest.document import ParsedDocument
from services.ingest.layout import CELL, HYPHEN, Line, PageOfLines, blocks
from services.ingest.rejections import Rejection

_CELLS_APART = 0.9  # cells of a table are further apart than this share of the line's height, words are not
_SAMPLES = 7  # letters of a line that are measured
_SPACE = re.compile(r"\s+")
# From the first visible character of a line to its last.
_LINE = re.compile(rf"[^\s{HYPHEN}](?:[^\r\n{HYPHEN}]*[^\s{HYPHEN}])?{HYPHEN}?")


def parse(data: bytes) -> ParsedDocument:
    """Text, pages and headings. Raises Permanent `document_encrypted`, `document_empty`, `document_corrupt`. Not thread-safe."""
    try:
        with _opened(data) as document:
            return assemble(blocks([_page(page, number) for number, page in enumerate(document, start=1)]))
    except pdfium.PdfiumError as error:
        raise _corrupt(str(error)) from error


def _opened(data: bytes) -> pdfium.PdfDocument:
    """Opens without pypdfium2's help, which tells of a PDF without pages with the error of the file before."""
    handle = pdfium_c.FPDF_LoadMemDocument64(data, len(data), None)
    if not handle and pdfium_c.FPDF_GetLastError() == pdfium_c.FPDF_ERR_PASSWORD:
        raise Permanent(Rejection.ENCRYPTED, "the PDF asks for a password: save a copy without one and upload that")
    if not handle:
        raise _corrupt("it does not begin or end as one")
    document = pdfium.PdfDocument(handle)
    if not len(document):
        raise Permanent(Rejection.EMPTY, "the PDF has no pages: print the document again and upload that")
    return document


def _corrupt(why: str) -> Permanent:
    return Permanent(Rejection.CORRUPT, f"the file is not a readable PDF ({why}): print it to PDF again and upload that")


def _page(page: pdfium.PdfPage, number: int) -> PageOfLines:
    textpage = page.get_textpage()
    left, bottom, right, top = page.get_bbox()
    seen = tuple(line for line in _lines(textpage) if left <= line.left <= right and bottom <= line.bottom <= top)
    return PageOfLines(number, bottom, top, seen)


def _lines(textpage: pdfium.PdfTextPage) -> Iterator[Line]:
    """Lines of one page, in the order they were drawn. A hyphen at a line's end, which PDFium gives as HYPHEN, stays at its end."""
    units = (pdfium_c.FPDFText_GetUnicode(textpage, index) for index in range(textpage.count_chars()))
    text = "".join(chr(min(unit, sys.maxunicode)) for unit in units)
    for match in _LINE.finditer(text):
        yield _line(textpage, match.start(), match[0])


def _line(textpage: pdfium.PdfTextPage, first: int, text: str) -> Line:
    last = first + len(text.removesuffix(HYPHEN)) - 1
    bottom, height = _place(textpage, [first + at for at, letter in enumerate(text) if letter.isalnum()] or [first])
    left, right = textpage.get_charbox(first, loose=True)[0], textpage.get_charbox(last, loose=True)[2]
    apart = _CELLS_APART * height

    def spaced(space: re.Match[str]) -> str:
        gap = textpage.get_charbox(first + space.end())[0] - textpage.get_charbox(first + space.start() - 1)[2]
        return CELL if gap > apart else " "

    return Line(_joined_surrogates(_SPACE.sub(spaced, text)), left, right, bottom, height)


def _place(textpage: pdfium.PdfTextPage, letters: Sequence[int]) -> tuple[float, float]:
    """Bottom and height of a line: those of most letters, as bullets, footnote marks and symbols stand elsewhere."""
    boxes = [textpage.get_charbox(letter, loose=True) for letter in letters[:: 1 + len(letters) // _SAMPLES]]
    return median(box[1] for box in boxes), median(box[3] - box[1] for box in boxes)


def _joined_surrogates(text: str) -> str:
    """PDFium counts in UTF-16 units; one that stands alone is no character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
