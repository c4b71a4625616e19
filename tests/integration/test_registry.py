"""The registry on real servers: one way to write, one history, and moves that everybody sees in time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import reduce
from uuid import uuid4

import asyncpg
import pytest
import redis.asyncio as redis

from kit.clock import FakeClock, SystemClock
from kit.errors import Permanent
from kit.floor import running
from services.rag.authenticate import ANYBODY
from services.rag.catalogue import Catalogue, make_catalogue
from services.rag.principal import Principal, Scope
from services.rag.prompts import PromptDraft
from services.rag.registry.entry import PRODUCTION, Entry, Kind, Reference
from services.rag.registry.labels import Why
from services.rag.registry.move import Move, Weights
from services.rag.registry.variables import Variable
from services.rag.settings import PromotionSettings
from services.rag.variants import DEFAULT, VariantDefinition
from tests.integration.conftest import OpenEffects
from workbench.stack.servers import Servers

WRITER = Principal("default", "writer", frozenset({Scope.PROMPTS_WRITE, Scope.QUERY}))
TEXT = Variable.model_validate({"type": "string"})
NOBODY = "redis://127.0.0.1:1"


@pytest.fixture
async def pool(open_effects: OpenEffects) -> asyncpg.Pool:
    """The migrated schema of rag."""
    return (await open_effects("rag")).pool


@pytest.fixture
async def catalogue(pool: asyncpg.Pool) -> AsyncIterator[Catalogue]:
    """One without Redis."""
    async with redis.from_url(NOBODY) as client:
        yield make_catalogue(pool, client, SystemClock(), PromotionSettings())


def draft(text: str) -> PromptDraft:
    """A prompt of one text with a question."""
    return PromptDraft(template=text, variables={"question": TEXT})


async def entry_with(catalogue: Catalogue, versions: int) -> Entry:
    """A new prompt with so many versions."""
    name = f"p-{uuid4().hex}"
    for number in range(1, versions + 1):
        await catalogue.prompts.register(ANYBODY, name, draft(f"{number} {{{{ question }}}}"), "m", "a")
    return Entry(Kind.PROMPT, ANYBODY.tenant_id, name)


async def to(catalogue: Catalogue, entry: Entry, weights: Weights, label: str = PRODUCTION, who: Principal = ANYBODY) -> Move:
    """Moves a label."""
    return await catalogue.labels.move(who, entry, label, weights, Why("because"))


def replayed(history: Sequence[Move]) -> Weights | None:
    """Where a label points by its history alone; every move must start where the one before it ended."""

    def step(state: Weights | None, move: Move) -> Weights:
        assert move.before == state
        return move.after

    return reduce(step, history, None)


async def test_versions_count_up_and_the_same_content_is_no_new_one(catalogue: Catalogue) -> None:
    """Unless another came in between."""
    name, texts = f"p-{uuid4().hex}", ["a {{ question }}", "a {{ question }}", "b {{ question }}", "a {{ question }}"]

    made = [await catalogue.prompts.register(ANYBODY, name, draft(text), "m", "a") for text in texts]

    assert [(one.version.number, one.created) for one in made] == [(1, True), (1, False), (2, True), (3, True)]
    assert made[0].version.sha256 == made[3].version.sha256


async def test_registrations_at_the_same_time_get_numbers_of_their_own(catalogue: Catalogue) -> None:
    """From 1 without a gap."""
    name = f"p-{uuid4().hex}"

    made = await asyncio.gather(*(catalogue.prompts.register(ANYBODY, name, draft(f"{n} {{{{ question }}}}"), "m", "a") for n in range(8)))

    assert sorted(one.version.number for one in made) == list(range(1, 9))


@pytest.mark.parametrize("sql", ["UPDATE registry_versions SET message = 'x'", "DELETE FROM registry_moves", "TRUNCATE registry_moves"])
async def test_what_was_registered_is_never_changed(catalogue: Catalogue, pool: asyncpg.Pool, sql: str) -> None:
    """Not even by hand."""
    await catalogue.built_in.ensure("default")

    with pytest.raises(asyncpg.RaiseError, match="only ever added"):
        await pool.execute(sql)


async def test_what_is_built_in_is_registered_once_however_many_replicas_start(pool: asyncpg.Pool, catalogue: Catalogue) -> None:
    """For a tenant that nobody has seen."""
    tenant = f"t-{uuid4().hex}"
    replicas = [make_catalogue(pool, redis.from_url(NOBODY), SystemClock(), PromotionSettings()) for _ in range(4)]

    variants = await asyncio.gather(*(replica.variants.resolve(tenant, None, "") for replica in replicas))

    assert {variant.identity.version for variant in variants} == {"1"}
    assert await catalogue.registry.store.names(Kind.PROMPT, tenant) == {"grounded-answer": 1}
    assert len(await catalogue.labels.history(Entry(Kind.VARIANT, tenant, DEFAULT), PRODUCTION)) == 1


async def test_tenants_do_not_see_each_others_prompts(catalogue: Catalogue) -> None:
    """The same name is another prompt."""
    entry = await entry_with(catalogue, 1)

    with pytest.raises(Permanent) as error:
        await catalogue.prompts.resolve("another", Reference(entry.name, 1), "")

    assert error.value.code == "version_unknown"


async def test_the_history_replays_to_the_current_state(catalogue: Catalogue) -> None:
    """Set, canary, paused, finished, rolled back twice; a move to where it points already is none."""
    entry, canary = await entry_with(catalogue, 3), Weights.of({1: 0.9, 2: 0.1})
    for weights in (Weights.all_to(1), Weights.all_to(1), canary, Weights.of({1: 1, 2: 0}), Weights.all_to(2)):
        await to(catalogue, entry, weights)
    for _ in range(2):
        await catalogue.labels.rollback(ANYBODY, entry, PRODUCTION, Why("worse"))

    history = await catalogue.labels.history(entry, PRODUCTION)

    assert [move.number for move in history] == [1, 2, 3, 4, 5, 6]
    assert [move.restores for move in history] == [None, None, None, None, 3, 2]
    assert replayed(history) == canary == await catalogue.registry.store.weights(entry, PRODUCTION)


async def test_moves_at_the_same_time_make_one_chain(catalogue: Catalogue) -> None:
    """Each starts where another ended."""
    entry = await entry_with(catalogue, 4)

    await asyncio.gather(*(to(catalogue, entry, Weights.all_to(number)) for number in (1, 2, 3, 4)))

    history = await catalogue.labels.history(entry, PRODUCTION)
    assert replayed(history) == await catalogue.registry.store.weights(entry, PRODUCTION)
    assert len(history) == 4


async def test_without_the_scope_nothing_moves_a_protected_label(catalogue: Catalogue) -> None:
    """Neither a move, nor a canary, nor a rollback; other labels are free."""
    entry = await entry_with(catalogue, 2)
    await to(catalogue, entry, Weights.all_to(1))
    await to(catalogue, entry, Weights.all_to(2))
    for attempt in (
        to(catalogue, entry, Weights.all_to(1), who=WRITER),
        to(catalogue, entry, Weights.of({1: 0.5, 2: 0.5}), who=WRITER),
        catalogue.labels.rollback(WRITER, entry, PRODUCTION, Why("because")),
    ):
        with pytest.raises(Permanent) as error:
            await attempt
        assert error.value.code == "scope_missing"

    await to(catalogue, entry, Weights.all_to(1), "staging", WRITER)

    assert len(await catalogue.labels.history(entry, PRODUCTION)) == 2


async def test_versions_and_moves_are_in_the_audit_trail(catalogue: Catalogue, pool: asyncpg.Pool) -> None:
    """Whose key it was, whoever calls himself the author; and from where to where."""
    entry = await entry_with(catalogue, 1)
    await catalogue.prompts.register(WRITER, entry.name, draft("2 {{ question }}"), "m", "somebody else")
    made = await pool.fetch("SELECT actor FROM audit WHERE subject = $1 AND action = 'prompt.registered' ORDER BY id", entry.name)
    await to(catalogue, entry, Weights.all_to(1), "staging", WRITER)

    row = await pool.fetchrow("SELECT * FROM audit WHERE subject = $1", f"{entry.name}@staging")

    assert [one["actor"] for one in made] == ["anonymous", "writer"]
    assert (row["actor"], row["action"], row["tenant_id"]) == ("writer", "prompt.label_moved", "default")
    assert (row["detail"]["from"], row["detail"]["to"]) == (None, {"1": 1.0})


@pytest.mark.parametrize("label", ["staging", PRODUCTION])
async def test_a_label_points_to_versions_that_are_there(catalogue: Catalogue, label: str) -> None:
    """A canary's too."""
    entry = await entry_with(catalogue, 1)

    for weights in (Weights.all_to(2), Weights.of({1: 0.9, 2: 0.1}), Weights.of({1: 1, 2: 0})):
        with pytest.raises(Permanent, match="no version 2"):
            await to(catalogue, entry, weights, label)


@asynccontextmanager
async def two_processes(pool: asyncpg.Pool, urls: Sequence[str], clock: FakeClock, *, told: bool) -> AsyncIterator[list[Catalogue]]:
    """Two catalogues on one database, `told` of moves by the Redis of its url; time stands still for both."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(redis.from_url(url)) for url in urls]
        both = [make_catalogue(pool, client, clock, PromotionSettings()) for client in clients]
        if told:
            await stack.enter_async_context(running([catalogue.changes.hear for catalogue in both]))
        yield both


async def version_of(catalogue: Catalogue, entry: Entry) -> str:
    """What is in production, as this process sees it."""
    return (await catalogue.prompts.resolve(entry.tenant_id, Reference(entry.name), "")).identity.version


async def test_a_rollback_is_live_everywhere_at_once(pool: asyncpg.Pool, servers: Servers) -> None:
    """Far within the five seconds: the other process is told, and no time passes."""
    async with two_processes(pool, [servers.redis, servers.redis], FakeClock(), told=True) as [here, there], asyncio.timeout(60):
        entry = await entry_with(here, 2)
        await to(here, entry, Weights.all_to(1))
        await to(here, entry, Weights.all_to(2))
        while await version_of(there, entry) != "2":
            await asyncio.sleep(0.01)

        await here.labels.rollback(ANYBODY, entry, PRODUCTION, Why("worse"))

        assert await version_of(here, entry) == "1"
        while await version_of(there, entry) != "1":
            await asyncio.sleep(0.01)


async def test_without_redis_a_rollback_is_live_everywhere_within_five_seconds(pool: asyncpg.Pool) -> None:
    """Nobody is told, and nobody remembers for longer."""
    clock = FakeClock()
    async with two_processes(pool, [NOBODY, NOBODY], clock, told=False) as [here, there]:
        entry = await entry_with(here, 2)
        await to(here, entry, Weights.all_to(1))
        await to(here, entry, Weights.all_to(2))
        before = await version_of(there, entry)
        await here.labels.rollback(ANYBODY, entry, PRODUCTION, Why("worse"))
        at_once = [await version_of(here, entry), await version_of(there, entry)]

        await clock.sleep(5)

        assert (before, at_once, await version_of(there, entry)) == ("2", ["1", "2"], "1")


async def test_included_prompts_are_pinned_when_the_prompt_is_registered(catalogue: Catalogue) -> None:
    """What their label points to later changes nothing; to register again pins anew."""
    inner = await entry_with(catalogue, 2)
    await to(catalogue, inner, Weights.all_to(1))
    outer, text = f"p-{uuid4().hex}", draft(f'{{{{ prompt("{inner.name}@production") }}}}!')
    first = await catalogue.prompts.register(ANYBODY, outer, text, "m", "a")
    await to(catalogue, inner, Weights.all_to(2))

    again = await catalogue.prompts.register(ANYBODY, outer, text, "m", "a")

    said = [
        (await catalogue.prompts.resolve("default", Reference(outer, one.version.number), "")).render({"question": "?"})[0].content
        for one in (first, again)
    ]
    assert said == ["1 ?!", "2 ?!"]


async def test_prompts_that_include_each_other_are_refused(catalogue: Catalogue) -> None:
    """However long the way round."""
    a, b = [await entry_with(catalogue, 1) for _ in range(2)]
    await catalogue.prompts.register(ANYBODY, b.name, draft(f'{{{{ prompt("{a.name}@1") }}}}'), "m", "a")

    with pytest.raises(Permanent, match="would include itself") as error:
        await catalogue.prompts.register(ANYBODY, a.name, draft(f'{{{{ prompt("{b.name}@2") }}}}'), "m", "a")

    assert error.value.code == "prompt_cycle"


async def test_a_variant_with_a_loose_prompt_gets_no_protected_label(catalogue: Catalogue) -> None:
    """Whoever may move `staging` would move production."""
    entry = Entry(Kind.VARIANT, "default", f"v-{uuid4().hex}")
    await catalogue.built_in.ensure("default")
    prompt = Entry(Kind.PROMPT, "default", "grounded-answer")
    await to(catalogue, prompt, Weights.all_to(1), "staging")
    await catalogue.variants.register(ANYBODY, entry.name, VariantDefinition(prompt="grounded-answer@staging"), "m", "a")

    with pytest.raises(Permanent) as error:
        await to(catalogue, entry, Weights.all_to(1))

    assert error.value.code == "label_reference_unprotected"
