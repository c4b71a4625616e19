"""The leaderboard: the best first, and who may be as good."""

from typing import Any

from services.evaluator.leaderboard import Contender, board
from services.evaluator.scored import Scored
from tests.unit.evaluator.runs import run


def contender(variant: str, right: int, cases: int = 100, unscored: int = 0, cluster: str | None = None, **changed: Any) -> Contender:
    """A variant that had the first so many of its cases right; its last ones got no answer."""
    scored = [
        Scored(f"q{number}", {"correct": float(number < right)}, cluster=cluster, error=number >= cases - unscored)
        for number in range(cases)
    ]
    n = cases - unscored
    metrics = [{"metric": "correct", "value": right / n, "low": 0.0, "high": 1.0, "n": n}, {"metric": "aurc", "value": 0.1}]
    record = {"cases": cases, "errors": unscored, "metrics": metrics, **changed}
    return Contender(run(variant, number=ord(variant), **record), scored)


def places(*contenders: Contender) -> list[tuple[str, int, bool]]:
    """Variant, rank, and whether it is tied for first."""
    return [(entry["variant"], entry["rank"], entry["tied_for_first"]) for entry in board(contenders)["entries"]]


def test_runs_are_ranked_and_the_first_shares_its_place_with_whoever_may_be_as_good() -> None:
    """Two cases of a hundred are chance, thirty are not."""
    ranked = places(contender("c", 50), contender("a", 78), contender("b", 80))

    assert ranked == [("variant-b@2", 1, True), ("variant-a@2", 2, True), ("variant-c@2", 3, False)]


def test_cases_of_one_cluster_are_one_observation() -> None:
    """Thirty questions about one paragraph prove nothing together."""
    ranked = places(contender("a", 80, cluster="same"), contender("b", 50, cluster="same"))

    assert ranked == [("variant-a@2", 1, True), ("variant-b@2", 2, True)]


def test_many_rivals_make_a_chance_difference_likelier() -> None:
    """Seven of a hundred, all one way, are significant alone (p = 0.016), and not among four such (Holm: 0.0625)."""
    alone = places(contender("a", 80), contender("b", 73))
    among = places(contender("a", 80), *(contender(other, 73) for other in "bcde"))

    assert [tied for _, _, tied in alone] == [True, False]
    assert [(rank, tied) for _, rank, tied in among] == [(1, True), *[(2, True)] * 4]


def test_of_equals_the_cheaper_comes_first_and_they_share_a_rank() -> None:
    """Whose cost is unknown comes last."""
    ranked = places(contender("a", 80), contender("b", 80, cost_usd=0.2), contender("c", 80, cost_usd=0.1))

    assert ranked == [("variant-c@2", 1, True), ("variant-b@2", 1, True), ("variant-a@2", 1, True)]


def test_a_run_over_fewer_cases_is_not_ranked() -> None:
    """Ten lucky cases are no lead; nor is a run without the metric."""
    ranked = places(contender("a", 10, cases=10), contender("b", 80), contender("c", 80, metrics=[]))

    assert ranked == [("variant-b@2", 1, True)]


def test_a_run_that_lost_its_hard_questions_is_not_ranked() -> None:
    """What is left may be the easy ones; one in a hundred is nothing."""
    ranked = places(contender("a", 80, unscored=20), contender("b", 80), contender("c", 80, unscored=1))

    assert ranked == [("variant-c@2", 1, True), ("variant-b@2", 2, True)]


def test_an_entry_has_the_figures_and_tells_of_questions_without_answers() -> None:
    """Compared over those that both answered."""
    entry, _ = board([contender("a", 99, unscored=1), contender("b", 80)])["entries"]

    assert (entry["variant"], entry["value"], entry["n"], entry["errors"], entry["cost_usd"]) == ("variant-a@2", 1.0, 99, 1, None)
    assert entry["metrics"] == {"correct": {"value": 1.0, "low": 0.0, "high": 1.0}, "aurc": {"value": 0.1, "low": None, "high": None}}


def test_without_runs_a_board_is_empty() -> None:
    """And says by what it would rank."""
    assert board([]) == {"metric": "correct", "entries": []}
