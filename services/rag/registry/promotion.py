"""What a label asks of who moves it: a scope, and of a version that it never pointed to before, a passing receipt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kit.clock import Clock
from kit.errors import Permanent
from services.rag.principal import Principal, Scope
from services.rag.registry.entry import Kind, Reference
from services.rag.registry.receipts import Receipts, SignedReceipt
from services.rag.registry.version import Version

VARIANT_PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Past:
    """Which versions a label ever pointed to, by their numbers, and those it points to now: what a new one must be measured against."""

    carried: Collection[int] = ()
    current: Sequence[Version] = ()


Prompts = Mapping[int, Sequence[Version]]
NO_PROMPTS: Prompts = MappingProxyType({})


def prompt_of(version: Version) -> Reference | None:
    """The prompt that a variant names; None for what is no variant."""
    return Reference.parse(version.definition[VARIANT_PROMPT]) if version.entry.kind is Kind.VARIANT else None


@dataclass(frozen=True, slots=True)
class Promotion:
    """The policy. Without `receipts` none are asked for."""

    protected: frozenset[str]
    receipts: Receipts | None
    clock: Clock

    def require_scope(self, who: Principal, label: str) -> None:
        """Raises Permanent `scope_missing`."""
        who.require(Scope.PROMPTS_PROMOTE if label in self.protected else Scope.PROMPTS_WRITE)

    def check(
        self, label: str, live: Sequence[Version], past: Past, signed: SignedReceipt | None = None, prompts: Prompts = NO_PROMPTS
    ) -> dict[str, Any] | None:
        """Whether `label` may point to the `live` versions. Gives the receipt that was needed.

        `prompts` are what the prompt of each live variant stands for today, by the variant's number.
        Raises Permanent `label_reference_unprotected`, `receipt_missing`, or as `Receipts.verified` does.
        """
        if label not in self.protected:
            return None
        for version in live:
            self._refuse_unprotected_prompt(label, version)
        if self.receipts is None:
            return None
        unproven = [version for version in live if version.number not in past.carried]
        receipts = [self._verified(self.receipts, version, past.current, signed, prompts) for version in unproven]
        return receipts[0] if receipts else None

    def _verified(
        self, receipts: Receipts, version: Version, current: Sequence[Version], signed: SignedReceipt | None, prompts: Prompts
    ) -> dict[str, Any]:
        if signed is None:
            told = f"version {version.number} never carried this label; send the `receipt` of an evaluation that it passed"
            raise Permanent("receipt_missing", told)
        return receipts.verified(signed, version, current, self.clock.now(), prompts.get(version.number, ())).model_dump(mode="json")

    def _refuse_unprotected_prompt(self, label: str, version: Version) -> None:
        """Whoever may move a variant's prompt could else move the variant."""
        prompt = prompt_of(version)
        if prompt is None:
            return
        if prompt.version is None and prompt.label not in self.protected:
            told = f"its prompt is {prompt}, a label that is not protected; {label!r} takes variants with a version or a protected label"
            raise Permanent("label_reference_unprotected", told)
