"""Reports: whoever reads them sees what was found, nothing that users wrote becomes markup, and nothing is fetched."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from tests.unit.workbench.evaluations import case, evaluation, row, side
from workbench.report import plots
from workbench.report.junit import junit
from workbench.report.markdown import markdown, plain
from workbench.report.page import page
from workbench.report.report import Report
from workbench.report.scale import Scale

NASTY = "<script>alert('x')</script> | @all `code` [1](http://evil) \x00"
VOID = {"meta", "br"}


class Checked(HTMLParser):
    """Collects the tags; every one that is opened must be closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def report_of(found: dict[str, Any], *cases: dict[str, Any]) -> Report:
    """With these cases."""
    chosen = {change: [one for one in cases if one["change"] == change] for change in ("broken", "fixed", "changed")}
    return Report(found, "correct", **chosen, drawn=cases)


def nasty() -> Report:
    """Everything that somebody else can write, written by somebody who means ill."""
    broken = case("broken", 1.0, 0.0, question=NASTY, case_id=NASTY, answers=[NASTY], metadata={NASTY: NASTY})
    broken["candidate"]["text"] = NASTY
    return report_of(evaluation(reason=NASTY, hypothesis=NASTY, dataset=NASTY, experiment=NASTY), broken)


def test_a_page_is_well_formed_and_fetches_nothing() -> None:
    """No scripts, no links out, no images: it can be mailed, and opened in ten years."""
    html = page(report_of(evaluation(), case("fixed", 0.0, 1.0), case("broken", 1.0, 0.0)))

    checked = Checked(html)
    assert {tag for tag, _ in checked.tags} & {"script", "link", "img", "iframe", "object"} == set()
    assert not [name for _, attributes in checked.tags for name in attributes if name in ("src", "href", "onload", "onclick")]
    assert "url(" not in html
    assert "@import" not in html


def test_nothing_that_users_wrote_becomes_markup() -> None:
    """Neither in HTML, nor in Markdown, nor in XML."""
    made = nasty()

    assert "<script" not in page(made)
    Checked(page(made))
    text = markdown(made)
    assert "<script" not in text
    assert "@all" not in text
    assert r"\[1\]" in text
    fromstring(junit(evaluation(row("correct", 0.5, 0.6, rule="better", margin=0.0, verdict="FAIL", reason=NASTY))))


def test_a_page_says_the_verdict_why_and_what_broke() -> None:
    """In words as well as in colours and drawings."""
    html = page(report_of(evaluation(), case("fixed", 0.0, 1.0), case("broken", 1.0, 0.0)))

    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    for said in (
        "PASS",
        "correct: better at all",
        "Which one is broken?",
        "▲ better",
        "+0.110 [+0.090, +0.130]",
        "default@1 against previous@1",
    ):
        assert said in words
    assert [attributes["role"] for tag, attributes in Checked(html).tags if tag == "svg"] == ["img"]


def test_a_page_of_a_run_alone_shows_its_metrics() -> None:
    """No baseline, no gate, no comparison."""
    alone = evaluation(baseline=None, baseline_run=None, baseline_variant=None, gate=None, verdict=None, comparison=None)
    alone["candidate"]["metrics"] = [{"metric": "recall@5", **side(0.9), "n": 150, "clusters": 4, "unscored": 0}]

    html = page(Report(alone, "correct"))

    Checked(html)
    assert "MEASURED" in html
    assert "0.900 [0.850, 0.950]" in html
    assert "| recall@5 | 150 | 0.900 [0.850, 0.950] |" in markdown(Report(alone, "correct"))


def test_what_is_drawn_to_the_right_is_better() -> None:
    """Of latency, less is; of two times, the gate's line is to the left of nothing."""
    slower = row("latency_ms_p95", 50.0, 40.0, higher_is_better=False, difference={"value": 10.0, "low": 5.0, "high": 15.0})
    worse = row("recall@5", 0.7, 0.8, rule="no_worse", margin=0.02)

    (_, scores), (_, times) = plots.forests(evaluation(slower, worse))

    assert times.marks[0].low < times.marks[0].at < times.marks[0].high < times.zero
    assert (times.marks[0].tone, scores.marks[0].tone) == ("worse", "worse")
    assert scores.marks[0].limit is not None
    assert scores.marks[0].at < scores.marks[0].limit < scores.zero


def sliced() -> dict[str, Any]:
    """All cases and two kinds of them, which no rule asks about."""
    kinds = [row("correct", 0.9, 0.7, slice="kind=fact", n=90), row("correct", 0.6, 0.7, slice="kind=multi-hop", n=60)]
    return evaluation(
        row("correct", 0.8, 0.7, rule="better", margin=0.0, verdict="PASS", reason="better"), row("token_f1", 0.4, 0.4), *kinds
    )


def test_slices_are_drawn_though_no_rule_asks_for_them() -> None:
    """A line for all cases and one for each slice; a pull request has what the gate asks."""
    drawn = plots.slices(sliced(), "correct")

    assert drawn is not None
    assert [(pair.label, pair.under) for pair in drawn.pairs] == [("all", "n = 150"), ("kind=fact", "n = 90"), ("kind=multi-hop", "n = 60")]
    html = page(report_of(sliced()))
    Checked(html)
    assert '<h2 id="slices">By slice</h2>' in html
    assert "kind=multi" not in markdown(report_of(sliced()))
    assert '<h2 id="slices">' not in page(report_of(evaluation()))


def test_a_page_says_the_level_of_its_intervals_and_what_the_test_shows() -> None:
    """Both are the gate's alpha, not always 0.05."""
    found = evaluation(row("token_f1", 0.8, 0.7, p_value=0.04))
    strict = evaluation(row("token_f1", 0.8, 0.7, p_value=0.04))
    strict["comparison"]["alpha"] = 0.01

    pages = [page(report_of(each)) for each in (found, strict)]

    assert ["95 % interval" in html for html in pages] == [True, False]
    assert ["99 % interval" in html for html in pages] == [False, True]
    assert [plots.forests(each)[0][1].marks[0].tone for each in (found, strict)] == ["better", "even"]
    assert ["▲" in markdown(report_of(each)) for each in (found, strict)] == [True, False]


def test_where_both_agree_is_counted_only_if_scores_are_right_or_wrong() -> None:
    """A share of a score is neither."""
    cases = [case("fixed", 0.0, 1.0), case("fixed", 0.0, 1.0), case("broken", 1.0, 0.0), case("same", 1.0, 1.0), case("same", None, 1.0)]

    assert plots.agreement(cases) == {"both": 1, "fixed": 2, "broken": 1, "neither": 0}
    assert plots.agreement([*cases, case("fixed", 0.2, 0.4)]) is None


def test_a_scale_has_round_ticks_and_holds_what_it_is_for() -> None:
    """Nothing is drawn beyond its ends."""
    scale = Scale.around([0.17, -0.055], 0.0, 100.0)

    assert [round(value, 3) for value, _ in scale.ticks()] == [-0.05, 0.0, 0.05, 0.1, 0.15]
    assert (scale.at(-9.0), scale.at(9.0)) == (0.0, 100.0)


def test_junit_has_a_case_for_the_gate_itself() -> None:
    """All rules hold and it fails all the same: too many questions got no answer, and a build server must not show that as green."""
    lost = "5 of the candidate's 90 questions got no answer"
    rows = [row("correct", 0.8, 0.7, rule="better", margin=0.0, verdict="PASS")]

    suite = fromstring(junit(evaluation(*rows, verdict="FAIL", reason=lost))).find("testsuite")

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "1", "0", "0"]
    assert [(one.get("type"), one.get("message")) for one in suite.iter("failure")] == [("gate", lost)]
    assert [one.get("name") for one in suite.findall("testcase")] == ["verdict of default", "correct: better"]


def test_junit_has_a_case_for_each_rule_on_each_slice() -> None:
    """FAIL is a failure, INCONCLUSIVE is skipped, a metric without a rule is none."""
    ruled = {"rule": "better", "margin": 0.0}
    rows = [
        row("correct", 0.8, 0.7, **ruled, verdict="PASS"),
        row("correct", 0.6, 0.7, **ruled, verdict="FAIL", reason="worse", slice="kind=fact"),
        row("recall@5", 0.7, 0.7, **ruled, verdict="INCONCLUSIVE", reason="too few cases"),
        row("token_f1", 0.4, 0.4),
    ]

    suite = fromstring(junit(evaluation(*rows, verdict="FAIL", reason="correct of kind=fact: worse"))).find("testsuite")

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "2", "0", "1"]
    ruled = suite.findall("testcase")[1:]
    assert [one.get("name") for one in ruled] == ["correct: better", "correct [kind=fact]: better", "recall@5: better"]
    assert [told.get("message") for one in ruled for told in one if told.tag in ("failure", "skipped")] == ["worse", "too few cases"]


@pytest.mark.parametrize("text", ["a | b", "# a", "* a", "1\n2", "<b>", "a_b_c", "[x](y)"])
def test_plain_text_formats_nothing(text: str) -> None:
    """On one line, with every mark escaped."""
    made = plain(text)

    assert "\n" not in made
    assert not re.search(r"(?<!\\)[|#*_\[\]<>]", made)
