"""Documents in which quotes are hard to find: as they might be stored, and as ingest's real parser stores them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from contracts.media_types import HTML, MARKDOWN, PDF, PLAIN
from kit.ports.vectors import Chunk, Hit
from services.ingest.chunk import Chunker
from services.ingest.document import ParsedDocument
from services.ingest.parse import parse

PASSAGE_TOKENS = 42
OVERLAP = 40

POLICY = """\
Refunds are paid within 14 days of the request. The limit is 1,500 euros per order; above it, the office of finance decides.
Refunds are paid within 30 days outside the European Union. A re-opened case counts as a new one, and its 14 days begin again.

The officer on duty files every conflict in the register - even those that were settled at first sight. Refunds are paid within 14 days
of the request. Nobody may approve an order of their own; "four eyes" is the rule, and it has no exceptions. The fine is 3.5 % a month.

Staff find the affected files under the first shelf. A final reflection: efficient offices offer few conflicts, and fewer flights.
Sensors report every 5 minutes at -40 degrees, and every 15 minutes at 40 degrees. Version 2.14 replaces version 2.1 for all customers.
"""
ACCENTS = """\
Die Straße zur Universität Zürich ist über Ostern gesperrt. L'été dernier, la température à l'entrepôt a dépassé 38 degrés.
El año pasado el señor Núñez firmó tres contratos; este año firmó cinco. Ostrów płaci żółtą kartą, Đà Nẵng trả bằng tiền mặt.
L'été dernier, la température à l'entrepôt a dépassé 40 degrés. Ångström's naïve façade cost €2,000 in coöperation fees.
"""
RIGHT_TO_LEFT = """\
ההחזר משולם תוך 14 ימים מיום הבקשה. הסכום המרבי הוא 500 שקלים להזמנה. The word שלום means peace in this policy.
يدفع المبلغ خلال 14 يوما من تاريخ الطلب. الحد الأقصى هو 500 دولار لكل طلب. ההחזר משולם תוך 30 ימים בחוץ לארץ.
"""
EMOJI = """\
The party \U0001f389 begins at nine \U0001f469\u200d\U0001f469\u200d\U0001f467 for families, at ten \U0001f468\U0001f3fd for all.
Press the red \u2764\ufe0f button, not the \u2764 one. Flags \U0001f1eb\U0001f1f7 and \U0001f1e9\U0001f1ea stay up \u263a\ufe0f all year.
The party \U0001f389 ends at two. \U0001d538 is the set \U0001d538 of adjectives, and x\u00b2 is not x2 while H\u2082O is water.
"""
UNSPACED = """\
退款在申请后十四天内支付。每笔订单的限额为五百欧元。重新打开的案件视为新案件。退款在三十天内支付给欧盟以外的客户。
返金は申請から14日以内に支払われます。注文ごとの上限は500ユーロです。ガイドラインは四月に改訂されました。
การคืนเงินจะจ่ายภายในสิบสี่วันหลังจากคำขอ วงเงินคือห้าร้อยยูโรต่อคำสั่งซื้อ
"""
LIGATURES = (("ffi", "\ufb03"), ("ffl", "\ufb04"), ("fi", "\ufb01"), ("fl", "\ufb02"), ("ff", "\ufb00"))


@dataclass(frozen=True)
class Document:
    """A stored text, and the passages that a model is shown of it."""

    kind: str
    text: str
    hits: tuple[Hit, ...]
    spaced: bool = True


def documents() -> Iterator[Document]:
    """One of each kind."""
    for kind, text in _stored().items():
        yield Document(kind, text, hits_of(kind, text, _spans(ParsedDocument(text))), kind != "unspaced")
    policy = _stored()["plain"]
    overlapping = [(policy.rfind(" ", 0, max(1, start - OVERLAP)) + 1, end) for start, end in _spans(ParsedDocument(policy))]
    yield Document("overlapping chunks", policy, hits_of("overlapping", policy, overlapping))
    for kind, (data, media_type) in _files().items():
        parsed = parse(data, media_type)
        yield Document(f"{kind}, parsed", parsed.text, hits_of(kind, parsed.text, _spans(parsed)))


def hits_of(document_id: str, text: str, spans: Sequence[tuple[int, int]]) -> tuple[Hit, ...]:
    """A hit on each span."""
    return tuple(Hit(_chunk(document_id, number, text, *span), 1.0) for number, span in enumerate(spans))


def _chunk(document_id: str, number: int, text: str, start: int, end: int) -> Chunk:
    place = {"chunk_no": number, "text": text[start:end], "start": start, "end": end}
    ids = {
        "chunk_id": uuid5(NAMESPACE_URL, f"{document_id}-{number}"),
        "tenant_id": "default",
        "document_id": re.sub(r"\W", "-", document_id),
    }
    return Chunk(**ids, **place, document_version=1, document_sha256="a" * 64, title="T", media_type=PLAIN)  # type: ignore[arg-type]


def _spans(document: ParsedDocument) -> list[tuple[int, int]]:
    chunker = Chunker(lambda text: len(re.findall(r"\w+|[^\w\s]", text)), PASSAGE_TOKENS)
    return [(span.start, span.end) for span in chunker.chunk(document, PLAIN)]


def _stored() -> dict[str, str]:
    return {
        "plain": POLICY,
        "CRLF": POLICY.replace("\n", "\r\n"),
        "soft hyphens": re.sub(r"(?<=\w{3})(?=\w{3})", "\u00ad", POLICY),
        "zero width": re.sub(r"(?<=\w{4})(?=\w{2})", "\u200b", POLICY).replace(" the ", " \u2060the\ufeff "),
        "ligatures": _ligated(POLICY),
        "typographic": POLICY.replace('"', "\u201d").replace(" - ", "\u2009\u2014\u2009").replace(" of ", "\u00a0of "),
        "full width": POLICY.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
        "composed": unicodedata.normalize("NFC", ACCENTS),
        "combining": unicodedata.normalize("NFD", ACCENTS),
        "right to left": re.sub(r"(\d+)", "\u2066\\1\u2069", RIGHT_TO_LEFT).replace(". ", ".\u200f "),
        "emoji": EMOJI,
        "unspaced": UNSPACED,
        "repeated": "The fee is five euros. " * 60 + "The fee is six euros. " + "The fee is five euros. " * 20,
    }


def _ligated(text: str) -> str:
    for letters, ligature in LIGATURES:
        text = text.replace(letters, ligature)
    return text


def _files() -> dict[str, tuple[bytes, str]]:
    messy = re.sub(r"(?<=\w{4})(?=\w{3})", "\u00ad", _ligated(POLICY + ACCENTS)).replace("\n", "\r\n")
    paragraphs = "".join(f"<p>{line.replace(' the ', ' <b>the</b>&nbsp;').replace('-', '&shy;-')}</p>" for line in POLICY.split("\n"))
    return {
        "text": (("\ufeff" + messy + RIGHT_TO_LEFT + EMOJI).encode(), PLAIN),
        "Markdown": (("# Policy\n\n" + messy.replace("Refunds", "**Refunds**") + "\n* " + EMOJI).encode(), MARKDOWN),
        "HTML": (f"<html><body><h1>Policy</h1>{paragraphs}<p>{EMOJI}</p></body></html>".encode(), HTML),
        "PDF": (_pdf(POLICY.replace("fi", "\ufb01").replace("fl", "\ufb02")), PDF),
        "PDF, accents": (_pdf(unicodedata.normalize("NFC", ACCENTS)), PDF),
    }


def _pdf(text: str) -> bytes:
    """Set in narrow lines on pages of a few, hyphenated, with the ligatures and soft hyphens that typesetting leaves behind."""
    pdfmetrics.registerFont(TTFont("Vera", str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")))
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=True)
    lines = [line for paragraph in text.split("\n") for line in [*_set(paragraph), ""]]
    for top in range(0, len(lines), 12):
        canvas.setFont("Vera", 11)
        for number, line in enumerate(lines[top : top + 12]):
            canvas.drawString(72, 700 - 13 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _set(paragraph: str, width: int = 46) -> Iterator[str]:
    while len(paragraph) > width:
        cut = paragraph.rfind(" ", 0, width)
        word = re.match(r" [a-z]{4}(?=[a-z]{3})", paragraph[cut:])
        end = cut + word.end() if word else cut
        yield paragraph[:end] + "-" * bool(word)
        paragraph = paragraph[end:].lstrip()
    yield paragraph
