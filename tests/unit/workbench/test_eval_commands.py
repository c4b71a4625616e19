"""`workbench eval` and `workbench gate` as a build server sees them: exit codes, files, and what is asked of the service."""

import json
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.unit.workbench.evaluations import BASE, EVAL, RUN, Workbench, case, evaluation, row
from tests.unit.workbench.test_command_line import run

Run = Callable[..., int | str | None]
CASES = (case("fixed", 0.0, 1.0), case("broken", 1.0, 0.0))


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path) -> Iterator[None]:
    with chdir(tmp_path):
        yield


@contextmanager
def served(workbench: Workbench) -> Iterator[Run]:
    """The command line with this workbench's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = workbench(httpx.Request(self.command, f"http://x{self.path}", content=body))
            self.send_response(answer.status_code)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815 - the name that the base class calls

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield lambda *arguments: run(*arguments, "--url", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def compared(*arguments: str, **fields: Any) -> int | str | None:
    """`eval run` with a baseline, against a workbench whose evaluation ends so."""
    with served(Workbench(evaluation(**fields), CASES)) as command:
        return command("eval", "run", "--dataset", "handbook_qa", "--baseline", "previous", *arguments)


@pytest.mark.parametrize(("verdict", "code"), [("PASS", 0), ("FAIL", 1), ("INCONCLUSIVE", 2), (None, 0)])
def test_the_exit_code_is_the_verdict(verdict: str | None, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """And without a verdict there is nothing against going on."""
    assert compared(verdict=verdict) == code
    shown = capsys.readouterr().out
    assert all(figure in shown for figure in ("0.820", "[0.770, 0.870]", "▲ +0.110", "[+0.090, +0.130]"))


def test_an_evaluation_that_fails_exits_5(capsys: pytest.CaptureFixture[str]) -> None:
    """Which no build server can take for a verdict."""
    code = compared(status="failed", verdict=None, error={"code": "gate_unknown", "message": "there is no gate x"})

    assert code == 5
    assert "there is no gate x" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["gate", "--run", RUN], ["eval", "run"], ["gate", "--run", RUN, "--baseline", BASE, "--colour"]])
def test_a_wrong_command_line_is_no_verdict(arguments: list[str]) -> None:
    """Elsewhere it exits 2, which here would say INCONCLUSIVE."""
    assert run(*arguments) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-wait", "--report", "r.html"], "--report needs the outcome"),
        (["--gate", "strict", "--no-gate"], "exclude each other"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither is silently ignored."""
    assert compared(*arguments) == 5
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def test_a_file_goes_into_a_folder_that_is_made(tmp_path: Path) -> None:
    """As a receipt does."""
    with served(Workbench(evaluation(), CASES)) as command:
        assert command("gate", "--run", RUN, "--baseline", BASE, "--junit", "a/g.xml", "--markdown", "b/c/g.md") == 0
        assert command("eval", "record", EVAL, "--out", "d/r.json") == 0
    assert compared("--report", "e/r.html") == 0

    assert all((tmp_path / name).is_file() for name in ("a/g.xml", "b/c/g.md", "d/r.json", "e/r.html"))


@pytest.mark.parametrize("file", ["--junit", "--markdown"])
def test_a_file_that_cannot_be_written_is_no_verdict(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 would say FAIL of a run that passes."""
    (tmp_path / "no-folder").touch()
    with served(Workbench(evaluation(), CASES)) as command:
        assert command("gate", "--run", RUN, "--baseline", BASE, file, "no-folder/g") == 5
    assert compared("--report", "no-folder/r.html") == 5

    assert "no-folder/g cannot be written" in " ".join(capsys.readouterr().err.split())


def test_a_file_that_cannot_be_looked_for_is_no_verdict() -> None:
    """Its name is longer than any system takes."""
    assert run("gate", "--run", RUN, "--baseline", "b" * 5_000) == 5


def test_silence_is_no_verdict() -> None:
    """Nobody listens; and where no stack runs has a code of its own."""
    assert run("gate", "--run", RUN, "--baseline", BASE, "--url", "http://127.0.0.1:1") == 5
    assert run("gate", "--run", RUN, "--baseline", BASE) == 3


def test_a_run_asks_for_what_was_said_and_waits() -> None:
    """With a baseline the gate is `default`; what was not said is left to the service."""
    workbench = Workbench(evaluation(), CASES, looks=3)
    with served(workbench) as command:
        command(
            "eval",
            "run",
            "--dataset",
            "handbook_qa",
            "--variant",
            "new@2",
            "--baseline",
            "previous",
            "--hypothesis",
            "h",
            "--budget",
            "1.5",
        )

    method, path, body = workbench.asked[0]
    assert (method, path) == ("POST", "/evals")
    asked = {"dataset": "handbook_qa", "candidate": "new@2", "baseline": "previous", "gate": "default", "hypothesis": "h"}
    assert body == {**asked, "budget_usd": 1.5, "repeats": 1, "seed": 0}
    assert [path for _, path, _ in workbench.asked[1:]] == [f"/evals/{EVAL}"] * 3


@pytest.mark.parametrize("arguments", [["--no-gate"], []])
def test_no_gate_is_asked_without_a_baseline_or_if_none_is_wanted(arguments: list[str]) -> None:
    """Figures alone."""
    workbench = Workbench(evaluation(verdict=None, gate=None), CASES)
    with served(workbench) as command:
        code = command("eval", "run", "--dataset", "d", *(["--baseline", "previous", *arguments] if arguments else []))

    assert code == 0
    assert "gate" not in workbench.asked[0][2]


def test_a_gate_writes_what_a_build_server_keeps(tmp_path: Path) -> None:
    """JUnit, Markdown, a file for each receipt."""
    receipt = {"kind": "variant", "name": "default", "version": "1", "sha256": "a" * 64, "signed": {"key_id": "k"}}
    files = ["--junit", "junit.xml", "--markdown", "gate.md", "--receipt", "receipt.json"]
    with served(Workbench(evaluation(verdict="FAIL", receipts=[receipt]), CASES)) as command:
        code = command("gate", "--run", RUN, "--baseline", BASE, *files)

    assert code == 1
    assert (tmp_path / "junit.xml").read_text().startswith("<?xml")
    assert (tmp_path / "gate.md").read_text().startswith("### ❌ FAIL: default@1 against previous@1")
    assert json.loads((tmp_path / "receipt.variant.json").read_text()) == {"key_id": "k"}


@pytest.mark.parametrize(("verdict", "code"), [("PASS", 5), ("FAIL", 1), ("INCONCLUSIVE", 2)])
def test_only_a_pass_must_have_a_receipt(verdict: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one it moves no label; what would move none anyway keeps its verdict, and why there is no receipt is told."""
    found = evaluation(verdict=verdict)
    found["comparison"]["no_receipt"] = "no receipt: one of the runs was not measured here"
    with served(Workbench(found, CASES)) as command:
        assert command("gate", "--run", RUN, "--baseline", BASE, "--receipt", "r.json") == code

    shown = capsys.readouterr()
    assert "no receipt: one of the runs was not measured here" in " ".join((shown.out + shown.err).split())


def test_a_gate_takes_a_recorded_run_for_a_baseline(tmp_path: Path) -> None:
    """The file says of which dataset it is."""
    workbench = Workbench(evaluation(), CASES)
    with served(workbench) as command:
        command("eval", "record", EVAL, "--out", "baseline.json")
        code = command("gate", "--run", RUN, "--baseline", "baseline.json", "--gate", "strict")

    body = next(body for method, path, body in workbench.asked if (method, path) == ("POST", "/evals"))
    assert code == 0
    assert (body["dataset"], body["candidate_run"], body["gate"]) == ("handbook_qa", RUN, "strict")
    assert body["baseline_record"] == json.loads((tmp_path / "baseline.json").read_text())


def test_a_report_is_written_in_three_forms(tmp_path: Path) -> None:
    """A page, Markdown, JSON; without a file there is nothing to do."""
    with served(Workbench(evaluation(), CASES)) as command:
        assert command("eval", "report", EVAL, "--html", "r.html", "--markdown", "r.md", "--json", "r.json") == 0
        assert command("eval", "report", EVAL) == 2

    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert "### ✅ PASS" in (tmp_path / "r.md").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["counts"] == {"fixed": 1, "broken": 1, "changed": 0, "same": 0}


def test_slices_are_shown_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """One that a rule asks about is shown anyway."""
    ruled = row("correct", 0.6, 0.7, slice="kind=fact", rule="better", margin=0.0, verdict="FAIL")
    found = evaluation(row("correct", 0.8, 0.7), ruled, row("correct", 0.6, 0.7, slice="kind=why"))

    shown = []
    with served(Workbench(found, CASES)) as command:
        for arguments in ([], ["--slices"]):
            assert command("eval", "show", EVAL, *arguments) == 0
            shown.append(capsys.readouterr().out)

    assert ["[kind=fact]" in text for text in shown] == [True, True]
    assert ["[kind=why]" in text for text in shown] == [False, True]


def test_cases_are_shown_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that broke, unless told otherwise."""
    with served(Workbench(evaluation(), CASES)) as command:
        command("eval", "cases", EVAL)

    shown = capsys.readouterr().out
    assert "Which one is broken?" in shown
    assert "The baseline says 1.0." in shown
    assert "Which one is fixed?" not in shown
