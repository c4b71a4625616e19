"""The handbook as material: its documents, as many different copies of them as wanted, their chunks, and questions about them."""

import importlib.util
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from types import ModuleType

from contracts.media_types import media_type_of
from kit.adapters.minilm import MiniLM
from services.ingest.chunk import Chunker
from services.ingest.parse import parse
from tests.bench.raw import ROOT
from workbench.uploads import find_files

DATASETS = ROOT / "datasets"
HANDBOOK = DATASETS / "handbook"

_SENTENCE_END = re.compile(r"(?<=[a-z])\.(?=\s|<|$)")
_OPENINGS = (
    "",
    "According to the handbook,",
    "A new colleague asks:",
    "For the weekly report:",
    "Please tell me,",
    "In short,",
    "I could not find it myself.",
    "Before tomorrow's meeting:",
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file to upload."""

    name: str
    data: bytes


def documents() -> list[Document]:
    """The handbook as it is."""
    return [Document(path.name, path.read_bytes()) for path in find_files([HANDBOOK])[0]]


def copies(count: int) -> list[Document]:
    """The handbook `count` times over, in its own formats; every sentence names its copy, so that no two texts are equal."""
    builder = _builder()
    return [_copy(builder, document, number) for number in range(1, count + 1) for document in documents()]


def chunk_texts(corpus: Sequence[Document]) -> list[str]:
    """The texts that ingest embeds for these documents, in order."""
    model = MiniLM()
    chunker = Chunker(model.count_tokens, model.max_tokens)
    texts = [text for document in corpus for text in _chunks(document, chunker)]
    model.close()
    return texts


def words() -> list[str]:
    """Every word of the handbook, as often as it stands there."""
    texts = (parse(document.data, _media_type(document)).text for document in documents())
    return [word for text in texts for word in re.findall(r"[A-Za-z][A-Za-z'-]*", text)]


def questions(count: int) -> list[str]:
    """Distinct questions: first the dataset's own, then the same with other words before them. Raises ValueError if there are too few."""
    lines = (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    varied = list(islice((f"{opening} {question}".strip() for opening, question in product(_OPENINGS, asked)), count))
    if len(set(varied)) < count:
        raise ValueError(f"{count} distinct questions are wanted and {len(set(varied))} can be made; add openings")
    return varied


def _copy(builder: ModuleType, document: Document, number: int) -> Document:
    def varied(text: str) -> str:
        return _SENTENCE_END.sub(f" in copy {number}.", text)

    name = f"{number}-{document.name}"
    if document.name not in builder.BUILT:
        return Document(name, varied(document.data.decode()).encode())
    source, write = builder.BUILT[document.name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, source)
        path.write_text(varied((builder.SOURCE / source).read_text(encoding="utf-8")), encoding="utf-8")
        return Document(name, write(builder.read(path)))


def _chunks(document: Document, chunker: Chunker) -> Iterator[str]:
    media_type = _media_type(document)
    parsed = parse(document.data, media_type)
    for span in chunker.chunk(parsed, media_type):
        yield parsed.text[span.start : span.end]


def _media_type(document: Document) -> str:
    found = media_type_of(document.name)
    if found is None:
        raise ValueError(f"{document.name} is of no supported type")
    return found


def _builder() -> ModuleType:
    """The script that makes the handbook's PDF and DOCX files; it lies beside them and is in no package."""
    spec = importlib.util.spec_from_file_location("build_handbook", DATASETS / "build_handbook.py")
    if spec is None or spec.loader is None:
        raise ValueError("datasets/build_handbook.py cannot be loaded")
    builder = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = builder  # its dataclasses look their module up
    spec.loader.exec_module(builder)
    return builder
