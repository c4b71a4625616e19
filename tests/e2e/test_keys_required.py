"""A stack that asks for keys, used by the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import ENDS_WITHIN_S

ADMIN_KEY = "the-first-key-of-all-0123456789abcdef"


@dataclass(frozen=True)
class Shop:
    """A folder with a running stack."""

    folder: Path
    url: str

    def get(self, path: str) -> httpx.Response:
        """GET without a key, once the stack is ready to answer."""
        until = time.monotonic() + ENDS_WITHIN_S
        while (answer := httpx.get(f"{self.url}{path}", timeout=60)).status_code == 503 and time.monotonic() < until:
            time.sleep(0.1)
        return answer

    def command(self, *arguments: str, key: str = "") -> "subprocess.CompletedProcess[str]":
        """`workbench ...` with a key."""
        env = {**os.environ, "WORKBENCH_API_KEY": key}
        return subprocess.run([sys.executable, "-m", "workbench", *arguments], cwd=self.folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Started with RAG_AUTH=required."""
    folder = tmp_path_factory.mktemp("required")
    env = {**os.environ, "RAG_AUTH": "required", "RAG_ADMIN_KEY": ADMIN_KEY}
    command = [sys.executable, "-m", "workbench", "up", "--json"]
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as stack:
        try:
            assert stack.stdout
            yield Shop(folder, json.loads(stack.stdout.readline())["http"])
        finally:
            stack.send_signal(signal.SIGINT)


def test_without_a_key_only_health_is_answered(shop: Shop) -> None:
    """Everything else says what to send."""
    free = [shop.get(path).status_code for path in ("/health", "/livez", "/readyz", "/version", "/metrics")]
    refused = [shop.get(path) for path in ("/documents", "/keys", "/audit")]

    assert free == [200] * 5
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(401, "key_missing")] * 3
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in refused)


def test_the_admin_key_makes_a_key_that_works_until_it_is_revoked(shop: Shop) -> None:
    """By command line, from the first to the last."""
    created = shop.command("keys", "create", "reader", "--scope", "documents:read", "--days", "1", "--json", key=ADMIN_KEY)
    key = json.loads(created.stdout)
    works = shop.command("documents", "--json", key=key["key"])
    revoked = shop.command("keys", "revoke", key["key_id"], key=ADMIN_KEY)
    refused = shop.command("documents", "--json", key=key["key"])
    listed = shop.command("keys", "list", "--json", key=ADMIN_KEY)

    assert (works.returncode, json.loads(works.stdout)) == (0, {"documents": []})
    assert (revoked.returncode, refused.returncode) == (0, 1)
    assert "(reader) is revoked" in revoked.stdout
    assert "this is no API key" in refused.stderr
    assert json.loads(listed.stdout)["keys"][0]["revoked_at"]


def test_a_new_key_is_printed_whole_for_people_too(shop: Shop) -> None:
    """On a line of its own, however narrow the terminal."""
    created = shop.command("keys", "create", "reader", "--scope", "query", "--tenant", "acme", key=ADMIN_KEY)

    key = created.stdout.splitlines()[-1]
    assert shop.command("search", "x", "--json", key=key).returncode == 0


def test_without_a_key_the_command_line_says_what_is_missing(shop: Shop) -> None:
    """In one sentence."""
    refused = shop.command("documents")

    assert refused.returncode == 1
    assert "send an API key" in refused.stderr
    assert "Traceback" not in refused.stderr
