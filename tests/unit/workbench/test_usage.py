"""`workbench usage`: the ledger's sums as a person reads them."""

from collections.abc import Callable
from typing import Any

import httpx
from rich.console import Console

from workbench.cli.render.usage import usage
from workbench.client import Client

ClientOf = Callable[[Callable[[httpx.Request], httpx.Response]], Client]


def a_sum(group: dict[str, str | None], **changes: Any) -> dict[str, Any]:
    """A row as the service sends it."""
    counts = {"calls": 1200, "failed": 3, "cancelled": 1, "unknown": 2, "input_tokens": 90_000, "output_tokens": 1_000}
    return {"group": group, **counts, "cost_usd": 0.0421, "unpriced": 0, **changes}


def shown(reply: dict[str, Any]) -> list[list[str]]:
    """The words of each line."""
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(usage(reply))
    return [line.split() for line in capture.get().splitlines()]


def test_usage_has_a_row_a_group_and_one_for_all() -> None:
    """Numbers with separators, dollars to the micro-dollar."""
    rows = [a_sum({"day": "2026-05-05", "key": "k1"}), a_sum({"day": "2026-05-05", "key": None}, unpriced=1)]
    lines = shown({"by": ["day", "key"], "rows": rows, "total": a_sum({}, calls=2400, unpriced=1)})

    assert lines == [
        ["Day", "Key", "Calls", "Failed", "Unknown", "Tokens", "in", "Tokens", "out", "Cost"],
        ["2026-05-05", "k1", "1,200", "3", "2", "90,000", "1,000", "$0.042100"],
        ["2026-05-05", "—", "1,200", "3", "2", "90,000", "1,000", "$0.042100", "+", "?"],
        ["all", "2,400", "3", "2", "90,000", "1,000", "$0.042100", "+", "?"],
    ]


async def test_only_what_was_asked_for_is_sent(client_of: ClientOf) -> None:
    """The service knows the defaults."""
    queries: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(str(request.url.query, "ascii"))
        return httpx.Response(200, json={})

    client = client_of(answer)
    await client.usage("day")
    await client.usage("day,model", "2026-05-01", "2026-06-01")

    assert queries == ["by=day", "by=day%2Cmodel&from=2026-05-01&to=2026-06-01"]
