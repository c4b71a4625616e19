"""The catalogue: prompts and variants with everything that can be done to them, put together from the registry's parts."""

from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis

from kit.clock import Clock
from services.rag.grounded_answer import built_in
from services.rag.prompts import Prompts
from services.rag.registry.builtin import BuiltIns
from services.rag.registry.changes import Changes
from services.rag.registry.labels import Labels
from services.rag.registry.lookup import Lookup
from services.rag.registry.promotion import Promotion
from services.rag.registry.receipts import Receipts, public_keys
from services.rag.registry.registry import Registry
from services.rag.registry.store import RegistryStore
from services.rag.settings import PromotionSettings
from services.rag.variants import Variants


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What routes and the main path ask; `changes.hear` has to run for moves of other processes to be seen at once."""

    registry: Registry
    labels: Labels
    prompts: Prompts
    variants: Variants
    built_in: BuiltIns
    changes: Changes


def make_catalogue(pool: asyncpg.Pool, redis: Redis, clock: Clock, settings: PromotionSettings) -> Catalogue:
    """The catalogue on a database, with the policy of the settings."""
    store = RegistryStore(pool)
    lookup = Lookup(store, clock)
    registry, changes, built_ins = Registry(store), Changes(redis, lookup, clock), BuiltIns(store, built_in())
    receipts = Receipts(public_keys(settings.receipt_keys), settings.gates) if settings.receipts else None
    prompts = Prompts(registry, lookup)
    return Catalogue(
        registry=registry,
        labels=Labels(store, Promotion(settings.protected_labels, receipts, clock), changes),
        prompts=prompts,
        variants=Variants(registry, lookup, prompts, built_ins),
        built_in=built_ins,
        changes=changes,
    )
