"""Secrets of a stack: made once, and known to those who need them alone."""

import base64
import os
from pathlib import Path

import pytest

from kit.errors import Permanent
from services.evaluator.receipts import Signer
from workbench.stack import secret
from workbench.stack.folder import Folder
from workbench.stack.servers import Servers
from workbench.stack.settings import EmbeddedSettings, embedded_settings


def settings(folder: Path) -> EmbeddedSettings:
    """Those of a stack whose servers do not run."""
    return embedded_settings(Servers("127.0.0.1:1", "redis://127.0.0.1:2/0", 3, "secret", ()), Folder(folder))


def test_a_secret_is_made_once_for_the_owners_eyes(tmp_path: Path) -> None:
    """Also again if its maker was killed before it was written."""
    (tmp_path / "password").touch(mode=0o600)
    made = secret.password(tmp_path), secret.signing_key(tmp_path)

    assert made == (secret.password(tmp_path), secret.signing_key(tmp_path))
    assert [len(made[0]), len(base64.b64decode(made[1]))] == [32, 32]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_rag_trusts_the_key_with_which_the_evaluator_of_its_folder_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside those that the environment names, whether or not receipts are asked for."""
    other = Signer.of("elsewhere", base64.b64encode(os.urandom(32)).decode())
    monkeypatch.setenv("RAG_PROMOTION__RECEIPTS", "true")
    alone = settings(tmp_path)
    monkeypatch.setenv("RAG_PROMOTION__RECEIPT_KEYS", f'{{"elsewhere": "{other.public_key}"}}')
    both = settings(tmp_path)

    signer = alone.evaluator.receipts.signer
    assert signer is not None
    assert (alone.rag.promotion.receipts, alone.rag.promotion.receipt_keys) == (True, {"evaluator": signer.public_key})
    assert both.rag.promotion.receipt_keys == {"evaluator": signer.public_key, "elsewhere": other.public_key}


def test_a_key_of_the_environment_signs_and_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none is made."""
    encoded = base64.b64encode(os.urandom(32)).decode()
    monkeypatch.setenv("EVALUATOR_RECEIPTS__PRIVATE_KEY", encoded)
    monkeypatch.setenv("EVALUATOR_RECEIPTS__KEY_ID", "mine")

    rag = settings(tmp_path).rag

    assert rag.promotion.receipt_keys == {"mine": Signer.of("mine", encoded).public_key}
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_none_stops_the_start_and_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting's name."""
    monkeypatch.setenv("EVALUATOR_RECEIPTS__PRIVATE_KEY", "hush, a secret")

    with pytest.raises(Permanent, match=r"EVALUATOR_RECEIPTS: .*32 bytes in base64") as error:
        settings(tmp_path)
    assert "hush" not in error.value.message
