"""The project's own evaluation set: every answer stands in a quote, every quote at its place, and there are as many cases as promised."""

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from contracts.media_types import media_type_of
from kit.datasets.case import Case
from kit.datasets.fingerprint import fingerprint
from services.evaluator.gate import load_gates
from services.evaluator.scorers.squad import tokens
from services.ingest.parse import parse

DATASETS = Path(__file__).parents[3] / "datasets"
GATES = DATASETS.parent / "gates"
HANDBOOK, HANDBOOK_QA = DATASETS / "handbook", DATASETS / "handbook_qa"
CASES = [Case.model_validate_json(line) for line in (HANDBOOK_QA / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
ANSWERABLE = [case for case in CASES if case.answerable]
BUILDER = DATASETS / "build_handbook_qa.py"


@cache
def text_of(document: str) -> str:
    """The extracted text of a document of the handbook."""
    return parse((HANDBOOK / document).read_bytes(), str(media_type_of(document))).text


def documents() -> set[str]:
    """The files of the handbook that are ingested."""
    return {file.name for file in HANDBOOK.iterdir() if media_type_of(file.name)}


def normal(text: str) -> str:
    """As SQuAD compares answers, between spaces."""
    return f" {' '.join(tokens(text))} "


def kinds() -> Counter[str]:
    """How many cases there are of each kind."""
    return Counter(case.metadata["kind"] for case in CASES)


def builder() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("build_handbook_qa", BUILDER)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_as_many_cases_of_each_kind_as_the_set_says() -> None:
    """And more than were asked for."""
    described = yaml.safe_load((HANDBOOK_QA / "dataset.yaml").read_text(encoding="utf-8"))["description"]
    clusters = {case.cluster for case in CASES}
    figures = (len(CASES), len(clusters), len(documents()), kinds()["single"], kinds()["multi-hop"], kinds()["unanswerable"])

    assert [int(number) for number in re.findall(r"\d+", described)] == list(figures)
    assert len(CASES) >= 150
    assert kinds()["multi-hop"] >= 20
    assert kinds()["unanswerable"] >= 30
    assert kinds().keys() == {"single", "multi-hop", "unanswerable"}


def test_ids_and_questions_are_asked_once() -> None:
    """An id is a number and a word or two, so that a report can be read."""
    assert len({case.id for case in CASES}) == len(CASES)
    assert len({normal(case.question) for case in CASES}) == len(CASES)
    assert [case.id for case in CASES if not re.fullmatch(r"hb-\d{3}(-[a-z0-9]+)+", case.id)] == []


def test_every_quote_stands_at_its_span_and_nowhere_else() -> None:
    """In the text that citations are offsets into."""
    golds = [gold for case in ANSWERABLE for gold in case.gold]

    assert [gold for gold in golds if text_of(gold.document_id)[gold.start : gold.end] != gold.quote] == []
    assert [gold for gold in golds if text_of(gold.document_id).count(str(gold.quote)) != 1] == []


def test_an_accepted_answer_stands_in_the_quotes() -> None:
    """So that quoting them is right; the other answers are other ways to say the same."""
    quoted = {case.id: " ".join(normal(str(gold.quote)) for gold in case.gold) for case in ANSWERABLE}

    assert [case.id for case in ANSWERABLE if not any(normal(answer) in quoted[case.id] for answer in case.answers)] == []
    assert [case.id for case in ANSWERABLE if not all(normal(answer).strip() for answer in case.answers)] == []


def test_a_case_has_the_gold_of_its_kind() -> None:
    """Two places for multi-hop, and none where there is no answer."""
    places = {"single": 1, "multi-hop": 2, "unanswerable": 0}

    for case in CASES:
        assert len({(gold.document_id, gold.start) for gold in case.gold}) == len(case.gold) == places[case.metadata["kind"]]
        assert bool(case.answers) == case.answerable == (case.metadata["kind"] != "unanswerable")
        assert case.metadata["document"] == (case.gold[0].document_id if case.gold else "none")


def test_most_questions_of_two_places_need_two_documents() -> None:
    """The others need two sections or rows of one."""
    hops = [{gold.document_id for gold in case.gold} for case in CASES if case.metadata["kind"] == "multi-hop"]

    assert sum(len(hop) == 2 for hop in hops) >= 20


def test_every_document_is_asked_about() -> None:
    """By questions that it answers and by some that it does not."""
    answered = Counter(gold.document_id for case in ANSWERABLE for gold in case.gold)
    sounds_like = {str(case.cluster).split(": ")[0] for case in CASES if not case.answerable}

    assert answered.keys() == documents()
    assert min(answered.values()) >= 8
    assert sounds_like == documents()


def test_slices_are_named_alike() -> None:
    """So that figures by slice have enough cases, and none hides behind a misspelling."""
    in_other_words = [case for case in ANSWERABLE if case.metadata["style"] != "keyword"]
    lacks = {case.metadata.get("lacks") for case in CASES}

    assert {case.metadata["style"] for case in CASES} == {"keyword", "paraphrase", "situation"}
    assert len(in_other_words) / len(ANSWERABLE) >= 0.5
    assert lacks == {"detail", "entity", "subject", None}
    assert all(("lacks" in case.metadata) != case.answerable for case in CASES)
    assert {case.metadata["asks"] for case in CASES} == {"action", "condition", "name", "number", "place", "reason", "term", "time"}


def test_the_cases_are_what_their_source_says() -> None:
    """Character for character."""
    checked = subprocess.run([sys.executable, BUILDER, "--check"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("section", "quote", "told"),
    [
        ("Who we are", "We are nine people.", "stands 0 times"),
        ("Who we are", "engineer", "stands 3 times"),
        ("Who we are", "We are eight people.", "does not stand in the section"),
        ("Who we were", "We are eight people.", "stands 0 times"),
    ],
)
def test_a_quote_that_is_not_where_the_source_says_is_told(tmp_path: Path, section: str, quote: str, told: str) -> None:
    """Rather than given a place that nobody meant."""
    case = {"id": "hb-001-it", "question": "How many are we?", "style": "keyword", "asks": "number", "answers": ["eight"], "quote": quote}
    source = tmp_path / "source.yaml"
    source.write_text(yaml.safe_dump({"welcome.md": {"Welcome to Northwind Answers": [], section: [case]}}, sort_keys=False))
    script = builder()

    with pytest.raises(script.MisquotedError, match=told):
        script.read(source)


def test_its_gate_and_the_recorded_baseline_are_about_these_very_cases() -> None:
    """A gate that knows its set by name alone would judge whatever somebody uploads under it. New cases take both files with them."""
    gate = load_gates(GATES)["handbook"]
    recorded = json.loads((GATES / "baselines" / "handbook_qa.json").read_text(encoding="utf-8"))["run"]

    assert (gate.datasets, gate.fingerprint) == (("handbook_qa",), fingerprint(CASES))
    assert recorded["fingerprint"] == fingerprint(CASES)
    assert gate.why_not("handbook_qa", fingerprint(CASES[:-1])) is not None
