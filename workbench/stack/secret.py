"""Secrets of a data folder: made once, for its owner's eyes only."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path


def password(folder: Path) -> str:
    """The servers' password."""
    return _kept(folder / "password", lambda: secrets.token_hex(16))


def signing_key(folder: Path) -> str:
    """With what the evaluator of this workbench signs receipts: a raw Ed25519 private key in base64."""
    return _kept(folder / "receipts.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())


def _kept(path: Path, made: Callable[[], str]) -> str:
    if not path.exists() or not path.stat().st_size:
        path.touch(mode=0o600)
        path.write_text(made())
    return path.read_text()
