"""What a case cannot have."""

import json
from typing import Any

import pytest

from kit.datasets.lines import read_case
from kit.errors import Permanent

CASE = {"id": "q", "question": "Why?", "answers": ["Because."]}


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "q\x00"},
        {"question": "Wh\x00y?"},
        {"answers": ["Because.", "\x00"]},
        {"metadata": {"k\x00": "v"}},
        {"metadata": {"k": "\x00"}},
        {"cluster": "c\x00"},
        {"gold": [{"document_id": "d", "quote": "\x00"}]},
    ],
)
def test_the_character_nul_is_refused(fields: dict[str, Any]) -> None:
    """No database keeps it, so that it is said where the case is read."""
    with pytest.raises(Permanent, match=r"line 3 is not a case: .*cannot have the character NUL; leave it out") as raised:
        read_case(json.dumps(CASE | fields).encode(), "line 3")

    assert raised.value.code == "dataset_line_invalid"
