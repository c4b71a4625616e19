"""Two runs, compared."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from services.evaluator.compare import Comparison, compare
from services.evaluator.gate import Gate
from services.evaluator.rows import Row
from services.evaluator.scored import Scored
from services.evaluator.significance import MCNEMAR

CASES = 90


def run(correct: Callable[[int], float], clusters: int = CASES, **scores: Callable[[int], float | None]) -> list[Scored]:
    """Cases of two kinds, in so many clusters."""
    return [
        Scored(
            str(at),
            {"correct": correct(at), **{name: score(at) for name, score in scores.items()}},
            cluster=str(at % clusters),
            metadata={"kind": "single" if at % 3 else "multi-hop"},
        )
        for at in range(CASES)
    ]


def gate(*rules: dict[str, Any], **changed: Any) -> Gate:
    """With few cases allowed."""
    return Gate.model_validate({"name": "g", "description": "d", "min_cases": 20, "rules": rules or [NO_WORSE], **changed})


def rows(comparison: Comparison) -> dict[tuple[str, str], Row]:
    """By metric and slice."""
    return {(row.metric, row.slice): row for row in comparison.metrics}


NO_WORSE: dict[str, Any] = {"metric": "correct", "rule": "no_worse", "margin": 0.05}
ALWAYS = run(lambda _: 1.0)
OFTEN = run(lambda at: float(at % 9 > 0))


def test_a_run_against_itself_passes() -> None:
    """Nothing differs; what ninety such cases rule out is a loss of 1 - 0.05^(1/90)."""
    found = compare(OFTEN, OFTEN, gate(), 0, 500)

    assert (found.verdict, found.reason) == ("PASS", "correct: worse by at most 0.033, within the margin of 0.050")
    assert found.cases == {"fixed": 0, "broken": 0, "changed": 0, "same": CASES}


def test_a_worse_run_fails_and_a_better_one_passes() -> None:
    """Ten cases of ninety, by McNemar's test, since every case stands for itself: half of one in 1,024."""
    worse = compare(OFTEN, ALWAYS, gate(), 0, 500)
    better = compare(ALWAYS, OFTEN, gate({**NO_WORSE, "rule": "better", "margin": 0}), 0, 500)

    assert (worse.verdict, better.verdict) == ("FAIL", "PASS")
    assert worse.metrics[0].p_value == pytest.approx(0.5**11)
    assert MCNEMAR in worse.metrics[0].reason
    assert (worse.cases["broken"], better.cases["fixed"]) == (10, 10)


def test_cases_that_hang_together_are_tested_together() -> None:
    """The same ten cases are of one cluster of nine: no proof, however many they are."""
    candidate, baseline = run(lambda at: float(at % 9 > 0), 9), run(lambda _: 1.0, 9)

    found = compare(candidate, baseline, gate(), 0, 500)

    assert (found.verdict, found.metrics[0].p_value, found.metrics[0].clusters) == ("INCONCLUSIVE", 0.5, 9)


def test_a_slice_is_a_row_of_its_own_and_the_tests_are_corrected_for_one_another() -> None:
    """Only multi-hop questions got worse."""
    candidate = run(lambda at: float(at % 3 > 0 or at % 2))
    found = compare(candidate, ALWAYS, gate({**NO_WORSE, "slices": ["kind"]}), 0, 500)

    by = rows(found)
    assert [by["correct", name].verdict for name in ("all", "kind=multi-hop", "kind=single")] == ["FAIL", "FAIL", "PASS"]
    assert [by["correct", name].n for name in ("kind=multi-hop", "kind=single")] == [30, 60]
    assert by["correct", "all"].p_adjusted == pytest.approx(3 * (by["correct", "all"].p_value or 0))
    assert found.reason.startswith("correct: worse by 0.167")


def tagged(cases: list[Scored], **tags: Callable[[int], str]) -> list[Scored]:
    """With these metadata alone."""
    return [replace(case, metadata={key: tag(at) for key, tag in tags.items()}) for at, case in enumerate(cases)]


def test_the_primary_metric_is_shown_on_each_value_of_the_metadata_without_a_rule() -> None:
    """Two-sided and uncorrected, after everything else; what the gate makes of it all stays as it was."""
    candidate = run(lambda at: float(at % 3 > 0 or at % 2), token_f1=lambda _: 0.5)

    found = compare(candidate, ALWAYS, gate(), 0, 500)

    slices = [row for row in found.metrics if row.slice != "all"]
    assert [(row.metric, row.slice, row.n) for row in slices] == [("correct", "kind=multi-hop", 30), ("correct", "kind=single", 60)]
    assert list(found.metrics[-2:]) == slices
    assert all(row.rule is row.verdict is row.p_adjusted is None for row in slices)
    assert (slices[0].p_value, slices[0].reason) == (pytest.approx(0.5**15), f"no rule; {MCNEMAR}, two-sided, uncorrected")
    assert found.metrics[0].p_adjusted == found.metrics[0].p_value
    assert [row.slice for row in compare(candidate, None, None, 0, 500).metrics if row.slice != "all"] == ["kind=multi-hop", "kind=single"]


def test_an_id_is_no_slice_nor_is_what_few_or_all_cases_have() -> None:
    """Twenty values at most, ten cases at least; a slice of all cases says nothing new."""
    tags: dict[str, Callable[[int], str]] = {
        "id": str,
        "page": lambda at: str(at % 21),
        "site": lambda _: "one",
        "rare": lambda at: str(at < 9),
    }
    candidate = tagged(OFTEN, **tags)

    found = compare(candidate, ALWAYS, gate(), 0, 500)

    assert [row.slice for row in found.metrics] == ["all", "rare=False"]


def test_of_many_keys_those_with_the_fewest_values_are_shown() -> None:
    """Five, so that a comparison of many cases stays a matter of seconds."""
    candidate = tagged(OFTEN, **{f"k{n}": lambda at, n=n: str(at % n) for n in range(9, 1, -1)})

    found = compare(candidate, ALWAYS, gate(), 0, 500)

    assert [row.slice for row in found.metrics][1:] == [f"k{n}={value}" for n in range(2, 7) for value in range(n)]


def test_a_slice_that_a_rule_asks_for_is_shown_once() -> None:
    """With its verdict."""
    found = compare(OFTEN, OFTEN, gate({**NO_WORSE, "slices": ["kind=single"]}), 0, 500)

    assert [(row.slice, row.rule) for row in found.metrics] == [("all", "no_worse"), ("kind=single", "no_worse"), ("kind=multi-hop", None)]


def test_without_a_gate_every_metric_has_a_difference_and_nothing_a_verdict() -> None:
    """With a two-sided p-value."""
    scores: dict[str, Callable[[int], float | None]] = {"latency_ms": lambda at: at % 7, "confidence": lambda at: at / 90}
    candidate, baseline = run(lambda at: float(at % 9 > 0), **scores), run(lambda _: 1.0, **scores)

    found = compare(candidate, baseline, None, 0, 500)

    whole = [row.metric for row in found.metrics if row.slice == "all"]
    assert whole == ["correct", "aurc", "latency_ms_p50", "latency_ms_p95"]
    assert all(row.difference and row.p_value is not None and row.verdict is row.rule is None for row in found.metrics)
    assert (found.verdict, found.gate, found.metrics[0].p_value) == (None, None, pytest.approx(0.5**10))


def test_a_pair_without_both_scores_is_left_out() -> None:
    """A question that got no answer is no zero, but too many of them fail the gate."""
    candidate = [Scored(one.case_id, one.scores, error=int(one.case_id) < 5) for one in ALWAYS]

    found = compare(candidate, ALWAYS[:-10], gate(), 0, 500)

    assert (found.metrics[0].n, found.metrics[0].verdict, found.verdict) == (75, "PASS", "FAIL")
    assert found.reason.startswith("5 of the candidate's 90 questions got no answer")
    assert found.cases["broken"] == 5


def test_a_ceiling_looks_at_all_cases_of_the_candidate_and_needs_no_baseline() -> None:
    """Also at those that the baseline lacks."""
    ceiling = gate({"metric": "latency_ms_p95", "rule": "at_most", "bound": 80})
    candidate = run(lambda _: 1.0, latency_ms=lambda at: 100.0 if at >= 60 else 10.0)

    with_baseline, alone = compare(candidate, candidate[:60], ceiling, 0, 500), compare(candidate, None, ceiling, 0, 500)

    assert [(each.verdict, each.metrics[0].n) for each in (with_baseline, alone)] == [("FAIL", 90), ("FAIL", 90)]
    assert alone.metrics[0].difference is None
    assert compare(candidate, None, gate(), 0, 500).reason == "correct: there is no baseline to compare with"


def test_a_metric_that_nobody_scored_leaves_its_rule_open() -> None:
    """And so does a slice without cases."""
    found = compare(OFTEN, OFTEN, gate({**NO_WORSE, "metric": "rouge_l"}, {**NO_WORSE, "slices": ["topic"]}), 0, 500)

    assert rows(found)["rouge_l", "all"].reason == "no case has a score for rouge_l"
    assert rows(found)["correct", "topic"].verdict == found.verdict == "INCONCLUSIVE"


def test_a_comparison_is_json_and_equal_every_time() -> None:
    """With the same seed; another seed moves intervals only."""
    noisy = run(lambda _: 1.0, token_f1=lambda at: float(np.random.default_rng(at).uniform()))
    first, again, other = (compare(noisy, OFTEN, gate(), seed, 500).as_json() for seed in (1, 1, 2))

    assert json.loads(json.dumps(first, allow_nan=False)) == json.loads(json.dumps(again))
    assert [row["metric"] for row in first["metrics"] if row["slice"] == "all"] == ["correct", "token_f1"]
    assert first["metrics"][1]["candidate"]["value"] == other["metrics"][1]["candidate"]["value"]
    assert first["gate_sha256"] == gate().sha256
    assert set(first["metrics"][0]) >= {"slice", "n", "clusters", "baseline", "difference", "p_adjusted", "mde", "margin", "reason"}


@pytest.mark.parametrize("cases", [30, 70])
def test_few_cases_are_no_proof_that_a_loss_of_the_margin_is_none(cases: int) -> None:
    """One case in twenty breaks, 200 times: with alpha 0.05 more than 20 false passes would come once in 1,000 such tests."""
    rng = np.random.default_rng(cases)
    losing = ([Scored(str(at), {"correct": float(score)}) for at, score in enumerate(rng.uniform(size=cases) > 0.05)] for _ in range(200))
    passed = [compare(run, ALWAYS[:cases], gate(), 0, 500).verdict == "PASS" for run in losing]

    assert sum(passed) <= stats.binom.ppf(0.999, 200, 0.05)


def test_equal_cases_that_are_too_few_say_how_many_would_decide() -> None:
    """Fifty-nine, if none is worse."""
    found = compare(ALWAYS[:58], ALWAYS[:58], gate(), 0, 500)

    assert (found.verdict, compare(ALWAYS[:59], ALWAYS[:59], gate(), 0, 500).verdict) == ("INCONCLUSIVE", "PASS")
    assert found.reason.endswith("about 59 cases would decide")


def test_a_slice_may_have_a_margin_of_its_own() -> None:
    """The thirty multi-hop questions cannot show what all ninety can."""
    rule = {**NO_WORSE, "slices": ["kind=multi-hop"]}
    narrow, wide = (compare(OFTEN, OFTEN, gate(each), 0, 500) for each in (rule, {**rule, "slice_margin": 0.1}))

    assert [(row.slice, row.margin) for row in wide.metrics if row.rule] == [("all", 0.05), ("kind=multi-hop", 0.1)]
    assert (narrow.verdict, wide.verdict) == ("INCONCLUSIVE", "PASS")


def test_repeats_without_an_answer_are_counted_though_others_have_one() -> None:
    """Of twenty repeats nineteen failed, and the one was right."""
    candidate = [replace(one, failed=0.95) for one in ALWAYS]

    found = compare(candidate, ALWAYS, gate(), 0, 500)

    assert (found.metrics[0].verdict, found.verdict) == ("PASS", "FAIL")
    assert found.reason.startswith("85.5 of the candidate's 90 questions got no answer")


def test_a_baseline_without_answers_is_none() -> None:
    """Nor is one whose repeats failed; a rule about the candidate alone does not need it."""
    lost = [replace(one, error=int(one.case_id) >= 60) for one in ALWAYS]
    partly = [replace(one, failed=0.5) for one in ALWAYS]
    floor = gate({"metric": "correct", "rule": "at_least", "bound": 0.8})
    found = [compare(ALWAYS, baseline, gate(), 0, 500) for baseline in (lost, partly)]

    assert [each.verdict for each in found] == ["INCONCLUSIVE"] * 2
    assert found[0].reason.startswith("30 of the baseline's 90 questions got no answer, more than the 1.0%")
    assert compare(ALWAYS, lost, floor, 0, 500).verdict == "PASS"


def test_runs_of_different_cases_do_not_pass() -> None:
    """Whichever of the two lacks some; what is worse in those that both have fails all the same."""
    ours, theirs = compare(ALWAYS, ALWAYS[:80], gate(), 0, 500), compare(ALWAYS[:80], ALWAYS, gate(), 0, 500)

    assert ours.reason.startswith("the candidate lacks 0 and the baseline 10 of the 90 cases that there are")
    assert theirs.reason.startswith("the candidate lacks 10 and the baseline 0 of the 90 cases")
    assert (ours.verdict, theirs.verdict) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert compare(OFTEN, ALWAYS[:80], gate(), 0, 500).verdict == "FAIL"


def test_a_floor_is_not_kept_by_leaving_cases_out() -> None:
    """A candidate that has a score for 12 of 90, where the baseline has one for 80; what both lack is no loss."""
    floor = gate({"metric": "groundedness", "rule": "at_least", "bound": 0.8}, min_cases=10)
    few, most = (run(lambda _: 1.0, groundedness=lambda at, first=first: 1.0 if at < first else None) for first in (12, 80))

    found = compare(few, most, floor, 0, 500)

    assert (found.verdict, compare(few, few, floor, 0, 500).verdict) == ("INCONCLUSIVE", "PASS")
    assert found.reason.startswith("groundedness: 68 of 80 cases have no score where the baseline has one; of the others: 1.000")
