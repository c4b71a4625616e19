"""Makes the handbook's PDF and DOCX files from `datasets/source/*.md`: the same bytes every time.

    python datasets/build_handbook.py           # write them
    python datasets/build_handbook.py --check   # exit 1 if one of them is not what this script writes

Nothing is compressed, as the bytes of a compressed file depend on the machine's zlib.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import docx
from docx.enum.style import WD_STYLE_TYPE
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table

HERE = Path(__file__).parent
SOURCE, TARGET = HERE / "source", HERE / "handbook"
TEAM = "Northwind Answers"
WRITTEN = datetime(2026, 5, 4, 9, 0)  # noqa: DTZ001 -- a DOCX tells no zone


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one style."""

    text: str
    bold: bool = False
    italic: bool = False


Text = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One block: `kind` is title, heading, paragraph, bullet, number, note or row; `level` is that of a heading."""

    kind: str
    text: Text = ()
    level: int = 0
    cells: tuple[Text, ...] = ()


def read(source: Path) -> list[Part]:
    """The parts of a Markdown file of the subset this handbook uses."""
    tokens = MarkdownIt("commonmark").enable("table").parse(source.read_text(encoding="utf-8"))
    return list(_parts(tokens))


def _parts(tokens: Sequence[Token]) -> Iterator[Part]:
    around: list[str] = []
    cells: list[Text] = []
    for token in tokens:
        if token.nesting == 1:
            around.append(token.tag)
        elif token.nesting == -1:
            around.pop()
            if token.tag == "tr":
                yield Part("row", cells=tuple(cells))
                cells.clear()
        elif token.type == "inline" and around[-1] in ("td", "th"):
            cells.append(_text(token))
        elif token.type == "inline":
            yield _part(around, _text(token))


def _part(around: Sequence[str], text: Text) -> Part:
    heading = re.fullmatch("h([1-6])", around[-1])
    if heading:
        return Part("title" if heading[1] == "1" else "heading", text, int(heading[1]))
    kinds = {"ul": "bullet", "ol": "number", "blockquote": "note"}
    return Part(next((kinds[tag] for tag in reversed(around) if tag in kinds), "paragraph"), text)


def _text(inline: Token) -> Text:
    bold = italic = False
    spans = []
    for token in inline.children or ():
        if token.tag == "strong":
            bold = token.nesting == 1
        elif token.tag == "em":
            italic = token.nesting == 1
        else:
            spans.append(Span(token.content or " ", bold, italic))
    return tuple(spans)


def _plain(text: Text) -> str:
    return "".join(span.text for span in text)


def pdf(parts: Sequence[Part]) -> bytes:
    """A4 pages with the title as running header and numbered footers."""
    title = _plain(parts[0].text)
    buffer = BytesIO()
    template = BaseDocTemplate(buffer, pagesize=A4, title=title, author=TEAM, invariant=1, pageCompression=0)
    width, height = A4
    frame = Frame(25 * mm, 24 * mm, width - 50 * mm, height - 50 * mm, leftPadding=0, rightPadding=0)

    def furnish(canvas: Canvas, document: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8.5)
        canvas.drawString(25 * mm, height - 15 * mm, f"{TEAM}  |  {title}")
        canvas.drawRightString(width - 25 * mm, 13 * mm, f"Page {document.page}")

    template.addPageTemplates(PageTemplate(frames=[frame], onPage=furnish))
    template.build(list(_flowables(parts)))
    return buffer.getvalue()


def _flowables(parts: Sequence[Part]) -> Iterator[Flowable]:
    for kind, group in groupby(parts, key=lambda part: part.kind):
        together = list(group)
        if kind == "row":
            yield _pdf_table(together)
            continue
        for number, part in enumerate(together, start=1):
            marks = {"bullet": "\u2022", "number": f"{number}."}
            yield Paragraph(_markup(part.text), _style(part), bulletText=marks.get(kind))
        yield Spacer(0, 4 if kind in ("bullet", "number") else 0)


def _style(part: Part) -> ParagraphStyle:
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=11, leading=15.5, spaceAfter=8, alignment=TA_LEFT)
    sizes = {1: 20.0, 2: 14.0, 3: 13.5}
    if part.level:
        size = sizes[part.level]
        before = 0 if part.level == 1 else 9
        return ParagraphStyle(
            "h", body, fontName="Helvetica-Bold", fontSize=size, leading=1.25 * size, spaceBefore=before, spaceAfter=6, keepWithNext=1
        )
    if part.kind in ("bullet", "number"):
        return ParagraphStyle("item", body, leftIndent=16, bulletIndent=2, spaceAfter=3)
    if part.kind == "note":
        return ParagraphStyle(
            "note", body, leftIndent=12, borderColor=colors.grey, borderWidth=0.5, borderPadding=5, spaceBefore=6, spaceAfter=12
        )
    return body


def _pdf_table(rows: Sequence[Part]) -> Table:
    cell = ParagraphStyle("cell", fontName="Helvetica", fontSize=9.5, leading=12)
    content = [[Paragraph(_markup(text), cell) for text in row.cells] for row in rows]
    rules = [
        ("LINEBELOW", (0, 0), (-1, 0), 1, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return Table(content, colWidths=_widths(rows), style=rules, hAlign="LEFT", spaceBefore=4, spaceAfter=12, repeatRows=1)


def _widths(rows: Sequence[Part]) -> list[float]:
    """Wide enough for the longest cell of each column: no cell of this handbook's tables breaks."""
    columns = zip(*(row.cells for row in rows), strict=True)
    return [24 + 5.2 * max(len(_plain(text)) for text in column) for column in columns]


def _markup(text: Text) -> str:
    return "".join(_tagged(_tagged(escape(span.text), "b", span.bold), "i", span.italic) for span in text)


def _tagged(text: str, tag: str, wanted: bool) -> str:
    return f"<{tag}>{text}</{tag}>" if wanted else text


def word(parts: Sequence[Part]) -> bytes:
    """A Word document with the built-in styles."""
    document = _small_template()
    document.core_properties.title, document.core_properties.author = _plain(parts[0].text), TEAM
    document.core_properties.created = document.core_properties.modified = WRITTEN
    styles = {"bullet": "List Bullet", "number": "List Number", "note": "Quote"}
    for kind, group in groupby(parts, key=lambda part: part.kind):
        rows = list(group)
        if kind == "row":
            table = document.add_table(0, len(rows[0].cells), style="Table Grid")
            for row in rows:
                for cell, text in zip(table.add_row().cells, row.cells, strict=True):
                    cell.text = _plain(text)
            continue
        for part in rows:
            paragraph = document.add_heading(level=part.level - 1) if part.level else document.add_paragraph(style=styles.get(kind))
            for span in part.text:
                run = paragraph.add_run(span.text)
                run.bold, run.italic = span.bold or None, span.italic or None
    buffer = BytesIO()
    document.save(buffer)
    return _same_every_time(buffer.getvalue())


def _small_template() -> docx.document.Document:
    """Word's template without its hundred table styles, most of it by size."""
    document = docx.Document()
    for style in [
        style for style in document.styles if style.type == WD_STYLE_TYPE.TABLE and style.name not in ("Normal Table", "Table Grid")
    ]:
        style.delete()
    relations = document.part.rels
    for relation in [relation for relation, part in relations.items() if part.reltype.endswith("/stylesWithEffects")]:
        del relations[relation]
    return document


def _same_every_time(package: bytes) -> bytes:
    """The zip again, with members in one order and of one age."""
    buffer = BytesIO()
    with ZipFile(BytesIO(package)) as source, ZipFile(buffer, "w", ZIP_STORED) as target:
        for name in sorted(source.namelist()):
            target.writestr(ZipInfo(name, WRITTEN.timetuple()[:6]), source.read(name))
    return buffer.getvalue()


BUILT: Mapping[str, tuple[str, Callable[[Sequence[Part]], bytes]]] = MappingProxyType(
    {
        "evaluation-statistics.pdf": ("evaluation-statistics.md", pdf),
        "incident-response.pdf": ("incident-response.md", pdf),
        "leave.docx": ("leave.md", word),
        "expenses.docx": ("expenses.md", word),
    }
)


def main(arguments: Sequence[str]) -> int:
    """Writes the files, or compares them with `--check`; 1 if one differs."""
    stale = []
    for name, (source, write) in BUILT.items():
        made, path = write(read(SOURCE / source)), TARGET / name
        if "--check" not in arguments:
            path.write_bytes(made)
        elif not path.exists() or path.read_bytes() != made:
            stale.append(name)
    if stale:
        sys.stderr.write(f"not what their source says: {', '.join(stale)}; run python datasets/build_handbook.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
