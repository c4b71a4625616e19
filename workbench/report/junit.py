"""A verdict as JUnit XML: a test case for the gate itself, and one for each rule of it on each slice.

FAIL is a `failure`. INCONCLUSIVE is `skipped`: there was too little to tell, so it neither failed nor passed, and a build server shows it
in a colour of its own; whether such a build may go on is decided by the command's exit code 2, which servers can map. The gate's own case
is for what no rule says: that too many questions got no answer.
"""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from workbench import figures
from workbench.evals import Json
from workbench.verdicts import Verdict

_SUITE = "workbench.gate"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: Json) -> str:
    """The document. Its counts are those of its test cases."""
    ruled = [row for row in figures.rows(found) if row.get("rule")]
    verdicts = [found["verdict"], *(row.get("verdict") for row in ruled)]
    counts = {
        "tests": len(verdicts),
        "failures": verdicts.count(Verdict.FAIL),
        "errors": 0,
        "skipped": verdicts.count(Verdict.INCONCLUSIVE),
    }
    told = {name: str(count) for name, count in counts.items()}
    suites = Element("testsuites", told)
    suite = SubElement(suites, "testsuite", {"name": _text(f"{_SUITE}.{found['gate']}"), "timestamp": found["requested_at"][:19], **told})
    _properties(suite, found)
    _case(suite, f"verdict of {found['gate']}", "gate", found)
    for row in ruled:
        _ruled(suite, row)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _properties(suite: Element, found: Json) -> None:
    properties = SubElement(suite, "properties")
    told = {
        "verdict": found["verdict"],
        "reason": found["reason"],
        "eval_id": found["eval_id"],
        "candidate": figures.named(found["candidate"]),
        "baseline": figures.named(found["baseline"]),
        "dataset": found["dataset"],
        "fingerprint": found["fingerprint"],
    }
    for name, value in told.items():
        SubElement(properties, "property", {"name": name, "value": _text(value)})


def _ruled(suite: Element, row: Json) -> None:
    name = row["metric"] if row["slice"] == figures.ALL else f"{row['metric']} [{row['slice']}]"
    case = _case(suite, f"{name}: {figures.rule(row)}", row["rule"], row)
    SubElement(case, "system-out").text = _figures(row)


def _case(suite: Element, name: str, kind: str, judged: Json) -> Element:
    """With the verdict and the reason of what was judged."""
    case = SubElement(suite, "testcase", {"name": _text(name), "classname": _SUITE, "time": "0"})
    reason = _text(judged.get("reason"))
    if judged.get("verdict") == Verdict.FAIL:
        SubElement(case, "failure", {"type": _text(kind), "message": reason})
    elif judged.get("verdict") == Verdict.INCONCLUSIVE:
        SubElement(case, "skipped", {"message": reason})
    return case


def _figures(row: Json) -> str:
    metric = row["metric"]
    sides = [f"{name} {figures.interval(metric, row[name])}" for name in ("candidate", "baseline")]
    return _text(", ".join([*sides, f"difference {figures.difference(metric, row['difference'])}", f"n {row['n']}"]))


def _text(value: object) -> str:
    """Without the characters that no XML may have."""
    return _FORBIDDEN.sub("\ufffd", "" if value is None else str(value))
