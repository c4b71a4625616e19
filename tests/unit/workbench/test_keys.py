"""Keys on the command line: lists say until when each holds; and pairs for receipts."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rich.console import Console

from services.evaluator.receipts import Signer
from services.evaluator.settings import ReceiptSettings
from workbench.cli.keys import receipts
from workbench.cli.render.keys import keys
from workbench.client import Client

KEY = {"key_id": "0" * 32, "tenant_id": "default", "name": "reader", "scopes": ["documents:read", "query"]}
TIMES = {"created_at": "2026-01-01T00:00:00Z", "expires_at": None, "revoked_at": None, "last_used_at": None}


@pytest.mark.parametrize(
    ("times", "told"),
    [({}, "it is revoked"), ({"expires_at": "2027-03-04T05:06:07Z"}, "2027-03-04"), ({"revoked_at": "2026-01-02T00:00:00Z"}, "revoked")],
)
def test_a_list_says_until_when_each_key_holds(times: dict[str, str], told: str) -> None:
    """On a hundred columns, with the whole id."""
    screen = Console(width=100, record=True)

    screen.print(keys([{**KEY, **TIMES, **times}]))

    shown = screen.export_text()
    assert KEY["key_id"] in shown
    assert told in shown


async def test_the_id_of_a_key_stays_one_part_of_the_path(client_of: Callable[[Any], Client]) -> None:
    """Whatever somebody types."""
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    await client_of(answer).revoke_key("../documents/x")

    assert paths == ["/keys/..%2Fdocuments%2Fx"]


def test_a_pair_of_keys_for_receipts_is_one_that_both_services_take(capsys: pytest.CaptureFixture[str]) -> None:
    """What the evaluator signs with the one half, rag verifies with the other; and each pair is new."""
    receipts()
    receipts()

    first, second = (dict(line.split("=", 1) for line in pair) for pair in batched(capsys.readouterr().out.splitlines()))
    private, public = first["EVALUATOR_RECEIPTS__PRIVATE_KEY"], json.loads(first["RAG_PROMOTION__RECEIPT_KEYS"])
    [key_id] = public
    assert Signer.of(key_id, private).public_key == public[key_id]
    assert ReceiptSettings().key_id == key_id
    assert second["EVALUATOR_RECEIPTS__PRIVATE_KEY"] != private


def batched(lines: list[str]) -> list[list[str]]:
    """Two by two."""
    return [lines[at : at + 2] for at in range(0, len(lines), 2)]
