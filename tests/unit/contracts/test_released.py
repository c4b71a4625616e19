"""What was released is read for ever."""

import json
from pathlib import Path

import pytest

from tests.unit.contracts.conftest import read
from workbench.release import releases

EXAMPLES = [path for release in releases() for path in sorted(release.glob("examples/*.json"))]


@pytest.mark.parametrize("path", EXAMPLES, ids=[f"{path.parts[-3]} {path.stem}" for path in EXAMPLES])
def test_every_example_ever_released_decodes_and_keeps_its_key(path: Path) -> None:
    """As the newest version of its event: another key would break the order of what is on the topic already."""
    example = json.loads(path.read_text())

    received = read(example)

    assert received.data.key == example["key"]


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.name)
def test_a_release_has_an_example_of_every_event(release: Path) -> None:
    """And at least one event."""
    examples, schemas = ({path.stem for path in (release / kind).iterdir()} for kind in ("examples", "schemas"))

    assert examples == schemas != set()
