"""The policy that asks for receipts, in the one way in which labels are moved; and messages that are none."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
import redis.asyncio as redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kit.clock import SystemClock
from kit.errors import Permanent
from kit.floor import running
from services.rag.authenticate import ADMIN
from services.rag.catalogue import Catalogue, make_catalogue
from services.rag.prompts import PromptDraft
from services.rag.registry.changes import CHANNEL, Changes
from services.rag.registry.entry import PRODUCTION, Entry, Kind
from services.rag.registry.labels import Why
from services.rag.registry.move import Weights
from services.rag.registry.receipts import CONTEXT, SignedReceipt
from services.rag.registry.version import Version
from services.rag.settings import PromotionSettings
from tests.integration.conftest import OpenEffects
from workbench.stack.servers import Servers

KEY = Ed25519PrivateKey.generate()
SETTINGS = PromotionSettings(receipts=True, receipt_keys={"evaluator": base64.b64encode(KEY.public_key().public_bytes_raw()).decode()})


class Forgetting:
    """A lookup that tells what it is to forget."""

    def __init__(self, forgotten: "asyncio.Queue[Entry | None]") -> None:
        self._forgotten = forgotten

    def forget(self, entry: Entry | None = None, label: str = "") -> None:
        """None for everything."""
        self._forgotten.put_nowait(entry)


@pytest.fixture
async def pool(open_effects: OpenEffects) -> asyncpg.Pool:
    """The migrated schema of rag."""
    return (await open_effects("rag")).pool


@pytest.fixture
async def catalogue(pool: asyncpg.Pool) -> AsyncIterator[Catalogue]:
    """One that asks for receipts."""
    async with redis.from_url("redis://127.0.0.1:1") as client:
        yield make_catalogue(pool, client, SystemClock(), SETTINGS)


async def three_versions(catalogue: Catalogue) -> list[Version]:
    """Of a new prompt."""
    name = f"p-{uuid4().hex}"
    return [(await catalogue.prompts.register(ADMIN, name, PromptDraft(template=text), "m", "a")).version for text in "abc"]


def receipt_for(version: Version, against: Version | None = None, prompt: Version | None = None) -> SignedReceipt:
    """As the evaluator issues one, and as it travels."""
    told = {"baseline_prompt_sha256": against.sha256 if against else None, "prompt_sha256": prompt.sha256 if prompt else None} | {
        "run": "run-1",
        "kind": version.entry.kind,
        "sha256": version.sha256,
        "dataset": "d",
        "verdict": "PASS",
    }
    payload = json.dumps({**told, "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}).encode()
    encoded = {"payload": base64.b64encode(payload).decode(), "signature": base64.b64encode(KEY.sign(CONTEXT + payload)).decode()}
    return SignedReceipt.model_validate_json(json.dumps({"key_id": "evaluator", **encoded}))


async def test_what_is_new_in_production_is_proven_and_going_back_is_free(catalogue: Catalogue) -> None:
    """A move, a canary and a rollback go the same way."""
    one, two, three = await three_versions(catalogue)
    entry, labels = one.entry, catalogue.labels
    await labels.move(ADMIN, entry, PRODUCTION, Weights.all_to(1), Why("first", receipt_for(one)))
    for weights in (Weights.all_to(2), Weights.of({1: 0.9, 2: 0.1})):
        with pytest.raises(Permanent, match="send the `receipt`"):
            await labels.move(ADMIN, entry, PRODUCTION, weights, Why("hope"))

    canary = await labels.move(ADMIN, entry, PRODUCTION, Weights.of({1: 0.9, 2: 0.1}), Why("canary", receipt_for(two, one)))
    finished = await labels.move(ADMIN, entry, PRODUCTION, Weights.all_to(2), Why("better"))
    back = await labels.rollback(ADMIN, entry, PRODUCTION, Why("worse after all"))

    assert (canary.receipt or {})["run"] == "run-1"
    assert (finished.receipt, back.receipt, back.after) == (None, None, canary.after)
    with pytest.raises(Permanent) as error:
        await labels.move(ADMIN, entry, PRODUCTION, Weights.all_to(3), Why("wrong one", receipt_for(two)))
    assert (error.value.code, three.number) == ("receipt_of_another", 3)


async def test_a_receipt_of_a_variant_counts_while_its_prompt_is_the_one_that_was_measured(catalogue: Catalogue) -> None:
    """The label that it names may have moved since; a version never does."""
    one, two, _ = await three_versions(catalogue)
    prompt, labels = one.entry, catalogue.labels
    await labels.move(ADMIN, prompt, PRODUCTION, Weights.all_to(1), Why("first", receipt_for(one)))
    by_label, by_number = [await variant_of(catalogue, f"{prompt.name}@{which}") for which in (PRODUCTION, "1")]
    await labels.move(ADMIN, prompt, PRODUCTION, Weights.all_to(2), Why("better", receipt_for(two, one)))

    with pytest.raises(Permanent) as error:
        await labels.move(ADMIN, by_label.entry, PRODUCTION, Weights.all_to(1), Why("late", receipt_for(by_label, prompt=one)))
    await labels.move(ADMIN, by_number.entry, PRODUCTION, Weights.all_to(1), Why("still so", receipt_for(by_number, prompt=one)))
    anew = await labels.move(ADMIN, by_label.entry, PRODUCTION, Weights.all_to(1), Why("again", receipt_for(by_label, prompt=two)))

    assert (error.value.code, (anew.receipt or {})["prompt_sha256"]) == ("receipt_of_another_prompt", two.sha256)


async def variant_of(catalogue: Catalogue, prompt: str) -> Version:
    """A new variant with that prompt."""
    definition = {"prompt": prompt}
    return (
        await catalogue.registry.register(ADMIN, Entry(Kind.VARIANT, ADMIN.tenant_id, f"v-{uuid4().hex}"), definition, "m", "a")
    ).version


async def test_other_labels_ask_for_no_receipt(catalogue: Catalogue) -> None:
    """Nor does what is built in, which is in production from the start."""
    one, *_ = await three_versions(catalogue)

    await catalogue.labels.move(ADMIN, one.entry, "staging", Weights.all_to(1), Why("to try"))

    assert (await catalogue.variants.resolve(f"t-{uuid4().hex}", None, "")).identity.version == "1"


@pytest.mark.parametrize("wrong", [{"receipts": True}, {"receipt_keys": {"a": "bm90IGEga2V5"}}, {"receipt_keys": {"a": "!"}}])
def test_a_policy_that_nobody_can_keep_stops_the_start(wrong: dict[str, object]) -> None:
    """Receipts without a key that may sign them, or a key that is none."""
    with pytest.raises(ValueError, match=r"set receipt_keys|no Ed25519 public key"):
        PromotionSettings.model_validate(wrong)


async def test_a_message_that_is_none_ends_nothing(servers: Servers) -> None:
    """Other programs may use the same Redis; the next move is heard."""
    forgotten: asyncio.Queue[Entry | None] = asyncio.Queue()
    async with redis.from_url(servers.redis) as client, asyncio.timeout(60):
        changes = Changes(client, Forgetting(forgotten), SystemClock())
        async with running([changes.hear]):
            started = await forgotten.get()
            for junk in ("{", "7", '["prompt"]', '["song", "t", "n", "l"]'):
                await client.publish(CHANNEL, junk)
                assert await forgotten.get() is None
            entry = Entry(Kind.PROMPT, "t", "n")
            await client.publish(CHANNEL, json.dumps(["prompt", "t", "n", "production"]))

            assert (started, await forgotten.get()) == (None, entry)
