"""HTML: the readable part as paragraphs, headings, lists (`- `) and table rows (`| a | b |`), without scripts, menus and hidden text."""

import re
from collections.abc import Iterator
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.ingest.blocks import LINE, Block, assemble, table_row
from services.ingest.decode import decoded
from services.ingest.document import ParsedDocument

_DROPPED = re.compile(
    "head|script|style|noscript|template|svg|math|iframe|object|canvas|audio|video|nav|form|button|select|textarea|dialog"
)
_LEAF = re.compile("-text|-comment|br")
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|caption|center|d[dlt]|details|div|fieldset|figcaption|figure|footer|h[1-6r]|header|hgroup|li|main|"
    "[ou]l|p|pre|section|summary|table|tbody|t[dhr]|tfoot|thead"
)
# What the text that follows becomes, where it is more than a paragraph.
_OPENS = {f"h{level}": Block("", level) for level in range(1, 7)} | {"li": Block("- ", gap=LINE), "dd": Block("", gap=LINE)}
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, ul, ol, pre"  # a row that holds one of these is layout, not data
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_CHARSET_WITHIN = 1024  # bytes, as browsers look


def parse(data: bytes) -> ParsedDocument:
    """Readable text and headings: those of `<main>`, where there is one with text. Raises Permanent `document_encoding`."""
    declared = _CHARSET.search(data[:_CHARSET_WITHIN])
    tree = LexborHTMLParser(decoded(data, declared[1].decode("ascii") if declared else None))
    for root in (tree.css_first("main"), tree.body):
        document = assemble(_blocks(root)) if root is not None else ParsedDocument("")
        if document.text:
            break
    return document


def _blocks(root: LexborNode) -> Iterator[Block]:
    """A block ends where a block element begins or ends; one that opens before any text keeps what its parent announced."""
    words: list[str] = []
    announced = Block("")
    for node, tag, entering in _walk(root):
        if tag == "-text":
            words.append(re.sub(r"\s+", " ", node.text(deep=False)))
        elif tag == "br":
            words.append("\n")
        elif _BLOCK.fullmatch(tag):
            text = _tidy(words)
            words.clear()
            if text:
                yield replace(announced, text=announced.text + text)
            if _is_whole(node):
                yield from _whole(node)
            announced = _OPENS.get(tag, Block("") if text else announced) if entering else Block("")
    yield replace(announced, text=announced.text + _tidy(words))


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, str, bool]]:
    """Every visible node with its tag as it is entered and, if it was opened, left. Not recursive: the depth is the author's choice."""
    stack = [(root, True)]
    while stack:
        node, entering = stack.pop()
        tag = node.tag or ""
        yield node, tag, entering
        if entering and not _LEAF.fullmatch(tag) and not _is_whole(node):
            stack.append((node, False))
            stack.extend((child, True) for child in reversed([*node.iter(include_text=True)]) if not _is_hidden(child))


def _is_hidden(node: LexborNode) -> bool:
    if _DROPPED.fullmatch(node.tag or ""):
        return True
    attributes = node.attributes
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or attributes.get("aria-hidden") == "true" or "display:none" in style


def _is_whole(node: LexborNode) -> bool:
    """Preformatted text and table rows are read in one piece."""
    return node.tag == "pre" or (node.tag == "tr" and node.css_first(_LAYOUT) is None)


def _whole(node: LexborNode) -> Iterator[Block]:
    if node.tag == "pre":
        yield Block(node.text())
        return
    cells = [cell for cell in node.iter() if cell.tag in ("td", "th") and not _is_hidden(cell)]
    texts = [" ".join(block.text for block in _blocks(cell)).strip() for cell in cells]
    yield from table_row(texts, heads=all(cell.tag == "th" for cell in cells))


def _tidy(words: list[str]) -> str:
    return re.sub(r" *\n *", "\n", re.sub(r" +", " ", "".join(words))).strip()
