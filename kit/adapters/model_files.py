"""The files of models: in an installed package, checked by hash, or in a folder of the user's."""

import hashlib
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NamedTuple

from kit.errors import Permanent

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"


class PackagedFile(NamedTuple):
    """A file of a package that is never imported."""

    package: str
    path: str
    sha256: str

    def find(self) -> Path:
        """Raises Permanent `model_missing`, or `model_changed` if it is not the file this project was measured with."""
        try:
            found = [file.locate() for file in files(self.package) or () if str(file) == self.path]
        except PackageNotFoundError as error:
            raise Permanent("model_missing", f"package {self.package} is not installed; install the extra that has it") from error
        if not found:
            raise Permanent("model_missing", f"package {self.package} has no {self.path}; install the version this project pins")
        file = Path(str(found[0]))
        if hashlib.sha256(file.read_bytes()).hexdigest() != self.sha256:
            told = f"{self.path} of {self.package} is not the file this project was measured with; install the pinned version"
            raise Permanent("model_changed", told)
        return file


class ModelFolder(NamedTuple):
    """A folder with `model.onnx` (weights may lie beside it, as `model.onnx*`) and `tokenizer.json`."""

    path: Path

    @property
    def model(self) -> Path:
        """The network."""
        return self._file(MODEL)

    @property
    def tokenizer(self) -> Path:
        """The tokenizer."""
        return self._file(TOKENIZER)

    def name(self) -> str:
        """The folder's name and a digest of what it holds, so that other weights have another name. Reads all of it."""
        digest = hashlib.sha256()
        for file in [*sorted(self.path.glob(f"{MODEL}*")), self.tokenizer]:
            with file.open("rb") as held:
                digest.update(hashlib.file_digest(held, "sha256").digest())
        return f"{self.path.resolve().name}-{digest.hexdigest()[:12]}"

    def _file(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise Permanent("model_missing", f"{self.path} has no {name}; put the model's files there, or set another folder")
        return file
