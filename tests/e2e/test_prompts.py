"""Prompts and variants from outside: registered, compared, released by who may, and named by every answer."""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.conftest import Workbench
from tests.e2e.keys import holding, made

TEXT = {"type": "string", "maxLength": 20}
PASSAGES = {"type": "array"}


async def registered(workbench: Workbench, template: str = "{{ question }}", **fields: Any) -> dict[str, Any]:
    """POST /prompts under a new name, unless `fields` say another."""
    body = {"name": f"p-{uuid4().hex}", "template": template, "variables": {"question": TEXT}, "message": "m", **fields}
    answer = await workbench.http.post("/prompts", json=body)
    assert answer.status_code in (200, 201), answer.text
    return {**answer.json(), "status": answer.status_code}


async def moved(workbench: Workbench, path: str, **move: Any) -> httpx.Response:
    """PUT of a label: `path` is /prompts/name/labels/label."""
    return await workbench.http.put(path, json={"reason": "because", **move})


async def command(workbench: Workbench, *arguments: str, key: str = "") -> tuple[int, str]:
    """`workbench ...` with an API key; gives its exit code and what it printed."""
    environment = {**os.environ, "WORKBENCH_URL": workbench.addresses["http"], "WORKBENCH_API_KEY": key}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench", *arguments), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def test_a_prompt_is_registered_once_and_compared(workbench: Workbench) -> None:
    """201 for what is new, 200 and the same version for what is not."""
    one = await registered(workbench, "Say: {{ question }}", author="ada")
    same = await registered(workbench, "Say: {{ question }}", name=one["name"])
    two = await registered(workbench, "Tell: {{ question }}", name=one["name"], variables={"question": {"type": "string"}})

    entry = (await workbench.http.get(f"/prompts/{one['name']}")).json()
    shown = (await workbench.http.get(f"/prompts/{one['name']}/versions/1")).json()
    diff = (await workbench.http.get(f"/prompts/{one['name']}/diff", params={"from": 1, "to": 2})).json()

    assert [(made["status"], made["version"]) for made in (one, same, two)] == [(201, 1), (200, 1), (201, 2)]
    assert [version["version"] for version in entry["versions"]] == [2, 1]
    assert (shown["author"], shown["definition"]["template"], shown["sha256"]) == ("ada", "Say: {{ question }}", one["sha256"])
    assert "-Say: {{ question }}\n+Tell: {{ question }}\n" in diff["unified"]
    assert set(diff["fields"]["changed"]) == {"question"}


async def test_a_variant_of_ones_own_answers_and_is_named_in_the_answer_and_its_event(workbench: Workbench) -> None:
    """With the version of its prompt, by number."""
    passages = "{% for p in passages %}{{ p.text }}{% endfor %}{{ question }}"
    prompt = await registered(workbench, passages, variables={"question": {"type": "string"}, "passages": PASSAGES})
    name = f"v-{uuid4().hex}"
    definition = {"prompt": f"{prompt['name']}@1", "retriever": "sparse", "top_k": 1}
    made = await workbench.http.post("/variants", json={"name": name, "definition": definition, "message": "m"})
    await workbench.indexed("river.txt", b"The river Oberlin is 77 km long.")

    answer = await workbench.ask("How long is the river Oberlin?", variant=f"{name}@1")

    [event] = await workbench.records("queries.answered", lambda record: record.key == answer["answer_id"].encode())
    told = json.loads(event.value)
    assert made.status_code == 201, made.text
    assert answer["prompt"] == told["prompt"] == {"name": prompt["name"], "version": "1"}
    assert answer["variant"] == told["variant"] == {"name": name, "version": "1"}
    assert "77 km" in answer["answer"]
    assert len(answer["contexts"]) == 1


@pytest.mark.parametrize("variant", [None, "default", "default@production", "default@1"])
async def test_the_built_in_variant_answers_by_each_of_its_names(workbench: Workbench, variant: str | None) -> None:
    """Nothing has to be seeded."""
    answer = await workbench.ask("What is nowhere?", **({"variant": variant} if variant else {}))

    assert (answer["variant"]["name"], answer["prompt"]["name"]) == ("default", "grounded-answer")


async def test_without_the_scope_a_protected_label_stays_by_api_and_by_command_line(workbench: Workbench) -> None:
    """403 for a move, a canary and a rollback; with the scope it moves; `staging` is free."""
    prompt = await registered(workbench)
    name, path = prompt["name"], f"/prompts/{prompt['name']}/labels"
    writer, promoter = [(await made(workbench, "prompts:write", *more))["key"] for more in ([], ["prompts:promote"])]

    async with holding(workbench, writer) as held:
        answers = [
            await moved(held, f"{path}/production", version=1),
            await moved(held, f"{path}/production", weights={"1": 1.0}),
            await held.http.post(f"{path}/production/rollback", json={"reason": "because"}),
        ]
        staged = await moved(held, f"{path}/staging", version=1)
    refused = await command(workbench, "prompts", "label", name, "production", "1", "--reason", "because", key=writer)
    allowed = await command(workbench, "prompts", "label", name, "production", "1", "--reason", "because", key=promoter)

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "scope_missing")}
    assert staged.status_code == 200
    assert (refused[0], allowed[0]) == (1, 0), (refused, allowed)
    assert "prompts:promote" in refused[1]


async def test_a_canary_is_set_paused_finished_and_rolled_back(workbench: Workbench) -> None:
    """Its share of the subjects, each always the same; the history tells all of it and ends where the label points."""
    prompt = await registered(workbench, "one {{ question }}")
    name, path = prompt["name"], f"/prompts/{prompt['name']}/labels/production"
    await registered(workbench, "two {{ question }}", name=name)

    async def share(**move: Any) -> Counter[str]:
        assert (await moved(workbench, path, **move)).status_code == 200
        return Counter([await rendered(workbench, name, f"user-{n % 100}") for n in range(200)])

    split = await share(weights={"1": 0.5, "2": 0.5})
    paused, finished = await share(weights={"1": 1, "2": 0}), await share(version=2)
    back = await workbench.http.post(f"{path}/rollback", json={"reason": "worse"})

    moves = (await workbench.http.get(f"{path}/history")).json()["moves"]
    assert 60 < split["2"] < 140
    assert all(count % 2 == 0 for count in split.values())
    assert (paused, finished) == ({"1": 200}, {"2": 200})
    assert [move["to"] for move in moves[:-1]] == [move["from"] for move in moves[1:]]
    assert moves[-1]["to"] == back.json()["weights"] == {"1": 1.0, "2": 0.0}
    assert {(move["actor"], bool(move["at"])) for move in moves} == {("anonymous", True)}


async def rendered(workbench: Workbench, name: str, subject: str) -> str:
    """The version that a subject gets."""
    answer = await workbench.http.post(f"/prompts/{name}/render", json={"variables": {"question": "?"}, "subject": subject})
    version: str = answer.json()["prompt"]["version"]
    return version


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({}, "question"),
        ({"question": "?", "colour": "red"}, "colour"),
        ({"question": 7}, "question"),
        ({"question": "a" * 21}, "question"),
        ({"question": "?", "tone": "rude"}, "tone"),
    ],
    ids=["missing", "extra", "wrong type", "oversize", "not in enum"],
)
async def test_each_kind_of_bad_variable_is_a_problem(workbench: Workbench, variables: dict[str, Any], field: str) -> None:
    """That names the variable; no model is asked for a rendering, and a provider's call would come after it."""
    declared = {"question": TEXT, "tone": {"type": "string", "enum": ["dry"], "required": False}}
    prompt = await registered(workbench, "{{ question }} {{ tone }}", variables=declared)

    answer = await workbench.http.post(f"/prompts/{prompt['name']}/render", json={"version": 1, "variables": variables})

    assert (answer.status_code, answer.json()["code"]) == (422, "prompt_variables_invalid")
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/prompts", {"template": "{{ question }} {{ mood }}"}, "prompt_invalid"),
        ("/prompts", {"template": "hello"}, "prompt_invalid"),
        ("/prompts", {"template": "{{ question.upper() }}"}, "prompt_invalid"),
        ("/prompts", {"template": '{{ question }}{{ prompt("nobody@1") }}'}, "prompt_invalid"),
        ("/prompts", {"template": [{"role": "king", "content": "{{ question }}"}]}, "request_invalid"),
        ("/prompts", {"name": "No Name"}, "request_invalid"),
        ("/prompts", {"message": " "}, "request_invalid"),
        ("/variants", {"definition": {"colour": "red"}}, "request_invalid"),
        ("/variants", {"definition": {"reranker": "oracle"}}, "request_invalid"),
        ("/variants", {"definition": {"limits": {"cost_usd": 0.01}}}, "variant_unsupported"),
    ],
)
async def test_what_cannot_be_registered_is_told(workbench: Workbench, path: str, body: dict[str, Any], code: str) -> None:
    """And nothing is."""
    whole = {"name": f"x-{uuid4().hex}", "message": "m"} | (
        {"variables": {"question": TEXT}, "template": "{{ question }}"} if path == "/prompts" else {}
    )

    answer = await workbench.http.post(path, json=whole | body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert all(name in answer.text for name in body.get("definition", {}))
    assert (await workbench.http.get(f"{path}/{whole['name']}")).json()["code"] == "name_unknown"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/prompts/nobody", "name_unknown"),
        ("/prompts/grounded-answer/versions/99", "version_unknown"),
        ("/prompts/grounded-answer/diff?from=1&to=99", "version_unknown"),
        ("/variants/default/labels/nowhere/history", "label_unknown"),
    ],
)
async def test_what_is_not_there_is_not_found(workbench: Workbench, path: str, code: str) -> None:
    """By what is missing."""
    answer = await workbench.http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_the_command_line_seeds_creates_compares_and_goes_back(workbench: Workbench, tmp_path: Path) -> None:
    """What a person does in a terminal; a second seed changes nothing."""
    await command(workbench, "seed")
    again = await command(workbench, "seed", "--json")
    name, versions = f"p-{uuid4().hex}", ("one", "two")
    for text in versions:
        (tmp_path / "p.yaml").write_text(f"kind: prompt\nname: {name}\nmessage: {text}\ntemplate: {text}\n")
        assert (await command(workbench, "prompts", "create", str(tmp_path / "p.yaml")))[0] == 0
    for version in "12":
        await command(workbench, "prompts", "label", name, "staging", version, "--reason", "r")
    back = await command(workbench, "prompts", "rollback", name, "staging", "--reason", "worse")
    history = await command(workbench, "prompts", "history", name, "staging", "--json")

    assert not any(one["created"] or one["labels"] for one in json.loads(again[1])["seeded"])
    assert f"{name}@staging -> 1" in back[1]
    assert [move["to"] for move in json.loads(history[1])["moves"]] == [{"1": 1.0}, {"2": 1.0}, {"1": 1.0}]
    assert "+two" in (await command(workbench, "prompts", "diff", name, "1", "2"))[1]
    assert "staging -> 1" in (await command(workbench, "prompts", "show", name))[1]
    assert "brief" in (await command(workbench, "variants", "list"))[1]
