"""What evidence shows about a rule."""

from typing import Any

import pytest

from services.evaluator.evidence import Evidence, Figure
from services.evaluator.gate import Gate, Kind, Rule
from services.evaluator.metrics.table import metric_of
from services.evaluator.pairs import Slice
from services.evaluator.sampled import Asked
from services.evaluator.significance import Significance
from services.evaluator.statistics.power import Spread
from services.evaluator.verdict import Ask, Ruling, Verdict, lost_too_many, overall, rule_on, too_unlike, unfit_baseline

PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def ask(kind: Kind, limit: float, low: float, high: float, *, metric: str = "correct", p: float = 0.001, **changed: Any) -> Ask:
    """Of 100 cases in 50 clusters, with the difference or the value in the middle of `[low, high]`."""
    figure = Figure((low + high) / 2, low, high)
    rule = Rule(metric=metric, rule=kind, **{"margin" if kind.compares else "bound": limit})
    gate = Gate(name="g", description="d", rules=(rule,), min_cases=50, min_slice_cases=20)
    figures = {"difference": figure} if kind.compares else {"candidate": figure}
    significance = Significance(p, p, 2 * p, "sign-flip test of 50 clusters")
    said: dict[str, Any] = {"n": 100, "clusters": 50, "significance": significance, "spread": Spread(100, 50, 0.02), **figures, **changed}
    return Ask(rule, Evidence(Asked(metric_of(metric), said.pop("slice", Slice()), rule), **said), gate, p, 0.07)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (ask(Kind.NO_WORSE, 0.05, -0.04, 0.02), PASS),
        (ask(Kind.NO_WORSE, 0.05, -0.04, -0.01), PASS),
        (ask(Kind.NO_WORSE, 0.05, -0.08, -0.02), FAIL),
        (ask(Kind.NO_WORSE, 0.05, -0.08, -0.02, p=0.06), OPEN),
        (ask(Kind.NO_WORSE, 0.05, -0.08, 0.01), OPEN),
        (ask(Kind.BETTER, 0.0, 0.01, 0.05), PASS),
        (ask(Kind.BETTER, 0.0, 0.01, 0.05, p=0.06), OPEN),
        (ask(Kind.BETTER, 0.02, 0.01, 0.05), OPEN),
        (ask(Kind.BETTER, 0.0, -0.05, -0.01), FAIL),
        (ask(Kind.AT_LEAST, 0.8, 0.8, 0.9), PASS),
        (ask(Kind.AT_LEAST, 0.8, 0.7, 0.79), FAIL),
        (ask(Kind.AT_LEAST, 0.8, 0.7, 0.9), OPEN),
        (ask(Kind.AT_MOST, 2_000, 900, 1_500, metric="latency_ms_p95"), PASS),
        (ask(Kind.AT_MOST, 2_000, 2_100, 2_500, metric="latency_ms_p95"), FAIL),
        (ask(Kind.AT_MOST, 0.001, 0.0010000000000000005, 0.0010000000000000005, metric="cost_usd"), PASS),
        (ask(Kind.NO_WORSE, 50, 60, 90, metric="latency_ms_p95"), FAIL),
        (ask(Kind.NO_WORSE, 50, -90, 40, metric="latency_ms_p95"), PASS),
        (ask(Kind.BETTER, 0, -90, -40, metric="latency_ms_p95"), PASS),
    ],
)
def test_a_rule_passes_or_fails_only_if_that_is_shown(asked: Ask, verdict: Verdict) -> None:
    """The interval must lie on one side and, for a difference, the test must agree; of latency and cost less is better."""
    assert rule_on(asked).verdict is verdict


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (ask(Kind.NO_WORSE, 0.05, -0.08, 0.02, n=49), "49 cases with a score for correct are too few: the gate wants 50"),
        (
            ask(Kind.NO_WORSE, 0.05, -0.08, 0.02, n=19, slice=Slice("a", "b")),
            "19 cases with a score for correct are too few: the gate wants 20",
        ),
        (ask(Kind.AT_LEAST, 0.8, 0.9, 0.95, n=0), "no case has a score for correct"),
        (ask(Kind.NO_WORSE, 0.05, 0, 0, difference=None), "there is no baseline to compare with"),
        (ask(Kind.NO_WORSE, 0.05, 0, 0, clusters=1), "all 100 cases are of one cluster, which shows no spread"),
    ],
)
def test_too_little_is_no_evidence(asked: Ask, reason: str) -> None:
    """Neither for nor against."""
    assert rule_on(asked) == Ruling(OPEN, reason)


def test_an_open_rule_says_what_could_be_found_and_how_many_cases_would_decide() -> None:
    """The margin is to be told from 0: (1.677 + 0.849)² x 0.03² x 100 / 0.05² cases."""
    reason = rule_on(ask(Kind.NO_WORSE, 0.05, -0.08, 0.02, spread=Spread(100, 50, 0.03))).reason

    assert reason.startswith("neither shown to be within 0.050 of the baseline nor to be worse: worse by 0.030 (-0.080 to +0.020)")
    assert reason.endswith("with 100 cases an effect of 0.070 can be found; about 230 cases would decide")


def test_as_many_cases_are_needed_as_rule_the_margin_out_if_none_is_worse() -> None:
    """Of 59 clusters, which have two cases each here; what has no bounds is not known to lose so much."""
    equal, slow = Spread(100, 50, 0.0), Spread(100, 50, 0.5)
    told = [
        rule_on(ask(Kind.NO_WORSE, 0.05, -0.058, 0.0, spread=equal)).reason,
        rule_on(ask(Kind.NO_WORSE, 1, -9, 9, metric="cost_usd", spread=slow)).reason,
    ]

    assert [reason.rsplit("; ")[-1] for reason in told] == ["about 118 cases would decide", "about 160 cases would decide"]


def test_a_failure_names_its_test() -> None:
    """With both p-values."""
    reason = rule_on(ask(Kind.NO_WORSE, 0.05, -0.08, -0.02)).reason

    assert reason == "worse by 0.050, by 0.020 at least; sign-flip test of 50 clusters, p = 0.001, 0.001 after Holm"


def test_a_small_loss_within_the_margin_passes_and_is_told() -> None:
    """The gate allows it, but nobody is to overlook it."""
    assert (
        rule_on(ask(Kind.NO_WORSE, 0.05, -0.04, -0.02)).reason
        == "worse by at most 0.040, within the margin of 0.050, though worse by 0.030"
    )


def test_a_candidate_cannot_pass_by_having_no_score_where_the_baseline_has_one() -> None:
    """Up to a tenth by default; a failure stays one."""
    passing, failing = (-0.04, 0.02), (-0.08, -0.02)

    assert rule_on(ask(Kind.NO_WORSE, 0.05, *passing, lost=11)).verdict is PASS
    assert rule_on(ask(Kind.NO_WORSE, 0.05, *passing, lost=12)).verdict is OPEN
    assert rule_on(ask(Kind.NO_WORSE, 0.05, *failing, lost=50)).verdict is FAIL


@pytest.mark.parametrize("kind", [Kind.AT_LEAST, Kind.AT_MOST])
def test_a_candidate_keeps_no_bound_by_having_no_score_where_the_baseline_has_one(kind: Kind) -> None:
    """What neither has a score for is as it should be."""
    within = (0.85, 0.95) if kind is Kind.AT_LEAST else (0.65, 0.75)
    beyond = (0.65, 0.75) if kind is Kind.AT_LEAST else (0.85, 0.95)

    assert [rule_on(ask(kind, 0.8, *within, lost=lost)).verdict for lost in (0, 11, 12)] == [PASS, PASS, OPEN]
    assert rule_on(ask(kind, 0.8, *within, lost=12)).reason.startswith(
        "12 of 112 cases have no score where the baseline has one; of the others: 0."
    )
    assert rule_on(ask(kind, 0.8, *beyond, lost=50)).verdict is FAIL


def test_a_gate_fails_if_one_rule_does_and_passes_if_all_do() -> None:
    """What is open leaves it open; the reason is the first one's."""
    good, bad, open_ = (Ruling(verdict, f"it is {verdict}") for verdict in (PASS, FAIL, OPEN))

    assert overall([("a", good), ("b", open_), ("c", bad)], None) == Ruling(FAIL, "c: it is FAIL")
    assert overall([("a", open_), ("b", open_)], None) == Ruling(OPEN, "a: it is INCONCLUSIVE; 2 of 2 rules stay open")
    assert overall([("a", good), ("b", good)], None) == Ruling(PASS, "all 2 rules hold")
    assert overall([("a", good)], None) == Ruling(PASS, "a: it is PASS")


def test_a_gate_fails_if_too_many_questions_got_no_answer() -> None:
    """Whatever the answers to the others are worth."""
    gate = ask(Kind.NO_WORSE, 0.05, 0, 0).gate

    assert lost_too_many(1, 100, gate) is None
    told = lost_too_many(2, 100, gate)
    assert told == "2 of the candidate's 100 questions got no answer, more than the 1.0% that the gate allows"
    assert overall([("a", Ruling(PASS, "fine"))], told) == Ruling(FAIL, told)
    assert lost_too_many(sum([0.05] * 20), 100, gate) is None
    assert (lost_too_many(1.05, 100, gate) or "").startswith("1.1 of the candidate's 100 questions")
    assert lost_too_many(0, 0, gate) == "the candidate has no cases"


def test_nothing_passes_against_a_baseline_that_is_none() -> None:
    """Its errors count as the candidate's do, and so does every case that only one of the two was asked; a failure stays one."""
    gate = ask(Kind.NO_WORSE, 0.05, 0, 0).gate
    broken, partial = unfit_baseline(278, 338, gate), too_unlike(0, 278, 338, gate)

    assert broken == "278 of the baseline's 338 questions got no answer, more than the 1.0% that the gate allows; measure it anew"
    assert partial is not None
    assert partial.startswith("the candidate lacks 278 and the baseline 0 of the 338 cases that there are, more than the 1.0%")
    assert [too_unlike(2, 0, 100, gate) is None, too_unlike(1, 0, 100, gate) is None, unfit_baseline(1, 100, gate) is None] == [
        False,
        True,
        True,
    ]
    assert unfit_baseline(0, 0, gate) == "the baseline has no cases; measure it anew"
    assert overall([("a", Ruling(PASS, "fine"))], None, broken) == Ruling(OPEN, broken)
    assert overall([("a", Ruling(OPEN, "few")), ("b", Ruling(FAIL, "bad"))], None, broken) == Ruling(FAIL, "b: bad")
