"""Evaluations over HTTP: what is sent, how cases are paged, and how one is followed to its end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kit.clock import FakeClock
from tests.unit.workbench.evaluations import BASE, EVAL, RUN, Workbench, evaluation
from workbench.client import Client
from workbench.evals import followed
from workbench.figures import difference, interval, level, moved, number, rule, signed
from workbench.receipts import write_receipts
from workbench.verdicts import NoVerdict, Verdict, require_completed, verdict_of

ClientOf = Callable[[Any], Client]


async def test_an_evaluation_is_followed_until_it_has_ended(client_of: ClientOf) -> None:
    """Every look is told, the last one is given."""
    seen: list[str] = []

    found = await followed(client_of(Workbench(evaluation(), looks=4)).evals(), EVAL, FakeClock(), lambda one: seen.append(one["status"]))

    assert seen == ["running", "running", "running", "completed"]
    assert found["verdict"] == "PASS"


async def test_only_what_is_given_is_asked(client_of: ClientOf) -> None:
    """A comparison without a gate says nothing of gates."""
    workbench = Workbench(evaluation())
    evals = client_of(workbench).evals()

    await evals.compare(RUN, BASE, None)
    await evals.compare(RUN, BASE, "strict")

    assert [body for _, _, body in workbench.asked] == [
        {"candidate": RUN, "baseline": BASE},
        {"candidate": RUN, "baseline": BASE, "gate": "strict"},
    ]


async def test_cases_are_read_page_by_page_up_to_what_is_wanted(client_of: ClientOf) -> None:
    """The next page starts after the last case of this one."""
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        first = int(request.url.params.get("after", -1)) + 1
        cases = [{"ordinal": at} for at in range(first, first + int(request.url.params["limit"]))]
        return httpx.Response(200, json={"metric": "correct", "cases": cases, "next": cases[-1]["ordinal"]})

    found = await client_of(answer).evals().cases(EVAL, "broken", 700)

    assert [case["ordinal"] for case in found["cases"]] == list(range(700))
    assert asked == [{"change": "broken", "limit": "500"}, {"change": "broken", "limit": "200", "after": "499"}]


@pytest.mark.parametrize(("word", "code"), [("PASS", 0), ("FAIL", 1), ("INCONCLUSIVE", 2)])
def test_a_verdict_is_an_exit_code(word: str, code: int) -> None:
    """0, 1 and 2."""
    verdict = verdict_of(evaluation(verdict=word))

    assert verdict is Verdict(word)
    assert verdict.exit_code == code


def test_what_has_no_outcome_has_no_verdict() -> None:
    """It failed, or was cancelled, or a newer service says what is not known here."""
    failed = evaluation(status="failed", error={"code": "gate_unknown", "message": "there is no gate x"})

    with pytest.raises(NoVerdict, match=r"has failed: there is no gate x"):
        require_completed(failed)
    with pytest.raises(NoVerdict, match="has cancelled: it was cancelled"):
        require_completed(evaluation(status="cancelled"))
    with pytest.raises(NoVerdict, match="'PERHAPS', which this release does not know"):
        verdict_of(evaluation(verdict="PERHAPS"))
    assert verdict_of(evaluation(verdict=None)) is None


def test_figures_are_in_their_own_units() -> None:
    """Scores, milliseconds, dollars; a minus is a minus, and nothing has no sign."""
    assert [number("correct", 0.8125), number("latency_ms_p95", 41.4), number("latency_ms_p50", 1.25), number("correct", None)] == [
        "0.812", "41 ms", "1.2 ms", "—"
    ]  # fmt: skip
    assert [number("cost_usd", value) for value in (0, 1.5, 0.0042, 0.000012)] == ["$0.00", "$1.50", "$0.0042", "$0.000012"]
    assert [signed("correct", value) for value in (0.03, -0.03, 0.0, 0.0001)] == ["+0.030", "−0.030", "0.000", "0.000"]
    assert interval("correct", {"value": 0.8, "low": 0.7, "high": 0.9}) == "0.800 [0.700, 0.900]"
    assert interval("aurc", {"value": 0.1, "low": None, "high": None}) == "0.100"
    assert [signed("latency_ms_p95", value) for value in (-20_930.0, 999.6)] == ["−20.9 s", "+1000 ms"]
    assert difference("latency_ms_p95", {"value": 12.0, "low": -3.0, "high": 27.0}) == "+12 ms [−3.0 ms, +27 ms]"


def test_better_and_worse_know_which_way_is_up() -> None:
    """More latency is worse; an interval around nothing shows neither."""
    up, around = {"value": 2.0, "low": 1.0, "high": 3.0}, {"value": 0.1, "low": -1.0, "high": 1.2}

    assert moved({"difference": up, "higher_is_better": True}, 0.05) == "better"
    assert moved({"difference": up, "higher_is_better": False}, 0.05) == "worse"
    assert moved({"difference": around, "higher_is_better": True}, 0.05) is None


@pytest.mark.parametrize(
    ("rule", "up", "p", "adjusted", "shown"),
    [
        (None, True, 0.04, None, "better"),
        (None, True, 0.06, None, None),
        ("at_least", True, 0.06, None, None),
        ("at_most", False, 0.04, None, "worse"),
        ("no_worse", True, 0.96, 1.0, "better"),
        ("no_worse", True, 0.94, 1.0, None),
        ("better", False, 0.02, 0.04, "worse"),
        ("better", False, 0.02, 0.06, None),
        ("better", False, 0.04, None, "worse"),
    ],
)
def test_the_test_must_agree_with_the_interval(rule: str | None, up: bool, p: float, adjusted: float | None, shown: str | None) -> None:
    """Two-sided where no rule is about the difference; elsewhere p is that of being worse, and a loss counts after the correction."""
    ends = {"value": 2.0, "low": 1.0, "high": 3.0} if up else {"value": -2.0, "low": -3.0, "high": -1.0}
    figures = {"difference": ends, "higher_is_better": True, "rule": rule, "p_value": p, "p_adjusted": adjusted}

    assert moved(figures, 0.05) == shown


def test_alpha_is_the_comparison_s() -> None:
    """What is shown at 0.1 is not at 0.01, and the level is told."""
    found = {"difference": {"value": 2.0, "low": 1.0, "high": 3.0}, "higher_is_better": True, "p_value": 0.04}

    assert [moved(found, alpha) for alpha in (0.1, 0.01)] == ["better", None]
    assert [level({"comparison": {"alpha": alpha}}) for alpha in (0.1, 0.05, 0.025, 0.001)] == ["90 %", "95 %", "97.5 %", "99.9 %"]
    assert level({"comparison": None}) == "95 %"


async def test_an_id_is_one_part_of_a_path_whatever_was_typed(client_of: ClientOf) -> None:
    """No slash and no question mark leads elsewhere."""
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={"metric": "correct", "cases": [], "next": None})

    evals = client_of(answer).evals()
    for call in (evals.get, evals.cancel, evals.record, evals.cases):
        await call("../keys?x")

    assert [path.removeprefix(b"/evals/..%2Fkeys%3Fx") for path in paths] == [b"", b"/cancel", b"/record", b"/cases?change=all&limit=500"]


def test_a_rule_is_told_in_words() -> None:
    """With its margin in the metric's unit."""
    rules = [("no_worse", 0.02), ("better", 0.0), ("better", 0.01), ("at_least", 0.9)]

    told = [rule({"metric": "correct", "rule": name, "margin": margin}) for name, margin in rules]

    assert told == ["no worse by more than 0.020", "better", "better by more than 0.010", "at least 0.900"]
    assert rule({"metric": "latency_ms_p95", "rule": "at_most", "margin": 250.0}) == "at most 250 ms"


def test_each_receipt_is_a_file_of_its_own(tmp_path: Any) -> None:
    """As `--receipt` of `prompts label` and `variants label` reads them; none at all is an error."""
    receipts = [{"kind": kind, "name": "n", "version": "1", "sha256": "0", "signed": {"key_id": kind}} for kind in ("variant", "prompt")]

    files = write_receipts({"receipts": receipts}, tmp_path / "out" / "receipt.json")

    assert [file.name for file in files] == ["receipt.variant.json", "receipt.prompt.json"]
    assert files[0].read_text() == '{\n  "key_id": "variant"\n}\n'
    with pytest.raises(Exception, match="no gate gave a verdict"):
        write_receipts({"receipts": [], "comparison": {"no_receipt": "no receipt: no gate gave a verdict"}}, tmp_path / "r.json")
