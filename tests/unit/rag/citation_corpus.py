"""Quotes as models write them, true ones and false ones, and what becomes of them: `python -m tests.unit.rag.citation_corpus`."""

import asyncio
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from services.rag.cite import Citer
from services.rag.store import StoredQuote
from tests.unit.rag.citation_texts import Document, documents

ELIDED = "with the middle left out"
Spelling = Callable[[str, Random], str]
_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\"'", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)


def same(text: str) -> str:
    """What two spellings have in common: the corpus's own yardstick, apart from the code that it measures."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf" and character not in "\ufe0e\ufe0f")
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().translate(_MARKS).split())


SPELLINGS: dict[str, Spelling] = {
    "as it stands": lambda quote, _: quote,
    "upper case": lambda quote, _: quote.upper().replace("\u1e9e", "SS"),
    "one line": lambda quote, _: " ".join(quote.split()),
    "wrapped": lambda quote, _: re.sub(r"\s+", " \n\t", quote),
    "composed": lambda quote, _: unicodedata.normalize("NFC", quote),
    "decomposed": lambda quote, _: unicodedata.normalize("NFD", quote),
    "invisible left out": lambda quote, _: "".join(character for character in quote if unicodedata.category(character) != "Cf"),
    "invisible put in": lambda quote, random: _sprinkled(quote, random),
    "typographic": lambda quote, _: quote.replace("'", "\u2019").replace(" - ", " \u2013 ").replace("-", "\u2011"),
    "as a sentence": lambda quote, _: f" {quote.rstrip('.')}. ",
    ELIDED: lambda quote, random: _elided(quote, random),
}


def _sprinkled(quote: str, random: Random) -> str:
    return "".join(character + random.choice(["", "", "", "\u00ad", "\u200b", "\u200e", "\u2060"]) for character in quote)


def _elided(quote: str, random: Random) -> str:
    words = quote.split(" ")
    if len(words) < 9:
        return quote
    return " ".join(words[:4]) + random.choice([" ... ", "\u2026", " [...] ", " [\u2026] "]) + " ".join(words[-4:])


LIES: dict[str, Spelling] = {
    "another number": lambda quote, _: re.sub(r"\d", lambda digit: str((int(digit[0]) + 3) % 10), quote),
    "a word more": lambda quote, random: _with_word(quote, random, 0),
    "another word": lambda quote, random: _with_word(quote, random, 1),
    "words swapped": lambda quote, _: " ".join([*quote.split()[:-2], *reversed(quote.split()[-2:])]),
    "beginning in a word": lambda quote, _: quote[1:],
    "ending in a word": lambda quote, _: quote[:-1],
    "beginning in a number": lambda quote, _: re.sub(r"^.*\d[.,](?=\d)", "", quote, flags=re.DOTALL),
    "one letter": lambda quote, random: random.choice(quote),
    "its letters alone": lambda quote, _: "".join(quote.split()),
    "parts in another order": lambda quote, _: " ... ".join(reversed(re.findall(r"\S+(?: \S+){2}", quote))),
}


def _with_word(quote: str, random: Random, less: int) -> str:
    words = quote.split()
    at = random.randrange(len(words))
    return " ".join([*words[:at], "never", *words[at + less :]])


@dataclass
class Figures:
    """What became of the quotes of one kind of document."""

    true: int = 0
    verified: int = 0
    emitted: int = 0
    exact: int = 0
    false: int = 0
    believed: int = 0


@dataclass(frozen=True)
class Stored:
    """The stored text."""

    text: str

    async def quotes(self, tenant_id: str, spans: Sequence[tuple[str, int, int]]) -> list[StoredQuote]:
        """What stands there."""
        return [StoredQuote(self.text[start:end], 1) for _, start, end in spans]


@dataclass
class Trial:
    """Asks for quotes of one document."""

    document: Document
    random: Random
    figures: Figures
    misses: list[tuple[str, str]]

    async def run(self, count: int) -> None:
        """So many true quotes in each spelling, and so many of each lie."""
        for _ in range(count):
            for name, spelling in SPELLINGS.items():
                passage, quote = self._drawn()
                await self._true(passage, quote, name, spelling(quote, self.random))
            await self._true(*self._across())
            for name, lie in LIES.items():
                passage, quote = self._drawn()
                told = lie(quote, self.random)
                if self._is_false(quote, told, name):
                    await self._false(passage, name, told)
            await self._misplaced(*self._drawn())

    async def _true(self, passage: int, quote: str, name: str, written: str) -> None:
        said = await self._emitted(passage, written)
        wanted = _in_order(written) if name == ELIDED else re.escape(_bare(quote))
        found = len(said) == 1 and re.fullmatch(wanted, _bare(said[0])) is not None
        self.figures.true += 1
        self.figures.verified += found
        self.misses += [(name, written)] * (not found)

    async def _false(self, passage: int, name: str, written: str) -> None:
        believed = bool(await self._emitted(passage, written))
        self.figures.false += 1
        self.figures.believed += believed
        self.misses += [(name, written)] * believed

    async def _misplaced(self, passage: int, quote: str) -> None:
        hits = self.document.hits
        other = (passage - 1 + len(hits) // 2) % len(hits)
        await self._false(len(hits) + 1, "of no passage", quote)
        around = [hit.chunk for hit in hits[max(0, other - 1) : other + 2]]
        if _bare(quote) not in same(self.document.text[around[0].start : around[-1].end]):
            await self._false(other + 1, "of another passage", quote)

    async def _emitted(self, passage: int, written: str) -> list[str]:
        draft = f'So it is. [{passage}: "{written}"]'
        cited = await Citer(Stored(self.document.text)).verified(draft, self.document.hits, "default")
        for citation in cited.citations:
            here = self.document.text[citation.start : citation.end]
            self.figures.emitted += 1
            self.figures.exact += citation.quote.encode() == here.encode()
        return [citation.quote for citation in cited.citations]

    def _drawn(self) -> tuple[int, str]:
        """A passage, and some of its words."""
        number = self.random.randrange(len(self.document.hits))
        text = self.document.hits[number].chunk.text
        words = self._words(text)
        first = self.random.randrange(max(1, len(words) - 6))
        last = min(len(words) - 1, first + self.random.randint(3, 14))
        return number + 1, text[words[first][0] : words[last][1]]

    def _across(self) -> tuple[int, str, str, str]:
        """The end of a passage and the beginning of the next one, said to be of either."""
        number = self.random.randrange(len(self.document.hits) - 1)
        one, next_ = (hit.chunk for hit in self.document.hits[number : number + 2])
        begin = one.start + self._words(one.text)[-3:][0][0]
        end = next_.start + self._words(next_.text)[:3][-1][1]
        quote = self.document.text[begin : max(end, one.end)]
        return number + 1 + self.random.randint(0, 1), quote, "across two passages", " ".join(quote.split())

    def _words(self, text: str) -> list[tuple[int, int]]:
        # What is no letter of its own, in Thai, stays with the letter before.
        pattern = r"\S+" if self.document.spaced else "\\d+|[^\\W\u0e33][\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]*"
        return [word.span() for word in re.finditer(pattern, text)]

    def _is_false(self, quote: str, written: str, name: str) -> bool:
        """Whether a lie is one: chance may have made another true quote of it."""
        if "in a word" in name:
            return self.document.spaced and (quote[:2] + quote[-2:]).isalnum()
        if name == "beginning in a number":
            return written != quote
        if name == "one letter":
            return True
        return re.search(_in_order(written), same(self.document.text)) is None


def _in_order(written: str) -> str:
    parts = re.split(r"(?: *(?:\.{3}|\[\.{3}\]) *)", same(written))
    return ".*?".join(re.escape(_bare(part)) for part in parts)


def _bare(text: str) -> str:
    return same(text).strip(" .,;:'")


def measured(count: int, seed: int = 7) -> dict[str, tuple[Figures, list[tuple[str, str]]]]:
    """The figures of every kind of document, and the quotes that went wrong."""
    results = {}
    for document in documents():
        trial = Trial(document, Random(seed), Figures(), [])
        asyncio.run(trial.run(count))
        results[document.kind] = (trial.figures, trial.misses)
    return results


def main(count: int) -> None:
    """Prints the table."""
    print(f"{'document':22}{'true':>7}{'verified':>10}{'emitted':>9}{'byte for byte':>15}{'false':>7}{'believed':>10}")
    total = Figures()
    for kind, (figures, _) in measured(count).items():
        print(_row(kind, figures))
        for name, value in vars(figures).items():
            setattr(total, name, getattr(total, name) + value)
    print(_row("all", total))


def _row(kind: str, one: Figures) -> str:
    return f"{kind:22}{one.true:7}{one.verified:10}{one.emitted:9}{one.exact:15}{one.false:7}{one.believed:10}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
