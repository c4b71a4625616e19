"""Prompts and variants: versions, labels, and what a prompt says.

A canary is set by moving a label to `weights` {"3": 0.9, "4": 0.1}, grown by other weights, paused by {"3": 1, "4": 0}, finished by moving
the label to version 4, and ended by a rollback. Every one of these is a move with a reason, and stands in the label's history.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.api.registry_schemas import (
    Diff,
    EntryDetail,
    EntryList,
    EntrySummary,
    FieldDiff,
    History,
    LabelMove,
    LabelState,
    MoveDetail,
    NewPrompt,
    NewVariant,
    Number,
    Rendered,
    RenderedMessage,
    RenderRequest,
    Rollback,
    VersionDetail,
    VersionSummary,
)
from services.rag.prompts import PromptDraft, text_of
from services.rag.registry.entry import LABEL, NAME, PRODUCTION, Entry, Kind, Reference
from services.rag.registry.labels import Why
from services.rag.registry.move import Move
from services.rag.registry.registry import ANONYMOUS, Registered, as_text, by_field, unified

Name = Annotated[str, Path(pattern=rf"^{NAME}$")]
Label = Annotated[str, Path(pattern=rf"^{LABEL}$")]


_READERS = (Scope.QUERY, Scope.PROMPTS_WRITE, Scope.PROMPTS_PROMOTE)


async def _opened(rag: Rag, who: Who) -> None:
    """Whoever uses prompts may read them; a tenant who is new here finds what is built in."""
    if not any(who.may(scope) for scope in _READERS):
        who.require(Scope.QUERY)
    await rag.catalogue.built_in.ensure(who.tenant_id)


prompts = APIRouter(tags=["prompts"], dependencies=[Depends(_opened)])
variants = APIRouter(tags=["variants"], dependencies=[Depends(_opened)])


@prompts.post("/prompts", status_code=201, dependencies=[needs(Scope.PROMPTS_WRITE)])
async def create_prompt(rag: Rag, who: Who, body: NewPrompt, response: Response) -> VersionDetail:
    """Registers a version; 200 and the newest one if that says the same."""
    draft = PromptDraft(template=body.template, variables=body.variables)
    return _created(
        response, await rag.catalogue.prompts.register(who, body.name, draft, body.message, body.author or who.key_id or ANONYMOUS)
    )


@prompts.post("/prompts/{name}/render", dependencies=[needs(Scope.PROMPTS_READ)])
async def render_prompt(rag: Rag, who: Who, name: Name, body: RenderRequest) -> Rendered:
    """Shows what a language model would be told; none is asked."""
    reference = Reference(name, body.version, body.label or PRODUCTION)
    prompt = await rag.catalogue.prompts.resolve(who.tenant_id, reference, body.subject or "")
    return Rendered(prompt=prompt.identity, messages=[RenderedMessage.of(message) for message in prompt.render(body.variables)])


@variants.post("/variants", status_code=201, dependencies=[needs(Scope.PROMPTS_WRITE)])
async def create_variant(rag: Rag, who: Who, body: NewVariant, response: Response) -> VersionDetail:
    """Registers a version; 200 and the newest one if that says the same."""
    return _created(
        response,
        await rag.catalogue.variants.register(who, body.name, body.definition, body.message, body.author or who.key_id or ANONYMOUS),
    )


def _created(response: Response, registered: Registered) -> VersionDetail:
    response.status_code = 201 if registered.created else 200
    return VersionDetail.of(registered.version)


def _add_versions(router: APIRouter, kind: Kind) -> None:
    """Lists, shows and compares versions of one kind."""

    @router.get(f"/{kind}s", dependencies=[needs(Scope.PROMPTS_READ)])
    async def list_entries(rag: Rag, who: Who) -> EntryList:
        """Lists all names, their newest versions and labels."""
        names = await rag.catalogue.registry.store.names(kind, who.tenant_id)
        labels = await rag.catalogue.registry.store.labels(kind, who.tenant_id)
        return EntryList(
            entries=[EntrySummary(name=name, latest=latest, labels=_points(labels.get(name))) for name, latest in names.items()]
        )

    @router.get(f"/{kind}s/{{name}}", dependencies=[needs(Scope.PROMPTS_READ)])
    async def get_entry(rag: Rag, who: Who, name: Name) -> EntryDetail:
        """Lists the versions of a name, and its labels."""
        versions = await rag.catalogue.registry.store.versions(Entry(kind, who.tenant_id, name))
        labels = await rag.catalogue.registry.store.labels(kind, who.tenant_id, name)
        return EntryDetail(name=name, versions=[VersionSummary.of(version) for version in versions], labels=_points(labels.get(name)))

    @router.get(f"/{kind}s/{{name}}/versions/{{version}}", dependencies=[needs(Scope.PROMPTS_READ)])
    async def get_version(rag: Rag, who: Who, name: Name, version: Number) -> VersionDetail:
        """Shows a version."""
        return VersionDetail.of(await rag.catalogue.registry.store.version(Entry(kind, who.tenant_id, name), version))

    @router.get(f"/{kind}s/{{name}}/diff", dependencies=[needs(Scope.PROMPTS_READ)])
    async def diff_versions(
        rag: Rag, who: Who, name: Name, from_: Annotated[Number, Query(alias="from")], to: Annotated[Number, Query()]
    ) -> Diff:
        """Compares two versions."""
        entry = Entry(kind, who.tenant_id, name)
        old, new = [await rag.catalogue.registry.store.version(entry, number) for number in (from_, to)]
        text, fields = (text_of, _variables) if kind is Kind.PROMPT else (as_text, dict)
        between = by_field(fields(old.definition), fields(new.definition))
        return Diff(unified=unified(old, new, (text(old.definition), text(new.definition))), fields=FieldDiff(**between))


def _add_labels(router: APIRouter, kind: Kind) -> None:
    """Moves labels of one kind and tells their history."""
    path = f"/{kind}s/{{name}}/labels/{{label}}"

    @router.put(path)
    async def move_label(rag: Rag, who: Who, name: Name, label: Label, body: LabelMove) -> LabelState:
        """Points a label to a version, or to several with shares. Protected labels ask for the scope prompts:promote."""
        entry = Entry(kind, who.tenant_id, name)
        return _state(label, await rag.catalogue.labels.move(who, entry, label, body.target(), Why(body.reason, body.receipt)))

    @router.post(f"{path}/rollback")
    async def roll_back_label(rag: Rag, who: Who, name: Name, label: Label, body: Rollback) -> LabelState:
        """Points a label to where it pointed before; again, and it goes one further back."""
        entry = Entry(kind, who.tenant_id, name)
        return _state(label, await rag.catalogue.labels.rollback(who, entry, label, Why(body.reason, body.receipt)))

    @router.get(f"{path}/history", dependencies=[needs(Scope.PROMPTS_READ)])
    async def label_history(rag: Rag, who: Who, name: Name, label: Label) -> History:
        """Tells every move of a label."""
        moves = await rag.catalogue.labels.history(Entry(kind, who.tenant_id, name), label)
        return History(label=label, moves=[MoveDetail.of(move) for move in moves])


def _state(label: str, move: Move) -> LabelState:
    return LabelState(label=label, number=move.number, weights=move.after.as_json())


def _points(labels: Any) -> dict[str, dict[str, float]]:
    return {label: weights.as_json() for label, weights in (labels or {}).items()}


def _variables(definition: Any) -> dict[str, Any]:
    return dict(definition["variables"])


for _router, _kind in ((prompts, Kind.PROMPT), (variants, Kind.VARIANT)):
    _add_versions(_router, _kind)
    _add_labels(_router, _kind)
