"""Files that commands write where they were told to."""

from pathlib import Path

from kit.errors import Permanent


def write(file: Path, text: str) -> Path:
    """Writes a text, in a folder that is made if there is none; gives the file. Raises Permanent `file_unwritable` with the reason."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Permanent("file_unwritable", f"{file} cannot be written: {error.strerror or error}") from error
    return file
