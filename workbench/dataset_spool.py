"""What was read of a dataset, on disk until it is registered, so that a large one is never in memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from kit.datasets.case import Case
from kit.datasets.entry import Context, Entry
from kit.datasets.lines import read_cases, written

_TOLD_EVERY = 500


class Spool:
    """Cases and documents in a folder; a document that comes again, as that of the next question, is kept once."""

    def __init__(self, folder: Path) -> None:
        self._cases = folder / "cases.jsonl"
        self._contexts = folder / "contexts.jsonl"
        self._contexts.touch()
        self.count = 0
        self.document_ids: set[str] = set()

    def take(self, entries: Iterable[Entry], told: Callable[[int], None]) -> None:
        """Keeps entries, and tells now and then how many."""
        with self._cases.open("wb") as cases, self._contexts.open("a", encoding="utf-8") as contexts:
            for entry in entries:
                cases.write(written(entry.case))
                contexts.writelines(self._new(entry.contexts))
                self.count += 1
                if self.count % _TOLD_EVERY == 0:
                    told(self.count)
        told(self.count)

    def take_documents(self, documents: Iterable[Context]) -> None:
        """Keeps documents that no case brought along."""
        with self._contexts.open("a", encoding="utf-8") as contexts:
            contexts.writelines(self._new(documents))

    def cases(self) -> Iterator[Case]:
        """The cases, in order."""
        with self._cases.open("rb") as file:
            yield from read_cases(file)

    def contexts(self) -> Iterator[Context]:
        """The documents, each once."""
        with self._contexts.open(encoding="utf-8", newline="\n") as file:
            yield from (Context(**json.loads(line)) for line in file)

    def _new(self, documents: Iterable[Context]) -> Iterator[str]:
        for document in documents:
            if document.document_id not in self.document_ids:
                self.document_ids.add(document.document_id)
                yield json.dumps(asdict(document)) + "\n"
