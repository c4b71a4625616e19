"""Runs as tests need them: a variant with a prompt, by one digit of their hashes."""

from typing import Any
from uuid import UUID

from services.evaluator.record import RunRecord

FINGERPRINT = "d" * 64


def run(variant: str = "a", prompt: str = "1", number: int = 1, **changed: Any) -> RunRecord:
    """A run of the variant whose hash has that digit, with the prompt whose hash has that one."""
    record = {
        "run_id": UUID(int=number),
        "variant": {"name": f"variant-{variant}", "version": "2"},
        "sha256": variant * 64,
        "prompt": {"name": "grounded-answer", "version": prompt, "sha256": prompt * 64},
        "dataset": "handbook_qa",
        "fingerprint": FINGERPRINT,
        "cases": 120,
        "documents": 16,
    }
    return RunRecord.model_validate(record | changed)
