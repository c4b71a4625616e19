"""A measured verdict moves the production label, and nothing else does: a worse prompt stays out, a better one goes in with its receipt."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.rag.grounded_answer import GROUNDED_ANSWER, built_in
from tests.models.obedient import CITES, environment, obedient
from tests.own_stack import OwnStack, own_stack

DATASET = Path(__file__).parents[2] / "datasets" / "handbook_qa"
SETTINGS = {"RAG_PROMOTION__RECEIPTS": "true", "RAG_PROMOTION__GATES": '["default"]', "EVALUATOR_RAG__CONCURRENCY": "4"}
# Enough for the gate, and few enough for a test.
CASES = "120"
PASSED, FAILED = 0, 1


class Researcher:
    """Works from the command line, with a folder of prompts and receipts."""

    def __init__(self, stack: OwnStack) -> None:
        self._stack = stack

    def does(self, *arguments: str, code: int = 0) -> str:
        """`workbench ...`, which must end with that code; gives what it said."""
        done = self._stack.command(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def creates(self, kind: str, name: str, **body: Any) -> str:
        """A version of a prompt or a variant, by its number."""
        file = self._stack.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump({"kind": kind, "name": name, "message": "a try", **body}))
        return str(json.loads(self.does(f"{kind}s", "create", str(file), "--json"))["version"])

    def tries(self, name: str, prompt: dict[str, Any]) -> str:
        """A new version of the prompt that is in production, and a variant of that name which uses it; gives the version's number."""
        version = self.creates("prompt", GROUNDED_ANSWER, **prompt)
        self.creates("variant", name, definition={"prompt": f"{GROUNDED_ANSWER}@{version}"})
        return version

    def judges(self, candidate: str, code: int, *baseline: str) -> tuple[dict[str, Any], Path]:
        """Evaluates a variant against a baseline; gives the outcome, and where the receipt of its prompt is."""
        wanted = ("--dataset", str(DATASET), "--variant", f"{candidate}@1", "--max-cases", CASES, *baseline)
        found = json.loads(self.does("eval", "run", *wanted, "--gate", "default", "--json", code=code))
        return found, self.keeps(found, candidate)

    def keeps(self, found: dict[str, Any], name: str) -> Path:
        """The receipt of the prompt, as a file."""
        [signed] = [receipt["signed"] for receipt in found["receipts"] if receipt["kind"] == "prompt"]
        file = self._stack.folder / f"{name}.receipt.json"
        file.write_text(json.dumps(signed))
        return file

    def promotes(self, version: str, receipt: Path | None = None, code: int = 0) -> str:
        """Moves the production label of the prompt."""
        proof = ("--receipt", str(receipt)) if receipt else ()
        return self.does("prompts", "label", GROUNDED_ANSWER, "production", version, "--reason", "measured", *proof, code=code)

    def production(self) -> str:
        """The version that is in production."""
        moves = json.loads(self.does("prompts", "history", GROUNDED_ANSWER, "production", "--json"))["moves"]
        return next(iter(moves[-1]["to"]))


@pytest.fixture(scope="module")
def researcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Researcher]:
    """At a stack that asks for receipts, and whose language model does what its prompt says."""
    with obedient() as model, own_stack(tmp_path_factory.mktemp("promotion"), environment(model) | SETTINGS) as stack:
        yield Researcher(stack)


def said(replaced: str = "", by: str = "") -> dict[str, Any]:
    """The prompt that comes with the code, in other words."""
    definition = json.loads(json.dumps(built_in()[0].definition))
    system = definition["template"][0]
    system["content"] = system["content"].replace(replaced, by) if replaced else f"{system['content']}\n{by}"
    return {"template": definition["template"], "variables": definition["variables"]}


def test_a_worse_prompt_fails_and_a_better_one_moves_the_label(researcher: Researcher) -> None:
    """With its own receipt, as the evaluator signed it: neither the other's, nor one that was edited."""
    worse = researcher.tries("worse", said(CITES, "a footnote"))
    better = researcher.tries("better", said(by="Give up to three claims."))
    failed, of_worse = researcher.judges("worse", FAILED, "--baseline", "default")
    passed, of_better = researcher.judges("better", PASSED, "--baseline-run", failed["baseline"]["run_id"])

    refusals = [
        researcher.promotes(worse, code=1),
        researcher.promotes(worse, of_worse, code=1),
        researcher.promotes(worse, of_better, code=1),
        researcher.promotes(better, edited(of_better), code=1),
    ]
    before = researcher.production()
    researcher.promotes(better, of_better)

    assert (failed["verdict"], passed["verdict"]) == ("FAIL", "PASS")
    told = ["send the `receipt`", "ended with FAIL", "is about the prompt", "does not fit the receipt"]
    assert [words in refusal for words, refusal in zip(told, refusals, strict=True)] == [True] * 4, refusals
    assert (before, researcher.production()) == ("1", better)


def edited(receipt: Path) -> Path:
    """A copy that says it holds for ever."""
    signed = json.loads(receipt.read_text())
    payload = json.loads(base64.b64decode(signed["payload"])) | {"expires_at": "9999-01-01T00:00:00+00:00"}
    copy = receipt.with_suffix(".edited.json")
    copy.write_text(json.dumps(signed | {"payload": base64.b64encode(json.dumps(payload).encode()).decode()}))
    return copy
