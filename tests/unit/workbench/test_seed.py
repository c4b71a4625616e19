"""Seeds: files are read as they are meant, and what is built in is what the files say."""

from pathlib import Path

import httpx
import pytest

from kit.errors import Permanent
from services.rag.grounded_answer import built_in
from services.rag.prompts import PromptDefinition
from services.rag.variants import VariantDefinition
from tests.unit.workbench.test_client import ClientOf
from workbench.cli.seed import PROMPTS
from workbench.seed import Kind, read_folder, read_version, seed


def test_what_is_built_in_is_what_the_files_say() -> None:
    """So that to seed a new workbench changes neither."""
    files = {(file.kind.value, file.name): file for file in read_folder(PROMPTS).values()}
    said = {
        "grounded-answer": PromptDefinition(**files["prompt", "grounded-answer"].model_dump(include={"template", "variables"})),
        "default": VariantDefinition(**files["variant", "default"].definition),
        "previous": VariantDefinition(**files["variant", "previous"].definition),
    }

    assert {one.name: one.definition for one in built_in()} == {name: value.model_dump(mode="json") for name, value in said.items()}


def test_prompts_come_before_the_variants_that_name_them() -> None:
    """In the order in which they are sent."""
    kinds = [file.kind for file in read_folder(PROMPTS).values()]

    assert kinds == sorted(kinds)
    assert set(kinds) == set(Kind)


@pytest.mark.parametrize(
    "text", ["", "- a", "kind: prompt", "kind: song\nname: a\nmessage: m", "kind: prompt\nname: a\nmessage: m\ncolour: 1", "a: [", "\x00"]
)
def test_a_file_that_describes_nothing_is_refused_by_its_name(text: str, tmp_path: Path) -> None:
    """Before anything is sent."""
    path = tmp_path / "wrong.yaml"
    path.write_text(text)

    with pytest.raises(Permanent, match=r"wrong\.yaml does not describe"):
        read_version(path)


async def test_a_label_that_is_set_is_not_moved(client_of: ClientOf, tmp_path: Path) -> None:
    """Only the one that points nowhere is."""
    (tmp_path / "a.yaml").write_text("kind: prompt\nname: a\nmessage: m\ntemplate: hello\nlabels: [production, staging]\n")
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path))
        entries = [{"name": "a", "latest": 3, "labels": {"production": {"2": 1.0}}}]
        return httpx.Response(200, json={"entries": entries} if request.method == "GET" else {"version": 4})

    [done] = [one async for one in seed(client_of(answer), read_folder(tmp_path))]

    assert sent == [("GET", "/prompts"), ("POST", "/prompts"), ("PUT", "/prompts/a/labels/staging")]
    assert (done.version, done.created, done.labels) == (4, True, ("staging",))
