"""Gates as they are written down."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.errors import Permanent
from services.evaluator.gate import Gate, Kind, load_gates
from services.evaluator.metrics.table import METRICS

GATES = Path(__file__).parents[3] / "gates"
NO_WORSE = {"metric": "correct", "rule": "no_worse", "margin": 0.05}


def said(**changed: Any) -> dict[str, Any]:
    """A gate, but for what is changed."""
    return {"name": "nightly", "description": "Nothing gets worse.", "rules": [NO_WORSE]} | changed


def written(folder: Path, text: str, name: str = "nightly") -> Path:
    """A folder with one file."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_gates_of_the_project_can_be_read_and_name_known_metrics() -> None:
    """A metric that no scorer feeds would leave its rule open for ever."""
    gates = load_gates(GATES)

    assert set(gates) == {"default", "handbook", "retrieval"}
    assert {rule.metric for gate in gates.values() for rule in gate.rules} <= set(METRICS)
    assert all(gate.primary in METRICS for gate in gates.values())


def test_a_gate_says_what_stands_in_its_file(tmp_path: Path) -> None:
    """And what does not has a default."""
    gate = load_gates(written(tmp_path, yaml.safe_dump(said(alpha=0.01))))["nightly"]

    assert (gate.alpha, gate.power, gate.primary, gate.expires_days) == (0.01, 0.8, "correct", 30)
    assert (gate.rules[0].rule, gate.rules[0].limit) == (Kind.NO_WORSE, 0.05)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"alhpa": 0.1}, "alhpa: Extra inputs"),
        ({"alpha": 0.7}, "alpha: Input should be less than 0.5"),
        ({"rules": []}, "rules: Tuple should have at least 1 item"),
        ({"rules": [{**NO_WORSE, "rule": "same"}]}, "rules[0].rule: Input should be"),
        ({"rules": [{**NO_WORSE, "margin": 0}]}, "rules[0]: correct: no_worse needs a margin above 0"),
        ({"rules": [{"metric": "correct", "rule": "better"}]}, "rules[0]: correct: better takes a margin and no bound"),
        ({"rules": [{**NO_WORSE, "rule": "at_most"}]}, "rules[0]: correct: at_most takes a bound and no margin"),
        ({"rules": [{**NO_WORSE, "slices": ["all"]}]}, "leave the slice `all` out"),
        ({"rules": [{**NO_WORSE, "slice_margin": 0.1}]}, "slice_margin is for slices of a rule that takes a margin"),
        ({"rules": [NO_WORSE, NO_WORSE]}, "correct: two rules say no_worse"),
        ({"name": "weekly"}, "name: it is 'weekly'; a gate is named as its file, 'nightly'"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_field(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    """So that whoever wrote it finds it."""
    folder = written(tmp_path, yaml.safe_dump(said(**changed)))

    with pytest.raises(Permanent) as caught:
        load_gates(folder)

    assert caught.value.code == "gate_invalid"
    assert str(tmp_path / "nightly.yaml") in caught.value.message
    assert told in caught.value.message


def test_a_file_that_is_no_yaml_is_told(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(Permanent, match=r"nightly\.yaml cannot be read as YAML"):
        load_gates(written(tmp_path, "rules: [unclosed"))


def test_the_hash_is_of_what_a_gate_says(tmp_path: Path) -> None:
    """Not of how it was written down, nor of defaults that are spelled out; another margin is another gate."""
    plain = Gate.model_validate(said())
    commented = yaml.safe_dump(dict(reversed(said(power=0.8, min_cases=30).items())), sort_keys=False) + "# a comment\n"

    assert load_gates(written(tmp_path, commented))["nightly"].sha256 == plain.sha256
    assert Gate.model_validate(said(rules=[{**NO_WORSE, "margin": 0.06}])).sha256 != plain.sha256


def test_slices_have_the_margin_of_their_rule_or_their_own() -> None:
    """For they have few cases."""
    usual, wide = Gate.model_validate(
        said(rules=[NO_WORSE, {**NO_WORSE, "metric": "token_f1", "slices": ["kind"], "slice_margin": 0.1}])
    ).rules

    assert [(rule.limit, rule.of_slices.limit) for rule in (usual, wide)] == [(0.05, 0.05), (0.05, 0.1)]


def test_a_gate_says_nothing_about_another_dataset() -> None:
    """By name and by fingerprint; one that names none is for any."""
    gate = Gate.model_validate(said(datasets=["handbook_qa"], fingerprint="a" * 64))

    assert gate.why_not("handbook_qa", "a" * 64) is None
    assert gate.why_not("squad", "a" * 64) == "the gate nightly is for handbook_qa, not for squad"
    assert "with the fingerprint aaaaaaaaaaaa…, not bbbbbbbbbbbb…" in (gate.why_not("handbook_qa", "b" * 64) or "")
    assert Gate.model_validate(said()).why_not("squad", "b" * 64) is None
