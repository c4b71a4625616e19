"""Receipts: what the evaluator signs, whoever keeps the labels verifies; and what is not signed, with the reason."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit.clock import FakeClock
from kit.errors import Permanent
from services.evaluator.receipts import Compared, Signer, receipts, why_none
from services.evaluator.record import RunRecord
from services.rag.registry.entry import Entry, Kind
from services.rag.registry.receipts import Receipt, Receipts, SignedReceipt, public_keys
from services.rag.registry.version import Version
from tests.unit.evaluator.runs import FINGERPRINT, run

NOW = FakeClock().now()
TOMORROW = NOW + timedelta(days=1)
SIGNER = Signer("evaluator", Ed25519PrivateKey.from_private_bytes(bytes(32)))
FIGURES = {"candidate": {"value": 0.9}, "baseline": {"value": 0.8}, "difference": {"value": 0.1}}
COMPARISON: dict[str, Any] = {
    "gate": "handbook",
    "gate_sha256": "e" * 64,
    "verdict": "PASS",
    "metrics": [
        {"metric": "correct", "slice": "all", "rule": "no_worse", **FIGURES},
        {"metric": "correct", "slice": "hops=2", "rule": "at_least", "candidate": {"value": 0.7}, "baseline": None, "difference": None},
        {"metric": "rouge_l", "slice": "all", "rule": None, **FIGURES},
    ],
}


def compared(candidate: RunRecord | None = None, baseline: RunRecord | None = None, days_apart: int = 0, **comparison: Any) -> Compared:
    """A candidate whose variant and prompt are new, against a baseline."""
    apart = timedelta(days=days_apart)
    return Compared(candidate or run("b", "2"), baseline or run("a", "1", number=2), COMPARISON | comparison, apart)


def measured(generation: str, by: str, **settings: Any) -> Compared:
    """A candidate on an index generation and by a model, against a baseline on g1 by m1 whose settings are empty."""
    candidate = run("b", "2", index_generation=generation, models=[by], settings=settings)
    return compared(candidate, run("a", "1", number=2, index_generation="g1", models=["m1"]))


def verified(receipt: dict[str, Any], sha256: str, kind: str = "variant", signer: Signer = SIGNER) -> Receipt:
    """As rag takes it, from JSON, for a version with that content."""
    version = Version(Entry(Kind(kind), "default", "any"), 2, sha256, {}, "m", "a", NOW)
    keys = public_keys({signer.key_id: signer.public_key})
    return Receipts(keys).verified(SignedReceipt.model_validate_json(json.dumps(receipt["signed"])), version, [], NOW)


def test_the_candidates_variant_and_its_prompt_each_get_a_receipt_that_is_verified() -> None:
    """With the figures that the gate looked at."""
    of_variant, of_prompt = receipts(compared(), SIGNER, TOMORROW)

    found, other = verified(of_variant, "b" * 64), verified(of_prompt, "2" * 64, "prompt")
    assert (found.verdict, found.dataset, found.gate, found.expires_at) == ("PASS", FINGERPRINT, "handbook", TOMORROW)
    assert (found.run, found.baseline, other.kind) == (str(run().run_id), "variant-a@2", "prompt")
    assert found.figures == {
        "correct.candidate": 0.9,
        "correct.baseline": 0.8,
        "correct.difference": 0.1,
        "correct[hops=2].candidate": 0.7,
    }
    assert (of_prompt["kind"], of_prompt["name"], of_prompt["version"], of_prompt["sha256"]) == ("prompt", "grounded-answer", "2", "2" * 64)


def test_the_payload_says_more_than_a_verifier_needs() -> None:
    """For whoever reads it later: the rule, the prompt, both runs."""
    receipt, _ = receipts(compared(), SIGNER, TOMORROW)

    told = json.loads(base64.b64decode(receipt["signed"]["payload"]))
    assert (told["gate_sha256"], told["prompt_sha256"], told["candidate"]) == ("e" * 64, "2" * 64, "variant-b@2")
    assert (told["baseline_run"], told["baseline_sha256"]) == (str(run(number=2).run_id), "a" * 64)


@pytest.mark.parametrize("verdict", ["FAIL", "INCONCLUSIVE"])
def test_another_verdict_is_signed_too_and_moves_nothing(verdict: str) -> None:
    """The word is kept; it is no proof."""
    receipt, _ = receipts(compared(verdict=verdict), SIGNER, TOMORROW)

    with pytest.raises(Permanent) as error:
        verified(receipt, "b" * 64)
    assert error.value.code == "receipt_not_passed"


def edited(receipt: dict[str, Any]) -> dict[str, Any]:
    """The same with a better figure."""
    payload = base64.b64decode(receipt["signed"]["payload"]).replace(b"0.9", b"1.0")
    return {**receipt, "signed": {**receipt["signed"], "payload": base64.b64encode(payload).decode()}}


def test_an_edited_receipt_an_expired_one_and_one_for_another_are_refused() -> None:
    """And one that somebody else signed under the same name."""
    [fresh, _], [old, _] = receipts(compared(), SIGNER, TOMORROW), receipts(compared(), SIGNER, NOW)
    stranger = Signer("evaluator", Ed25519PrivateKey.generate())

    for receipt, sha256, signer, code in (
        (edited(fresh), "b" * 64, SIGNER, "receipt_forged"),
        (fresh, "b" * 64, stranger, "receipt_forged"),
        (old, "b" * 64, SIGNER, "receipt_expired"),
        (fresh, "c" * 64, SIGNER, "receipt_of_another"),
    ):
        with pytest.raises(Permanent) as error:
            verified(receipt, sha256, signer=signer)
        assert error.value.code == code


def test_what_the_baseline_had_too_gets_no_receipt() -> None:
    """A comparison tells nothing of what both sides share: a prompt may be bad on both."""
    [same_prompt] = receipts(compared(run("b", "1")), SIGNER, TOMORROW)
    [same_variant] = receipts(compared(run("a", "2")), SIGNER, TOMORROW)

    assert (same_prompt["kind"], same_variant["kind"]) == ("variant", "prompt")


def test_a_prompt_gets_no_receipt_for_what_the_rest_of_its_variant_did() -> None:
    """More passages may have made it better; that it is another prompt makes no other variant."""
    wider, other = ({"top_k": 9, "prompt": "p@2"}, {"top_k": 5, "prompt": "p@2"})
    base = run("a", "1", number=2).model_copy(update={"settings": {"top_k": 5, "prompt": "p@1"}})
    kinds = [
        [receipt["kind"] for receipt in receipts(compared(run("b", "2").model_copy(update={"settings": said}), base), SIGNER, TOMORROW)]
        for said in (wider, other)
    ]

    assert kinds == [["variant"], ["variant", "prompt"]]


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (Compared(run("b", "2"), None, COMPARISON), "no receipt: nothing was compared with a baseline"),
        (compared(gate=None), "no receipt: no gate gave a verdict"),
        (compared(verdict=None), "no receipt: no gate gave a verdict"),
        (compared(baseline=run(number=2, origin="recorded")), "no receipt: one of the runs was not measured here"),
        (compared(run("b", "2", origin="recorded")), "no receipt: one of the runs was not measured here"),
        (compared(run("a", "1")), "no receipt: candidate and baseline are the same"),
        (compared(run("b", "2", documents=None)), "no receipt: whether the documents that the cases rest on were searchable is not known"),
        (compared(baseline=run(number=2, documents=None)), "no receipt: whether the documents that the cases rest on were searchable"),
        (compared(days_apart=8), "no receipt: the runs ended 8 days apart"),
        (compared(days_apart=-8), "no receipt: the runs ended 8 days apart"),
        (measured("g2", "m1"), "no receipt: both variants name the same index generation, which was g2 for the candidate and g1"),
        (measured("g1", "m2"), "no receipt: both variants name the same model, and answers came from m2 for the candidate and m1"),
    ],
)
def test_what_proves_nothing_is_not_signed_and_the_reason_is_told(of: Compared, told: str) -> None:
    """In one sentence."""
    assert (why_none(of, SIGNER) or "").startswith(told)
    assert receipts(of, SIGNER, TOMORROW) == []


@pytest.mark.parametrize(
    "of",
    [compared(days_apart=7), measured("g1", "m1"), measured("g2", "m1", index_generation="g2"), measured("g1", "m2", model="m2")],
    ids=["a week", "alike", "generation", "model"],
)
def test_what_the_variants_themselves_differ_in_is_what_was_measured(of: Compared) -> None:
    """A variant may name another index generation or another model; and a baseline need not be of today."""
    assert why_none(of, SIGNER) is None


def test_without_a_key_nothing_is_signed_and_the_setting_is_named() -> None:
    """With one, there is nothing to tell."""
    assert "EVALUATOR_RECEIPTS__PRIVATE_KEY" in (why_none(compared(), None) or "")
    assert receipts(compared(), None, TOMORROW) == []
    assert why_none(compared(), SIGNER) is None


def test_a_key_comes_from_base64_and_what_is_none_is_not_repeated() -> None:
    """It might be half of a real one."""
    assert Signer.of("evaluator", base64.b64encode(bytes(32)).decode()).public_key == SIGNER.public_key
    for wrong in ("no base64!", base64.b64encode(bytes(31)).decode()):
        with pytest.raises(ValueError, match="evaluator is no Ed25519 private key") as error:
            Signer.of("evaluator", wrong)
        assert wrong not in str(error.value)
