"""Prompts: what a language model is told, with typed variables, versioned in the registry."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.queries import NamedVersion
from kit.errors import Permanent
from kit.ports.llm import Message, Role
from services.rag.principal import Principal
from services.rag.registry.entry import Entry, Kind, Reference
from services.rag.registry.errors import Fault, Invalid
from services.rag.registry.lookup import REMEMBERED, Lookup
from services.rag.registry.registry import Registered, Registry
from services.rag.registry.template import MAX_CHARS, Template, TemplateInvalid
from services.rag.registry.variables import Variable, VariableName, complete, faults
from services.rag.registry.version import Version

MAX_PARTS = 20
TEMPLATE = "template"
Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARS, pattern=r"^[^\x00]*$")]


class Turn(BaseModel):
    """One message of a chat template."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    content: Text


class PromptDraft(BaseModel):
    """A prompt as somebody writes it: one text, which becomes a user message, or the messages of a chat."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    template: Text | Annotated[tuple[Turn, ...], Field(min_length=1, max_length=20)]
    variables: dict[VariableName, Variable] = Field(default_factory=dict, max_length=50)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The messages."""
        return (Turn(role=Role.USER, content=self.template),) if isinstance(self.template, str) else self.template


class PromptDefinition(PromptDraft):
    """A prompt as it is kept: each prompt it includes is pinned to the version that the reference stood for when it was registered."""

    references: dict[str, NamedVersion] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version that is ready to be rendered. `included` says which version each reference of its own is pinned to; `parts` are these
    prompts and those that they include in turn, each once, innermost first.
    """

    identity: NamedVersion
    turns: tuple[tuple[Role, Template], ...]
    variables: Mapping[str, Variable]
    is_text: bool
    included: Mapping[str, NamedVersion] = field(default_factory=dict)
    parts: tuple["Prompt", ...] = ()

    def render(self, values: Mapping[str, Any]) -> tuple[Message, ...]:
        """The messages. Raises Permanent `prompt_variables_invalid` naming every variable that is wrong, or `prompt_too_long`."""
        found = [*faults(self.variables, values), *self._faults_of_parts(values)]
        if found:
            raise Invalid("prompt_variables_invalid", found)
        said: dict[NamedVersion, str] = {}
        for part in self.parts:
            said[part.identity] = part._texts(values, said)[0]
        texts = self._texts(values, said)
        return tuple(Message(role, text) for (role, _), text in zip(self.turns, texts, strict=True))

    def _texts(self, values: Mapping[str, Any], said: Mapping[NamedVersion, str]) -> list[str]:
        own = complete(self.variables, values)
        return [template.render(own, lambda reference: said[self.included[reference]]) for _, template in self.turns]

    def _faults_of_parts(self, values: Mapping[str, Any]) -> Iterator[Fault]:
        for part in self.parts:
            own = {name: values[name] for name in part.variables if name in values}
            for fault in faults(part.variables, own):
                yield Fault(fault.field, f"{fault.message} ({part.identity.name}@{part.identity.version} asks for it)")


@dataclass(frozen=True, slots=True)
class Prompts:
    """Registers prompts and finds them ready."""

    registry: Registry
    lookup: Lookup
    _ready: dict[tuple[Entry, int], Prompt] = field(default_factory=dict)

    async def register(self, who: Principal, name: str, draft: PromptDraft, message: str, author: str) -> Registered:
        """Makes the next version, or gives the newest if it says the same, what it includes being pinned anew.

        Raises Permanent `scope_missing`, `prompt_invalid` with everything that is wrong, or `prompt_cycle`.
        """
        entry = Entry(Kind.PROMPT, who.tenant_id, name)
        templates = await asyncio.to_thread(_templates, draft)
        references = dict.fromkeys(reference for template in templates for reference in template.references)
        included = {reference: await self._included(entry, reference) for reference in references}
        if found := list(_disagreements(draft, templates, included)):
            raise Invalid("prompt_invalid", found)
        pins = {reference: prompt.identity for reference, prompt in included.items()}
        definition = PromptDefinition(template=draft.template, variables=draft.variables, references=pins)
        return await self.registry.register(who, entry, definition.model_dump(mode="json"), message, author)

    async def resolve(self, tenant_id: str, reference: Reference, subject: str) -> Prompt:
        """The version that `subject` gets, ready. Raises Permanent `label_unknown` or `version_unknown`."""
        entry = Entry(Kind.PROMPT, tenant_id, reference.name)
        return await self._made_ready(await self.lookup.resolve(entry, reference, subject))

    async def _included(self, within: Entry, text: str) -> Prompt:
        """What a reference stands for now. A canary is not pinned: its heaviest version is."""
        try:
            reference = Reference.parse(text)
            entry = Entry(Kind.PROMPT, within.tenant_id, reference.name)
            number = reference.version or (await self.lookup.weights(entry, reference.label)).heaviest
            prompt = await self._made_ready(await self.lookup.version(entry, number))
        except Permanent as error:
            raise Invalid("prompt_invalid", [Fault(TEMPLATE, f'prompt("{text}"): {error.message}')]) from error
        _refuse_cycle(within.name, text, prompt)
        return prompt

    async def _made_ready(self, version: Version) -> Prompt:
        key = (version.entry, version.number)
        ready = self._ready.get(key)
        if ready is None:
            ready = await self._read(version)
            if len(self._ready) >= REMEMBERED:
                self._ready.clear()
            self._ready[key] = ready
        return ready

    async def _read(self, version: Version) -> Prompt:
        definition = _definition(version)
        tenant_id = version.entry.tenant_id
        pins = {text: (Entry(Kind.PROMPT, tenant_id, pin.name), int(pin.version)) for text, pin in definition.references.items()}
        included = {text: await self._made_ready(await self.lookup.version(*pin)) for text, pin in pins.items()}
        turns = await asyncio.to_thread(lambda: tuple((turn.role, Template(turn.content)) for turn in definition.turns))
        is_text = isinstance(definition.template, str)
        return Prompt(version.identity, turns, definition.variables, is_text, definition.references, _parts(included.values()))


def text_of(definition: Mapping[str, Any]) -> str:
    """The template of a stored definition as a person reads it, roles in headings."""
    template: str | Sequence[Mapping[str, str]] = definition[TEMPLATE]
    return template if isinstance(template, str) else "\n\n".join(f"--- {turn['role']} ---\n{turn['content']}" for turn in template)


def _definition(version: Version) -> PromptDefinition:
    try:
        return PromptDefinition.model_validate(version.definition)
    except ValidationError as error:
        raise Permanent("prompt_invalid", f"{version.identity} was registered by another release, which this one cannot read") from error


def _templates(draft: PromptDraft) -> list[Template]:
    templates, found = [], []
    for number, turn in enumerate(draft.turns):
        place = TEMPLATE if isinstance(draft.template, str) else f"{TEMPLATE}.{number}"
        try:
            templates.append(Template(turn.content))
        except TemplateInvalid as error:
            found += [Fault(place, told) for told in error.faults]
    if found:
        raise Invalid("prompt_invalid", found)
    return templates


def _disagreements(draft: PromptDraft, templates: Sequence[Template], included: Mapping[str, Prompt]) -> Iterator[Fault]:
    """Between what is declared, what is used, and what the included prompts ask for."""
    declared = draft.variables.keys()
    used = {name for template in templates for name in template.variables}
    asked = {name: reference for reference, prompt in included.items() for name in prompt.variables}
    for name in sorted(used - declared):
        yield Fault(f"variables.{name}", "the template uses it; declare it")
    for name in sorted(asked.keys() - declared - used):
        yield Fault(f"variables.{name}", f"{asked[name]} uses it; declare it")
    for name in sorted(declared - used - asked.keys()):
        yield Fault(f"variables.{name}", "nothing uses it; take it out")
    for reference, prompt in included.items():
        if not prompt.is_text:
            yield Fault(TEMPLATE, f'prompt("{reference}"): a chat cannot be included, only a prompt of one text')
    if len(_parts(included.values())) > MAX_PARTS:
        yield Fault(TEMPLATE, f"includes more than {MAX_PARTS} prompts, those they include counted")


def _parts(included: Iterable[Prompt]) -> tuple[Prompt, ...]:
    """Every prompt that these are or include, once, innermost first."""
    return tuple({part.identity: part for prompt in included for part in (*prompt.parts, prompt)}.values())


def _refuse_cycle(name: str, reference: str, prompt: Prompt) -> None:
    """Pinned versions cannot run in a circle, but a name that includes itself, older, is surely a mistake."""
    for part in _parts([prompt]):
        if part.identity.name == name:
            told = f"{name!r} would include itself through {reference!r} ({name}@{part.identity.version}); break the circle"
            raise Permanent("prompt_cycle", told)
