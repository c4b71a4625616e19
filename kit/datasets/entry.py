"""An entry: a case as a dataset gives it, with the documents that come along with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kit.datasets.case import Case

Row = Mapping[str, Any]

_BETWEEN = "\0"
_FITS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@dataclass(frozen=True, slots=True)
class Context:
    """A document of a dataset, to be ingested as plain text; spans count the code points of `text`."""

    document_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A case, and the documents it was written about, if the set carries them."""

    case: Case
    contexts: tuple[Context, ...] = ()


def document_id_of(name: str) -> str:
    """The document id for what a set calls a document: the name itself if it can be one, or else one made of its hash, always the same."""
    return name if _FITS.fullmatch(name) else f"doc-{_digest(name)}"


def context_of(prefix: str, title: str, text: str) -> Context:
    """A document that the set has no name for: its id is made of its content."""
    return Context(f"{prefix}-{_digest(title + _BETWEEN + text)}", title, text)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
