"""What every peer is given and tells. Imports nothing that a peer's interpreter may lack but this project's embedding model."""

import asyncio
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """Documents `{document_id, title, text}`, questions, and how many chunks are wanted for each."""

    texts: Sequence[dict[str, str]]
    questions: Sequence[str]
    depth: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one pipeline found: places by question, best first, and milliseconds."""

    name: str
    found: list[list[Place]]
    ms: list[float]


@dataclass(frozen=True, slots=True)
class Told:
    """All runs, and every chunk that could be found."""

    runs: list[Found]
    chunks: list[Place]


class Embedding:
    """The project's own model."""

    def __init__(self) -> None:
        from kit.adapters.minilm import MiniLM

        self._model = MiniLM()

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector a text."""
        vectors: list[list[float]] = asyncio.run(self._model.embed(texts)).tolist()
        return vectors


def timed(name: str, search: Callable[[str, list[float]], list[Place]], questions: Sequence[str], vectors: Sequence[list[float]]) -> Found:
    """Asks every question, with its vector at hand."""
    found, ms = [], []
    for question, vector in zip(questions, vectors, strict=True):
        began = time.perf_counter()
        found.append(search(question, vector))
        ms.append((time.perf_counter() - began) * 1000)
    return Found(name, found, ms)


def tell(package: str, module: str, main: Callable[[Given], Told]) -> None:
    """Reads the data, prints the result; or that the package is not there."""
    if importlib.util.find_spec(module) is None:
        told: dict[str, Any] = {"not_installed": package}
    else:
        told = asdict(main(Given(**json.load(sys.stdin))))
    print(json.dumps(told))
