"""An evaluation's receipts as files, one for each variant or prompt: what `--receipt` of `prompts label` and `variants label` reads."""

import json
from pathlib import Path

from kit.errors import Permanent
from workbench.evals import Json


def write_receipts(found: Json, file: Path) -> list[Path]:
    """Writes each of an evaluation beside `file`: `receipt.json` becomes `receipt.variant.json` and `receipt.prompt.json`; gives the files.

    Raises Permanent `receipt_none` if there are none: a label that is protected would not move.
    """
    if not found["receipts"]:
        raise Permanent("receipt_none", (found.get("comparison") or {}).get("no_receipt") or "no receipt: nothing was compared")
    return [_written(receipt, file.with_suffix(f".{receipt['kind']}{file.suffix or '.json'}")) for receipt in found["receipts"]]


def _written(receipt: Json, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(receipt["signed"], indent=2) + "\n", encoding="utf-8")
    return file
