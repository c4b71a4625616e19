"""Folding: spellings that say the same become one string, each character of which knows where it came from."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]

_QUOTATION_MARKS = frozenset(
    "'\"`\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2039\u203a\u300c\u300d\u300e\u300f"
)
_DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d")
_SELECTORS = "\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # they choose a shape for the character before
_SELECTED = re.compile(f"[{_SELECTORS}]*")
_INVISIBLE = re.compile(f"[{_SELECTORS}]")
# Folded by their compatibility forms, 10\u00b2 would be 102, and 1\u00bd would begin with 11.
_KEPT = ("<super>", "<fraction>", "<circle>")


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` is `source` folded; `origins[i]` is the place in `source` of the code point that gave `text[i]`, of shape (len(text),)."""

    source: str
    text: str
    origins: Offsets

    def window(self, start: int, end: int) -> tuple[int, int]:
        """Which part of `text` came from `source[start:end]`."""
        first, last = np.searchsorted(self.origins, (start, end))
        return int(first), int(last)

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Where `text[first:last]` stands in `source`, with the selectors behind it."""
        end = int(self.origins[first:last].max()) + 1
        selected = _SELECTED.match(self.source, end)
        return int(self.origins[first]), selected.end() if selected else end


def folded(text: str) -> Folded:
    """Leaves out of account: case; runs of white space; kinds of quotation marks and dashes; soft hyphens, zero-width characters and
    marks of direction; ligatures, full width and other compatibility forms, but for raised, circled and fractional figures; and whether
    accents are composed, and in which order. Linear in the text.

    This is Unicode's compatibility caseless matching (chapter 3.13, D146) with NFKD, which looks at each code point alone.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    alphabet, letters = np.unique(points, return_inverse=True)
    folds = [_folded(chr(point)) for point in alphabet]
    glyphs = np.frombuffer("".join(folds).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.array([len(fold) for fold in folds], np.int64)
    begins = np.array([0, *accumulate(len(fold) for fold in folds)], np.int64)[:-1]
    counts = lengths[letters]
    origins = np.repeat(np.arange(len(points)), counts)
    which = np.arange(len(origins)) + np.repeat(begins[letters] - (np.cumsum(counts) - counts), counts)
    order = _in_canonical_order(np.array([unicodedata.combining(chr(glyph)) for glyph in glyphs], np.uint8)[which])
    folding, origins = glyphs[which][order], origins[order]
    blank = folding == ord(" ")
    first = ~blank
    first[:1] = True
    first[1:] |= ~blank[:-1]
    return Folded(text, folding[first].tobytes().decode("utf-32-le", "surrogatepass"), origins[first])


@cache
def _folded(character: str) -> str:
    if unicodedata.decomposition(character).startswith(_KEPT):
        return character
    return "".join(map(_plain, character if character in _QUOTATION_MARKS else unicodedata.normalize("NFKD", character)))


def _plain(character: str) -> str:
    if unicodedata.combining(character):
        return "" if _INVISIBLE.match(character) else character  # folding the case of a Greek iota below would make it a letter
    if character.isspace():
        return " "
    if character in _QUOTATION_MARKS:
        return "'"
    if character in _DASHES:
        return "-"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs") or _INVISIBLE.match(character):
        return ""
    return unicodedata.normalize("NFKD", character.casefold())


def _in_canonical_order(ranks: NDArray[np.uint8]) -> slice | Offsets:
    """The order that sorts the marks on each letter by `ranks`, their combining classes; almost always the one they have."""
    if not ((ranks[:-1] > ranks[1:]) & (ranks[1:] > 0)).any():
        return slice(None)
    order: Offsets = np.lexsort((ranks, np.cumsum(ranks == 0)))
    return order
