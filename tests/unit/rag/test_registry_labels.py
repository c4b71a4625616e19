"""Labels: shares of subjects, the way back, and what a protected label asks for."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit.clock import FakeClock
from kit.errors import Permanent
from services.rag.principal import ALL_SCOPES, Principal, Scope
from services.rag.registry.entry import PRODUCTION, Entry, Kind, Reference
from services.rag.registry.lookup import REMEMBERED_S, Lookup
from services.rag.registry.move import Move, Weights, before_last
from services.rag.registry.promotion import Past, Promotion
from services.rag.registry.receipts import CONTEXT, Receipts, SignedReceipt
from services.rag.registry.version import Version
from tests.unit.rag.shelf import TENANT, InMemoryShelf

ENTRY = Entry(Kind.PROMPT, TENANT, "greeting")
CANARY = Weights.of({3: 0.9, 4: 0.1})
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = FakeClock().now()
VERSION = Version(ENTRY, 4, "a" * 64, {}, "m", "a", NOW)


def chosen(weights: Weights, count: int = 10_000) -> list[int]:
    """What so many subjects get."""
    return [weights.chosen(ENTRY, PRODUCTION, f"user-{number}") for number in range(count)]


def moves(*made: tuple[int, int | None]) -> list[Move]:
    """A history of moves to a version, each with what it restores."""
    return [Move(n, None, Weights.all_to(to), restores, "r", "a", None, NOW) for n, (to, restores) in enumerate(made, 1)]


def signed(key: Ed25519PrivateKey = KEY, key_id: str = "evaluator", **changed: Any) -> SignedReceipt:
    """A receipt that proves VERSION, but for what is changed."""
    receipt = {
        "run": "run-1",
        "kind": "prompt",
        "sha256": VERSION.sha256,
        "dataset": "d" * 64,
        "baseline": "greeting@3",
        "verdict": "PASS",
        "figures": {"correct": 0.93},
        "expires_at": (NOW + timedelta(days=1)).isoformat(),
        **changed,
    }
    payload = json.dumps(receipt).encode()
    return SignedReceipt.model_construct(key_id=key_id, payload=payload, signature=key.sign(CONTEXT + payload))


def promotion(*gates: str) -> Promotion:
    """The policy that asks for receipts, of these gates if any are named."""
    return Promotion(frozenset({PRODUCTION}), Receipts({"evaluator": KEY.public_key()}, frozenset(gates)), FakeClock())


def test_a_canary_gets_its_share_of_ten_thousand_subjects() -> None:
    """Within one in a hundred, and the same subjects again."""
    first, again = chosen(CANARY), chosen(CANARY)

    assert Counter(first)[4] == pytest.approx(1_000, abs=100)
    assert first == again


def test_subjects_of_a_growing_canary_keep_it() -> None:
    """Nobody goes back and forth."""
    groups = [{n for n, version in enumerate(chosen(Weights.of({3: 1 - share, 4: share}))) if version == 4} for share in (0, 0.1, 0.5, 1)]

    assert [len(group) for group in groups[::3]] == [0, 10_000]
    assert all(smaller < larger for smaller, larger in pairwise(groups))


def test_canaries_of_two_names_are_drawn_apart() -> None:
    """Who has the one has the other no more often than chance."""
    other = Entry(Kind.VARIANT, TENANT, "default")
    both = sum(CANARY.chosen(ENTRY, PRODUCTION, f"u{n}") == CANARY.chosen(other, PRODUCTION, f"u{n}") == 4 for n in range(10_000))

    assert both == pytest.approx(100, abs=40)


@pytest.mark.parametrize("shares", [{}, {1: 0.5}, {1: 0.7, 2: 0.7}, {1: 1.5, 2: -0.5}, dict.fromkeys(range(1, 12), 1 / 11)])
def test_shares_that_do_not_make_one_are_refused(shares: dict[int, float]) -> None:
    """Nor more than ten versions."""
    with pytest.raises(Permanent) as error:
        Weights.of(shares)

    assert error.value.code == "weights_invalid"


def test_a_rollback_goes_to_what_stood_before_and_again_further_back() -> None:
    """1, 2, 3, back to 2, back to 1: never forth again."""
    history = moves((1, None), (2, None), (3, None))

    assert before_last(history).number == 2
    history += moves((2, 2))
    assert before_last(history).number == 1
    history += moves((1, 1))
    with pytest.raises(Permanent, match="never pointed anywhere else"):
        before_last(history)


@pytest.mark.parametrize("weights", [Weights.all_to(4), CANARY], ids=["move", "canary"])
def test_a_version_that_never_carried_a_protected_label_needs_a_receipt(weights: Weights) -> None:
    """With it the move is allowed, and keeps it."""
    live = [VERSION for number in weights.live if number == 4]
    with pytest.raises(Permanent) as error:
        promotion().check(PRODUCTION, live, Past({3}))

    assert error.value.code == "receipt_missing"
    assert (promotion().check(PRODUCTION, live, Past({3}), signed()) or {})["run"] == "run-1"


def test_a_version_that_carried_the_label_before_needs_none() -> None:
    """Nobody has to evaluate in order to go back; and other labels ask nothing."""
    assert promotion().check(PRODUCTION, [VERSION], Past({4})) is None
    assert promotion().check("staging", [VERSION], Past()) is None


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        (signed(key=Ed25519PrivateKey.from_private_bytes(b"1" * 32)), "receipt_forged"),
        (signed(key_id="somebody"), "receipt_forged"),
        (signed().model_copy(update={"payload": signed().payload.replace(b"0.93", b"0.99")}), "receipt_forged"),
        (signed(verdict=["PASS"]), "receipt_forged"),
        (signed(sha256="b" * 64), "receipt_of_another"),
        (signed(kind="variant"), "receipt_of_another"),
        (signed(expires_at=NOW.isoformat()), "receipt_expired"),
        (signed(verdict="FAIL"), "receipt_not_passed"),
        (signed(verdict="INCONCLUSIVE"), "receipt_not_passed"),
    ],
    ids=["other key", "unknown key", "tampered", "no receipt", "other content", "other kind", "expired", "failed", "undecided"],
)
def test_a_receipt_that_proves_nothing_is_refused(receipt: SignedReceipt, code: str) -> None:
    """Each for its reason."""
    with pytest.raises(Permanent) as error:
        promotion().check(PRODUCTION, [VERSION], Past(), receipt)

    assert error.value.code == code


@pytest.mark.parametrize(("against", "allowed"), [("b" * 64, True), ("c" * 64, False), (None, False)])
def test_a_version_must_be_measured_against_what_is_there(against: str | None, allowed: bool) -> None:
    """A PASS against something worse than production proves nothing about production."""
    current = Version(ENTRY, 3, "b" * 64, {}, "m", "a", NOW)
    receipt = signed(baseline_prompt_sha256=against, baseline_sha256="b" * 64)

    if allowed:
        assert (promotion().check(PRODUCTION, [VERSION], Past({3}, [current]), receipt) or {})["run"] == "run-1"
    else:
        with pytest.raises(Permanent, match="evaluate against greeting@3") as error:
            promotion().check(PRODUCTION, [VERSION], Past({3}, [current]), receipt)
        assert error.value.code == "receipt_against_another"


def test_a_variant_must_have_been_measured_with_the_prompt_that_it_would_have() -> None:
    """Its prompt may be a label, which has moved since; a receipt of old names no prompt."""
    variant = Version(Entry(Kind.VARIANT, TENANT, "v"), 2, "c" * 64, {"prompt": "greeting@production"}, "m", "a", NOW)
    told = {"kind": "variant", "sha256": variant.sha256}
    measured, other = (Version(ENTRY, n, digit * 64, {}, "m", "a", NOW) for n, digit in ((1, "1"), (2, "2")))

    def checked(*prompts: Version, **said: Any) -> dict[str, Any]:
        return promotion().check(PRODUCTION, [variant], Past(), signed(**told, **said), {variant.number: prompts}) or {}

    assert checked(measured, prompt_sha256=measured.sha256)["prompt_sha256"] == measured.sha256
    assert checked(other)["run"] == "run-1"
    for prompts in ([other], [measured, other]):
        with pytest.raises(Permanent, match=r"today it would be .*greeting@2; evaluate again") as error:
            checked(*prompts, prompt_sha256=measured.sha256)
        assert error.value.code == "receipt_of_another_prompt"


def test_a_policy_may_count_the_verdicts_of_some_gates_alone() -> None:
    """Another gate may ask for less; a receipt of no gate tells nothing of what was asked."""
    proven = promotion("strict", "handbook").check(PRODUCTION, [VERSION], Past(), signed(gate="strict"))

    assert (proven or {})["gate"] == "strict"
    for receipt in (signed(gate="lax"), signed()):
        with pytest.raises(Permanent) as error:
            promotion("strict").check(PRODUCTION, [VERSION], Past(), receipt)
        assert error.value.code == "receipt_of_another_gate"


@pytest.mark.parametrize(("prompt", "allowed"), [("a@3", True), ("a@production", True), ("a", True), ("a@staging", False)])
def test_a_protected_label_takes_no_variant_whose_prompt_anybody_may_move(prompt: str, allowed: bool) -> None:
    """Else the variant would be moved through its prompt."""
    variant = Version(Entry(Kind.VARIANT, TENANT, "v"), 1, "c" * 64, {"prompt": prompt}, "m", "a", NOW)
    policy = Promotion(frozenset({PRODUCTION}), None, FakeClock())

    if allowed:
        assert policy.check(PRODUCTION, [variant], Past()) is None
    else:
        with pytest.raises(Permanent, match="not protected"):
            policy.check(PRODUCTION, [variant], Past())


@pytest.mark.parametrize(("label", "scope"), [(PRODUCTION, Scope.PROMPTS_PROMOTE), ("staging", Scope.PROMPTS_WRITE)])
def test_a_label_asks_for_its_scope(label: str, scope: Scope) -> None:
    """A protected one for that of promotion."""
    policy, without = promotion(), ALL_SCOPES - {scope}

    policy.require_scope(Principal(TENANT, "k", frozenset({scope})), label)
    with pytest.raises(Permanent) as error:
        policy.require_scope(Principal(TENANT, "k", without), label)

    assert error.value.code == "scope_missing"


async def test_where_a_label_points_is_remembered_for_five_seconds_at_most() -> None:
    """Whoever did not hear of a move sees it then."""
    shelf, clock = InMemoryShelf(), FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    lookup, reference = Lookup(shelf, clock), Reference("greeting")
    shelf.put(Kind.PROMPT, "greeting", {})
    first = await lookup.resolve(ENTRY, reference, "")
    shelf.put(Kind.PROMPT, "greeting", {})

    await clock.sleep(REMEMBERED_S - 0.1)
    early = await lookup.resolve(ENTRY, reference, "")
    await clock.sleep(0.1)
    late = await lookup.resolve(ENTRY, reference, "")

    assert [first.number, early.number, late.number] == [1, 1, 2]
    assert shelf.asked == 2
    assert REMEMBERED_S <= 5


async def test_a_label_that_was_forgotten_is_read_again_at_once() -> None:
    """As after a message."""
    shelf = InMemoryShelf()
    lookup, reference = Lookup(shelf, FakeClock()), Reference("greeting")
    shelf.put(Kind.PROMPT, "greeting", {})
    await lookup.resolve(ENTRY, reference, "")
    shelf.put(Kind.PROMPT, "greeting", {})

    lookup.forget(ENTRY, PRODUCTION)

    assert (await lookup.resolve(ENTRY, reference, "")).number == 2


@pytest.mark.parametrize(
    ("text", "reference"), [("a", Reference("a")), ("a@staging", Reference("a", None, "staging")), ("a.b-c@12", Reference("a.b-c", 12))]
)
def test_a_reference_is_a_name_a_label_or_a_version(text: str, reference: Reference) -> None:
    """A name alone is what is in production."""
    assert Reference.parse(text) == reference


@pytest.mark.parametrize("text", ["", "@a", "a@", "a@0", "A", "a b", "a@b@c", "a/b", "a\n"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    """With what to write."""
    with pytest.raises(Permanent, match="write name, name@label or name@version"):
        Reference.parse(text)
