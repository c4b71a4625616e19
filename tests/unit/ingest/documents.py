"""Builders of documents, good and bad, made at test time."""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

BODY = 11
Placed = tuple[float, float, str, float]  # x, y, text, size


def pdf(pages: Sequence[Sequence[Placed]], encrypt: str | None = None) -> bytes:
    """A PDF with each text exactly where it is said to stand, in points from the lower left."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True, encrypt=encrypt)
    for page in pages:
        for x, y, text, size in page:
            canvas.setFont("Helvetica", size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def page(*lines: str, top: float = 700, size: float = BODY) -> list[Placed]:
    """Lines set solid below each other; an empty one leaves a gap."""
    return [(72, top - 1.2 * size * number, line, size) for number, line in enumerate(lines) if line]


def pdf_without_pages() -> bytes:
    """A PDF that is complete and has no page."""
    buffer = BytesIO()
    pypdfium2.PdfDocument.new().save(buffer)
    return buffer.getvalue()


def pdf_of_objects(*objects: bytes) -> bytes:
    """A PDF of hand-written objects, numbered from 1; the first is the catalog."""
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, content) for number, content in enumerate(objects, start=1))
    return b"%%PDF-1.4\n%strailer<</Root 1 0 R/Size %d>>\n%%%%EOF" % (body, len(objects) + 1)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A PDF stream object."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


def pdf_mapping_to_astral() -> bytes:
    """A page that draws one letter whose ToUnicode map says it is U+1D538, outside the basic plane."""
    cmap = b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <41> <D835DD38> endbfchar endcmap"
    return pdf_of_objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        stream(b"BT /F1 12 Tf 72 700 Td (x A y) Tj ET"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        stream(cmap),
    )


def pdf_of_nested_forms(depth: int = 12) -> bytes:
    """Two kilobytes that draw a word 10 ** depth times: PDFium never comes back from it."""
    resources = b"/Resources<</Font<</F1 4 0 R>>/XObject<</X %d 0 R>>>>"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"
    again = b"/X Do " * 10
    forms = [stream(again, form + resources % (7 + number)) for number in range(depth - 1)]
    return pdf_of_objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R" + resources % 6 + b">>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        stream(again),
        *forms,
        stream(b"BT /F1 9 Tf 50 50 Td (ha) Tj ET", form + resources % 6),
    )


def docx_of(build: docx.document.Document) -> bytes:
    """The bytes of a document that was built."""
    buffer = BytesIO()
    build.save(buffer)
    return buffer.getvalue()


def good_docx() -> bytes:
    """A document with a title, a heading, a paragraph, a list and a table."""
    document = docx.Document()
    document.add_heading("Leave policy", 0)
    document.add_heading("Carry-over", 1)
    document.add_paragraph("Five days move to the next year.")
    for item in ("until 31 March", "never in cash"):
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(2, 2)
    for number, text in enumerate(("Grade", "Days", "Senior", "30")):
        table.cell(number // 2, number % 2).text = text
    return docx_of(document)


def zipped(parts: dict[str, bytes]) -> bytes:
    """A zip of `parts`."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def docx_of_xml(body: bytes, prolog: bytes = b"") -> bytes:
    """The smallest DOCX around the XML of a body."""
    relations = b'<Relationships><Relationship Type="x/officeDocument" Target="word/document.xml"/></Relationships>'
    namespace = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = b'%s<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (prolog, namespace, body)
    return zipped({"_rels/.rels": relations, "word/document.xml": document})


def paragraph(text: str) -> bytes:
    """The XML of a paragraph."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>".encode()


def zip_bomb() -> bytes:
    """Some 40 kilobytes that unpack to 40 megabytes."""
    return docx_of_xml(paragraph("0" * 40_000_000))


def zip_bomb_that_lies() -> bytes:
    """The same, with headers that say it unpacks to nine bytes."""
    bomb, short = bytearray(zip_bomb()), b"<w:p/>..."
    for signature, at in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        header = bomb.rindex(signature)
        struct.pack_into("<I", bomb, header + at, zlib.crc32(short))
        struct.pack_into("<I", bomb, header + at + 8, len(short))
    return bytes(bomb)
