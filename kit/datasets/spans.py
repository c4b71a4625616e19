r"""Gold spans in the text that is stored: what parsing did to a document must not move the gold answer.

A quote is looked for through what parsing may change: spaces of all kinds, invisible characters, ligatures.
"""

import unicodedata
from collections.abc import Iterator

from kit.datasets.case import Gold

_DROPPED = {"Cc", "Cf", "Cs"}


def placed(gold: Gold, text: str) -> Gold:
    """`gold` where its quote stands in `text`: as it is, or at the occurrence nearest to where it should be, or the document alone.

    Without a quote there is nothing to look for: it stays where it is, if the text is long enough.
    """
    if gold.quote is None:
        return gold if gold.end is None or gold.end <= len(text) else Gold(document_id=gold.document_id)
    if gold.is_span and text[gold.start : gold.end] == gold.quote:
        return gold
    start, end = _nearest(text, gold.quote, gold.start or 0) or (None, None)
    return gold.model_copy(update={"start": start, "end": end})


def _nearest(text: str, quote: str, wanted: int) -> tuple[int, int] | None:
    """The span of the occurrence of `quote` that begins nearest to `wanted`."""
    folded, places = _folded(text)
    sought, _ = _folded(quote)
    found = [(places[at], places[at + len(sought) - 1] + 1) for at in _occurrences(folded, sought)]
    return min(found, key=lambda span: abs(span[0] - wanted), default=None)


def _occurrences(text: str, sought: str) -> Iterator[int]:
    at = text.find(sought) if sought.strip() else -1
    while at >= 0:
        yield at
        at = text.find(sought, at + 1)


def _folded(text: str) -> tuple[str, list[int]]:
    """The text with one spelling of what looks the same, and from which code point each of its characters is."""
    spelt = [(part, at) for at, char in enumerate(text) for part in _spelt(char)]
    folded = [spelt[n] for n in range(len(spelt)) if n == 0 or spelt[n][0] != " " or spelt[n - 1][0] != " "]
    return "".join(part for part, _ in folded), [at for _, at in folded]


def _spelt(char: str) -> str:
    if char.isspace():
        return " "
    if char.isascii():
        return char
    return "" if unicodedata.category(char) in _DROPPED else unicodedata.normalize("NFKC", char)
