"""The committed contracts are what the code makes, and a difference is found and shown."""

import shutil
from pathlib import Path

import pytest

from workbench import publish

WANTED = {Path("schemas/a.json"): "{}\n", Path("asyncapi.json"): "[]\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where two products were just written."""
    publish.write(tmp_path, WANTED)
    return tmp_path


def test_the_committed_contracts_are_what_the_code_makes() -> None:
    """Otherwise: `make contracts`, and review what changed."""
    assert publish.drift(publish.FOLDER, publish.products()) == ""


def test_what_was_just_written_has_no_drift(folder: Path) -> None:
    """Writing and checking agree."""
    assert publish.drift(folder, WANTED) == ""


def test_an_edited_file_is_shown_as_a_diff(folder: Path) -> None:
    """Somebody changed the product instead of its source."""
    (folder / "asyncapi.json").write_text("[1]\n")

    assert publish.drift(folder, WANTED).splitlines() == [
        "--- committed/asyncapi.json",
        "+++ generated/asyncapi.json",
        "@@ -1 +1 @@",
        "-[1]",
        "+[]",
    ]


def test_a_missing_file_is_drift(folder: Path) -> None:
    """A new event whose schema nobody committed."""
    (folder / "schemas/a.json").unlink()

    assert "+{}" in publish.drift(folder, WANTED)


def test_a_left_over_schema_is_drift_and_is_removed_by_writing(folder: Path) -> None:
    """The schema of an event that is gone."""
    (folder / "schemas/old.json").write_text("{}\n")

    found = publish.drift(folder, WANTED)
    publish.write(folder, WANTED)

    assert "committed/schemas/old.json" in found
    assert publish.drift(folder, WANTED) == ""


def test_the_check_tells_of_one_edited_schema_and_changes_nothing(tmp_path: Path) -> None:
    """On a copy of the committed contracts; what main returns becomes the exit status 1."""
    shutil.copytree(publish.FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "schemas/docs.deleted.v1.json").write_text("{}\n")

    told = publish.main(["--check"], tmp_path)

    assert "committed/schemas/docs.deleted.v1.json" in str(told)
    assert (tmp_path / "schemas/docs.deleted.v1.json").read_text() == "{}\n"
