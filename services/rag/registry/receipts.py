"""Receipts of evaluations: signed words of the evaluator that a version was measured, against what, and with which verdict.

A signed receipt is `{key_id, payload, signature}`: the payload is the receipt's JSON, in base64 so that it is kept byte for byte, and the
signature (Ed25519, RFC 8032) is over `CONTEXT` followed by the payload's bytes.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from kit.errors import Permanent
from services.rag.registry.entry import Kind
from services.rag.registry.version import Version

CONTEXT = b"workbench.receipt.v1\n"
PASS = "PASS"  # noqa: S105 - a verdict


class Receipt(BaseModel):
    """What an evaluation found about the `kind` with the content `sha256`, measured with the prompt `prompt_sha256`; `dataset` is the
    fingerprint of what it was measured on, `gate` the rule that gave the verdict.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str = Field(min_length=1)
    kind: Kind
    sha256: str
    prompt_sha256: str | None = None
    dataset: str = Field(min_length=1)
    baseline: str | None = None
    baseline_sha256: str | None = None
    baseline_prompt_sha256: str | None = None
    gate: str | None = None
    verdict: str
    figures: dict[str, float] = Field(default_factory=dict)
    expires_at: AwareDatetime

    @property
    def against(self) -> str | None:
        """The hash of what it was measured against, of the same kind."""
        return self.baseline_sha256 if self.kind is Kind.VARIANT else self.baseline_prompt_sha256


class SignedReceipt(BaseModel):
    """A receipt as it travels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str = Field(min_length=1, max_length=200)
    payload: Base64Bytes = Field(max_length=100_000)
    signature: Base64Bytes = Field(max_length=200)


@dataclass(frozen=True, slots=True)
class Receipts:
    """Verifies receipts with the public `keys` of those who may issue them; with `gates`, a verdict of another gate counts for nothing."""

    keys: Mapping[str, Ed25519PublicKey]
    gates: frozenset[str] = frozenset()

    def verified(
        self, signed: SignedReceipt, version: Version, current: Sequence[Version], now: datetime, prompts: Sequence[Version] = ()
    ) -> Receipt:
        """The receipt, if it proves today that `version` may take the place of a `current` one; of any, where there is none.

        `prompts` are what a variant's prompt stands for today, which may be another one than was measured.
        Raises Permanent `receipt_forged`, `receipt_of_another`, `receipt_of_another_prompt`, `receipt_of_another_gate`, `receipt_expired`,
        `receipt_not_passed` or `receipt_against_another`.
        """
        receipt = self._opened(signed)
        if (receipt.kind, receipt.sha256) != (version.entry.kind, version.sha256):
            told = f"this receipt is about the {receipt.kind} {receipt.sha256[:12]}, not {version.sha256[:12]}; evaluate this version"
            raise Permanent("receipt_of_another", told)
        if receipt.prompt_sha256 and any(prompt.sha256 != receipt.prompt_sha256 for prompt in prompts):
            named = ", ".join(f"{prompt.entry.name}@{prompt.number}" for prompt in prompts)
            told = f"run {receipt.run} was measured with the prompt {receipt.prompt_sha256[:12]}, today it would be {named}; evaluate again"
            raise Permanent("receipt_of_another_prompt", told)
        if self.gates and receipt.gate not in self.gates:
            told = f"this receipt is of the gate {receipt.gate or '(none)'}; this label asks for {', '.join(sorted(self.gates))}"
            raise Permanent("receipt_of_another_gate", told)
        if now >= receipt.expires_at:
            raise Permanent("receipt_expired", f"this receipt held until {receipt.expires_at.isoformat()}; evaluate again")
        if receipt.verdict != PASS:
            raise Permanent("receipt_not_passed", f"run {receipt.run} ended with {receipt.verdict}; only {PASS} moves this label")
        if current and receipt.against not in {each.sha256 for each in current}:
            named = ", ".join(f"{each.entry.name}@{each.number}" for each in current)
            told = (
                f"run {receipt.run} was judged against {receipt.baseline or 'nothing'}; evaluate against {named}, where this label points"
            )
            raise Permanent("receipt_against_another", told)
        return receipt

    def _opened(self, signed: SignedReceipt) -> Receipt:
        key = self.keys.get(signed.key_id)
        if key is None:
            raise Permanent("receipt_forged", f"no key {signed.key_id!r} may sign receipts here; see the setting promotion.receipt_keys")
        try:
            key.verify(signed.signature, CONTEXT + signed.payload)
            return Receipt.model_validate_json(signed.payload)
        except InvalidSignature:
            raise Permanent("receipt_forged", "the signature does not fit the receipt; send it as the evaluator issued it") from None
        except ValidationError as error:
            raise Permanent("receipt_forged", f"the payload is no receipt: {error.errors()[0]['msg']}") from error


def public_keys(encoded: Mapping[str, str]) -> dict[str, Ed25519PublicKey]:
    """Reads raw Ed25519 public keys (32 bytes in base64) by their ids. Raises ValueError naming one that cannot be read."""
    found = {}
    for key_id, text in encoded.items():
        try:
            found[key_id] = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"{key_id} is no Ed25519 public key of 32 bytes in base64: {error}") from error
    return found
