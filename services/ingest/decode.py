"""Bytes of a text file to a string, or the reason why not: never a silently wrong text."""

import codecs
import re

from charset_normalizer import from_bytes

from kit.errors import Permanent
from services.ingest.rejections import Rejection

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Asked for in this order: Western text is common, and short texts in it fit many other code pages as well.
_WESTERN = ["cp1252"]
_OTHERS = ["cp1250", "cp1251", "cp1253", "cp1254", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL_SHARE = 0.01
_MAX_NUL_SHARE = 0.02
_SAMPLE = 65_536


def decoded(data: bytes, declared: str | None = None) -> str:
    """The text of `data`: by byte order mark, then `declared`, UTF-8, UTF-16 without a mark, then the likeliest code page.

    Raises Permanent `document_encoding` if the bytes are not text, or are not text in any encoding we can be sure of.
    """
    text = _by_mark(data)
    if text is None:
        text = _strictly(data, declared) or _strictly(data, "utf-8")
    if text is None or "\0" in text:
        text = _strictly(data, _utf16_order(data)) or _by_code_page(data)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise _not_text("it holds control characters as a binary file does; upload it with its real media type")
    return text


def _by_mark(data: bytes) -> str | None:
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding is None:
        return None
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_text(f"it is marked as {encoding} and breaks off or is damaged at byte {error.start}; save it again") from error


def _strictly(data: bytes, encoding: str | None) -> str | None:
    try:
        return data.decode(encoding) if encoding else None
    except (UnicodeError, LookupError):
        return None


def _utf16_order(data: bytes) -> str | None:
    """Text in a Latin script has a NUL in every other byte of UTF-16, in the even ones if big-endian."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 or max(even, odd) < len(sample) // 4:
        return None
    few = _MAX_NUL_SHARE * len(sample)
    return "utf-16-le" if even <= few else "utf-16-be" if odd <= few else None


def _by_code_page(data: bytes) -> str:
    if b"\0" in data:
        raise _not_text("it holds NUL bytes as a binary file does; upload it with its real media type, or save it as UTF-8")
    for encodings in (_WESTERN, _OTHERS):
        best = from_bytes(data, cp_isolation=encodings).best()
        if best is not None:
            return str(best)
    raise _not_text("it is neither UTF-8 nor UTF-16 and fits no known code page well; save it as UTF-8")


def _not_text(why: str) -> Permanent:
    return Permanent(Rejection.ENCODING, f"the file cannot be read as text: {why}")
