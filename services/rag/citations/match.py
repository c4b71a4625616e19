"""Finding a quote: its words, whole, in a folded text."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from services.rag.citations.fold import Folded, folded

MIN_CHARACTERS = 3
MAX_OMITTED = 300
MAX_PARTS = 4
# How many places are looked at that are no whole words (fewer for long quotes, each of which takes longer), or that have the first part
# of a quote and not the next: a text with more of them is made to be slow.
_TRIES, _TRIED_CHARACTERS, _BEGINNINGS = 100, 40_000, 20
_EDGES = " .,;:'"
_OMISSION = re.compile(r" ?(?:\[\.{3}\]|\(\.{3}\)|\.{3,}) ?")
# Between words of these scripts there is no space: Thai to Tibetan, Burmese, Khmer, Chinese and Japanese.
_UNSPACED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# And these letters make a word with one or two of them: a Korean syllable is folded to its letters, of which the first counts.
_DENSE = re.compile(f"{_UNSPACED.pattern}|[\u1100-\u115f]")
_REST_OF_SYLLABLE = re.compile("[\u1160-\u11ff]")
_JOINER, _SKIN_TONES = "\u200d", "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote that is looked for: `forms` in this order, each word for word; and then its `parts` around what it leaves out."""

    forms: tuple[str, ...]
    parts: tuple[str, ...]

    def within(self, text: Folded, first: int, last: int) -> Place | None:
        """Where it stands first in `text.text[first:last]`, what it leaves out included."""
        found = (_found(text, form, first, last) for form in self.forms)
        return next((place for place in found if place), None) or self._elided(text, first, last)

    def across(self, text: Folded, first: int, last: int) -> Place | None:
        """Where it stands first, in whole or in part within `text.text[first:last]`; nothing left out."""
        reach = ((form, max(0, first - len(form) + 1), last + len(form) - 1) for form in self.forms)
        return next((place for one in reach if (place := _found(text, *one))), None)

    def _elided(self, text: Folded, first: int, last: int) -> Place | None:
        if len(self.parts) < 2:
            return None
        for begin, end in islice(_all_found(text, self.parts[0], first, last), _BEGINNINGS):
            for part in self.parts[1:]:
                found = _found(text, part, end, min(last, end + MAX_OMITTED + len(part)))
                if found is None:
                    break
                end = found[1]
            else:
                return begin, end
        return None


def quote_of(written: str) -> Quote | None:
    """A quote as a model writes it; None if it is too short to prove anything: fewer than MIN_CHARACTERS letters and digits.

    A model may end a quote as a sentence of its own, and leave out (`...`) up to MAX_OMITTED characters between at most MAX_PARTS parts,
    each of them long enough.
    """
    text = folded(written).text.strip()
    trimmed = text.strip(_EDGES)
    if not _proves(trimmed):
        return None
    parts = tuple(part for part in _OMISSION.split(trimmed) if part)
    told = len(parts) <= MAX_PARTS and all(map(_proves, parts))
    forms = (text, trimmed, *parts[: len(parts) == 1])
    return Quote(tuple(dict.fromkeys(forms)), parts if told else ())


def _proves(text: str) -> bool:
    """Whether it has enough letters and digits; of scripts that write a word with one or two of them, each counts twice."""
    letters = (character for character in text if character.isalnum() and not _REST_OF_SYLLABLE.match(character))
    return any(weight >= MIN_CHARACTERS for weight in accumulate(2 if _DENSE.match(letter) else 1 for letter in letters))


def _found(text: Folded, words: str, first: int, last: int) -> Place | None:
    return next(_all_found(text, words, first, last), None)


def _all_found(text: Folded, words: str, first: int, last: int) -> Iterator[Place]:
    at = first - 1
    for _ in range(min(_TRIES, _TRIED_CHARACTERS // len(words))):
        at = text.text.find(words, at + 1, last)
        if at < 0:
            return
        if _may_cut(text, at) and _may_cut(text, at + len(words)):
            yield at, at + len(words)


def _may_cut(text: Folded, at: int) -> bool:
    """Whether a quote may begin or end there: not in a word, a number, a ligature, or between a letter and its marks."""
    if not 0 < at < len(text.text):
        return True
    before, behind, origin = text.text[at - 1], text.text[at], int(text.origins[at])
    if int(text.origins[at - 1]) == origin or _is_mark(behind) or behind in _SKIN_TONES:
        return False
    if text.source[origin - 1] == _JOINER and behind != " ":
        return False
    if _in_word(before) and _in_word(behind):
        return bool(_UNSPACED.match(before) or _UNSPACED.match(behind))
    return not _in_number(text.text, at)


def _in_number(text: str, at: int) -> bool:
    """Whether digits go on behind a point or comma, or have a minus sign: 500 does not stand in 1,500, nor 5 in -5."""
    two, one, here, next_ = (*text[max(0, at - 2) : at].rjust(2), *text[at : at + 2].ljust(2))
    if here.isdecimal():
        return (one in ".,'" and two.isdecimal()) or (one == "-" and not _in_word(two))
    return one.isdecimal() and here in ".,'" and next_.isdecimal()


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or _is_mark(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
