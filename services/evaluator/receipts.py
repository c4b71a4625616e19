"""Receipts: the evaluator's signed word about a verdict. Whoever keeps protected labels trusts its key, and nobody's plain word.

A signed receipt is `{key_id, payload, signature}`: the payload is the receipt's JSON, in base64 so that it is kept byte for byte, and the
signature (Ed25519, RFC 8032) is over `CONTEXT` followed by the payload's bytes.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.evaluator.record import MEASURED, RunRecord

CONTEXT = b"workbench.receipt.v1\n"
# Between the ends of two runs: the same index generation has other documents after a while.
MOST_APART = timedelta(days=7)
_SIDES = ("candidate", "baseline", "difference")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs under the name `key_id`, by which a verifier finds the public key."""

    key_id: str
    private_key: Ed25519PrivateKey

    @classmethod
    def of(cls, key_id: str, encoded: str) -> "Signer":
        """With a raw private key of 32 bytes in base64. Raises ValueError, without the key."""
        try:
            return cls(key_id, Ed25519PrivateKey.from_private_bytes(base64.b64decode(encoded, validate=True)))
        except (binascii.Error, ValueError):
            raise ValueError(f"{key_id} is no Ed25519 private key of 32 bytes in base64") from None

    @property
    def public_key(self) -> str:
        """What a verifier needs: 32 bytes in base64."""
        return base64.b64encode(self.private_key.public_key().public_bytes_raw()).decode()

    def signed(self, receipt: Mapping[str, Any]) -> Json:
        """The receipt as it travels."""
        payload = json.dumps(receipt, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
        signature = self.private_key.sign(CONTEXT + payload)
        encoded = {"payload": payload, "signature": signature}
        return {"key_id": self.key_id, **{name: base64.b64encode(value).decode() for name, value in encoded.items()}}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs, and what their comparison found (its JSON); `apart` is how long lay between their ends."""

    candidate: RunRecord
    baseline: RunRecord | None
    comparison: Mapping[str, Any]
    apart: timedelta = timedelta()


def why_none(compared: Compared, signer: Signer | None) -> str | None:
    """Why no receipt can be signed, in one sentence; None if it can."""
    if compared.baseline is None:
        return "no receipt: nothing was compared with a baseline"
    if compared.comparison.get("gate") is None or compared.comparison.get("verdict") is None:
        return "no receipt: no gate gave a verdict"
    if not compared.candidate.origin == compared.baseline.origin == MEASURED:
        return "no receipt: one of the runs was not measured here, and anybody can write a record"
    if None in (compared.candidate.documents, compared.baseline.documents):
        told = "whether the documents that the cases rest on were searchable is not known of both runs"
        return f"no receipt: {told}; `workbench datasets prepare` the set, and measure both anew"
    if unlike := _unlike(compared.candidate, compared.baseline, compared.apart):
        return f"no receipt: {unlike}; measure both in one evaluation"
    if not list(_subjects(compared)):
        return "no receipt: candidate and baseline are the same variant with the same prompt"
    return None if signer else "no receipt: this evaluator has no key to sign with; see the setting EVALUATOR_RECEIPTS__PRIVATE_KEY"


def receipts(compared: Compared, signer: Signer | None, expires_at: datetime) -> list[Json]:
    """A receipt for the candidate's variant and one for its prompt: `{kind, name, version, sha256, signed}`; none if `why_none` says so.

    What the baseline had too gets none, nor a prompt whose variant differs in more than that: the comparison says nothing about it. One
    that is no PASS is signed as well, and moves nothing.
    """
    if signer is None or why_none(compared, signer):
        return []
    found = _found(compared) | {"expires_at": expires_at.isoformat()}
    return [{**subject, "signed": signer.signed(found | subject)} for subject in _subjects(compared)]


def _unlike(candidate: RunRecord, baseline: RunRecord, apart: timedelta) -> str | None:
    """What may have made the difference besides the variants: a baseline from an empty index or of another model is soon beaten."""
    if abs(apart) > MOST_APART:
        return f"the runs ended {abs(apart).days} days apart, and documents may have changed; {MOST_APART.days} are the most"
    if _equal(candidate, baseline, "index_generation") and candidate.index_generation != baseline.index_generation:
        told = f"{candidate.index_generation or 'none'} for the candidate and {baseline.index_generation or 'none'} for the baseline"
        return f"both variants name the same index generation, which was {told}"
    if _equal(candidate, baseline, "provider", "model") and set(candidate.models) != set(baseline.models):
        told = f"{', '.join(candidate.models) or 'none'} for the candidate and {', '.join(baseline.models) or 'none'} for the baseline"
        return f"both variants name the same model, and answers came from {told}"
    return None


def _equal(candidate: RunRecord, baseline: RunRecord, *settings: str) -> bool:
    return all(candidate.settings.get(name) == baseline.settings.get(name) for name in settings)


def _subjects(compared: Compared) -> Iterator[Json]:
    """What is the candidate's alone."""
    candidate, baseline = compared.candidate, compared.baseline
    if baseline and candidate.sha256 != baseline.sha256:
        yield {"kind": "variant", **candidate.variant.model_dump(), "sha256": candidate.sha256}
    prompts = (candidate.prompt, baseline.prompt) if baseline and _but_prompt(candidate) == _but_prompt(baseline) else (None, None)
    if prompts[0] and prompts[1] and prompts[0].sha256 != prompts[1].sha256:
        yield {"kind": "prompt", **prompts[0].model_dump()}


def _but_prompt(run: RunRecord) -> Json:
    return {name: value for name, value in run.settings.items() if name != "prompt"}


def _found(compared: Compared) -> Json:
    candidate, baseline, comparison = compared.candidate, compared.baseline, compared.comparison
    return {
        "run": str(candidate.run_id),
        "dataset": candidate.fingerprint,
        "candidate": str(candidate.reference),
        "candidate_sha256": candidate.sha256,
        "prompt_sha256": candidate.prompt.sha256 if candidate.prompt else None,
        "baseline": str(baseline.reference) if baseline else None,
        "baseline_run": str(baseline.run_id) if baseline else None,
        "baseline_sha256": baseline.sha256 if baseline else None,
        "baseline_prompt_sha256": baseline.prompt.sha256 if baseline and baseline.prompt else None,
        "gate": comparison["gate"],
        "gate_sha256": comparison.get("gate_sha256"),
        "verdict": comparison["verdict"],
        "figures": dict(_figures(comparison)),
    }


def _figures(comparison: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What the gate looked at: `correct.candidate`, `correct.baseline`, `correct.difference`; of a slice `correct[hop=2].candidate`."""
    for row in comparison.get("metrics", ()):
        if row.get("rule") is None:
            continue
        part = "" if row.get("slice", "all") == "all" else f"[{row['slice']}]"
        for side in _SIDES:
            if row.get(side) is not None and row[side].get("value") is not None:
                yield f"{row['metric']}{part}.{side}", row[side]["value"]
