"""DOCX: paragraphs, headings, lists (`- `) and table rows (`| a | b |`) of the body (ECMA-376 part 1, WordprocessingML).

Reads two members of the zip, within bounds, and nothing else of it; python-docx would unpack them all, and would leave out the text of
content controls and of tracked insertions.
"""

import re
import zlib
from collections.abc import Container, Iterator, Mapping
from io import BytesIO
from posixpath import dirname
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.ElementTree import fromstring

from kit.errors import Permanent
from services.ingest.blocks import LINE, Block, assemble, table_row
from services.ingest.document import ParsedDocument
from services.ingest.rejections import Rejection

_MAX_PART_BYTES = 32 * 1024 * 1024
_PACKAGE_RELATIONS = "_rels/.rels"
_OLE = b"\xd0\xcf\x11\xe0"  # how an encrypted DOCX begins, and a DOC

# What zipfile, zlib, the XML parser and we raise for a damaged one: a part that is missing, cut off, encrypted, or no XML.
_BROKEN = (BadZipFile, zlib.error, EOFError, ParseError, ValueError, LookupError, RuntimeError)

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BODY, _PARAGRAPH, _TABLE, _ROW, _CELL = (_W + tag for tag in ("body", "p", "tbl", "tr", "tc"))
_TEXT, _VALUE = _W + "t", _W + "val"
_MARKS = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-", _PARAGRAPH: "\n"}
# What a reader does not see, or would see twice.
_SKIPPED = {_W + "del", _W + "moveFrom", _W + "pPr", _W + "rPr", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}

Styles = Mapping[str | None, str]


def parse(data: bytes) -> ParsedDocument:
    """Text and headings. Raises Permanent `document_encrypted`, `document_bomb` or `document_corrupt`."""
    if data.startswith(_OLE):
        raise Permanent(Rejection.ENCRYPTED, "the file is password-protected or an old DOC: save it as DOCX without a password")
    try:
        with ZipFile(BytesIO(data)) as package:
            main = _main_part(package)
            body = _xml(package, main).find(_BODY)
            styles = _styles(package, f"{dirname(main)}/styles.xml".lstrip("/"))
    except _BROKEN as error:
        raise Permanent(Rejection.CORRUPT, f"the file is not a readable DOCX ({error}): save it again and upload that") from error
    return assemble(_blocks(body, styles)) if body is not None else ParsedDocument("")


def _main_part(package: ZipFile) -> str:
    for relation in _xml(package, _PACKAGE_RELATIONS):
        if relation.get("Type", "").endswith("/officeDocument"):
            return relation.get("Target", "").lstrip("/")
    raise KeyError("it names no main document")


def _xml(package: ZipFile, name: str) -> Element:
    """One part of the package. The bound is on what comes out, as the sizes in a zip are the sender's word."""
    with package.open(name) as part:
        content = part.read(_MAX_PART_BYTES + 1)
    if len(content) > _MAX_PART_BYTES:
        limit = _MAX_PART_BYTES // 1024**2
        raise Permanent(Rejection.BOMB, f"{name} unpacks to more than {limit} MiB: split the document")
    root: Element = fromstring(content, forbid_dtd=True)
    return root


def _styles(package: ZipFile, name: str) -> Styles:
    """Style id to its name in lower case; Word keeps the built-in names English in every language."""
    if name not in package.namelist():
        return {}
    named = ((style.get(_W + "styleId"), style.find(_W + "name")) for style in _xml(package, name).iter(_W + "style"))
    return {style_id: found.get(_VALUE, "").lower() for style_id, found in named if found is not None}


def _blocks(body: Element, styles: Styles) -> Iterator[Block]:
    for element in _visible(body, within={_PARAGRAPH, _TABLE}):
        if element.tag == _PARAGRAPH:
            yield _paragraph(element, styles)
        elif element.tag == _TABLE:
            yield from _rows(element)


def _paragraph(paragraph: Element, styles: Styles) -> Block:
    text = _text(paragraph)
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = styles.get(style.get(_VALUE), "") if style is not None else ""
    heading = re.fullmatch(r"(?:heading ([1-9])|title)", name)
    if heading:
        return Block(text, level=int(heading[1] or 1))
    if text and (name.startswith("list") or paragraph.find(f"{_W}pPr/{_W}numPr") is not None):
        return Block(f"- {text}", gap=LINE)
    return Block(text)


def _rows(table: Element) -> Iterator[Block]:
    for number, row in enumerate(_all(table, _ROW)):
        cells = (" ".join(_text(paragraph) for paragraph in _all(cell, _PARAGRAPH)) for cell in _all(row, _CELL))
        yield from table_row([" ".join(cell.split()) for cell in cells], heads=number == 0)


def _text(paragraph: Element) -> str:
    return "".join(node.text or "" if node.tag == _TEXT else _MARKS.get(node.tag, "") for node in _visible(paragraph)).strip()


def _all(root: Element, tag: str) -> Iterator[Element]:
    """The topmost elements of that tag, in order."""
    return (element for element in _visible(root, within={tag}) if element.tag == tag)


def _visible(root: Element, within: Container[str] = ()) -> Iterator[Element]:
    """Visible descendants in order, but none inside of the tags in `within`. Not recursive: the depth is the sender's choice."""
    stack = [*reversed(root)]
    while stack:
        element = stack.pop()
        if element.tag not in _SKIPPED:
            yield element
            if element.tag not in within:
                stack.extend(reversed(element))
