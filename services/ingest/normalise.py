"""One spelling for what looks the same: line ends, spaces, and no character a reader cannot see or a database cannot store."""

from collections.abc import Iterator

_LINE_ENDS = "\x0b\x0c\x85\u2028\u2029"
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u2060\ufeff\ufffe\uffff"
_LIGATURES = {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}


def _controls() -> Iterator[int]:
    yield from (code for code in range(0x20) if chr(code) not in "\t\n" + _LINE_ENDS)
    yield from (code for code in range(0x7F, 0xA0) if chr(code) not in _LINE_ENDS)
    yield from range(0xD800, 0xE000)


_TABLE: dict[int, str | None] = (
    dict.fromkeys(_controls(), None)
    | dict.fromkeys(map(ord, _INVISIBLE), None)
    | dict.fromkeys(map(ord, _LINE_ENDS), "\n")
    | dict.fromkeys(map(ord, _SPACES), " ")
    | {ord(ligature): letters for ligature, letters in _LIGATURES.items()}
)


def normalised(text: str) -> str:
    r"""Text with `\n` line ends, ASCII spaces, no control characters but `\t` and `\n`, no surrogates; doing it twice changes nothing."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)
