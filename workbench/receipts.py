"""An evaluation's receipts as files, one for each variant or prompt: what `--receipt` of `prompts label` and `variants label` reads."""

import json
from pathlib import Path

from kit.errors import Permanent
from workbench.evals import Json
from workbench.written import write


def write_receipts(found: Json, file: Path) -> list[Path]:
    """Writes each of an evaluation beside `file`: `receipt.json` becomes `receipt.variant.json` and `receipt.prompt.json`; gives the files.

    Raises Permanent `receipt_none` if there are none: a label that is protected would not move.
    """
    if not found["receipts"]:
        raise Permanent("receipt_none", why_none(found))
    return [_written(receipt, file.with_suffix(f".{receipt['kind']}{file.suffix or '.json'}")) for receipt in found["receipts"]]


def why_none(found: Json) -> str:
    """Why an evaluation without receipts has none, as the evaluator says it."""
    return (found.get("comparison") or {}).get("no_receipt") or "no receipt: nothing was compared"


def _written(receipt: Json, file: Path) -> Path:
    return write(file, json.dumps(receipt["signed"], indent=2) + "\n")
