"""A release is recorded once, whole, and above every other."""

import shutil
from pathlib import Path

import pytest

from tests.architecture.shape import SERVICES
from workbench.release import CONTRACTS, main, record, releases, schemas_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the contracts, with no release."""
    for kind in ("schemas", "examples"):
        shutil.copytree(CONTRACTS / kind, tmp_path / kind)
    return tmp_path


def test_a_release_has_schemas_examples_and_queries(folder: Path) -> None:
    """All that programs out there hold us to."""
    release = record("1.2.3", folder)

    assert {path.stem for path in release.glob("queries/*.sql")} == {"kit", *SERVICES}
    assert set(schemas_of(release)) == {path.stem for path in release.glob("examples/*.json")} != set()


def test_releases_are_ordered_as_numbers(folder: Path) -> None:
    """0.10.0 comes after 0.9.0."""
    for version in ("0.9.0", "0.10.0", "0.11.0"):
        record(version, folder)

    assert [release.name for release in releases(folder)] == ["0.9.0", "0.10.0", "0.11.0"]


@pytest.mark.parametrize(
    ("version", "why"), [("1.2.3", "not above"), ("1.2.2", "not above"), ("next", "not a version"), ("../1.3.0", "not a version")]
)
def test_a_release_is_never_edited(folder: Path, version: str, why: str) -> None:
    """Nor slipped in before another."""
    record("1.2.3", folder)

    with pytest.raises(ValueError, match=why):
        record(version, folder)


def test_a_wrong_version_is_told_on_the_command_line() -> None:
    """What main returns becomes the exit status 1."""
    assert "is not a version such as 0.2.0" in str(main(["next"]))
