"""Two runs compared over HTTP: asked for once, and anew when the answer is of no use any more."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.unit.rag.asked import NOW, InMemoryEvals, got, record
from tests.unit.rag.shelf import TENANT


def two_runs() -> tuple[InMemoryEvals, UUID, UUID, str]:
    """Two completed runs, and where they are compared."""
    one, two = uuid4(), uuid4()
    rows = {run: {"run_id": run, "status": "completed", "dataset": "faq", "fingerprint": "f", "record": record(run)} for run in (one, two)}
    return InMemoryEvals(runs=rows), one, two, f"/compare?candidate={one}&baseline={two}"


async def test_a_comparison_is_asked_for_once() -> None:
    """The same two runs under the same gate are the same evaluation; under another gate they are not."""
    store, one, two, path = two_runs()

    first, again, strict = [await got(store, f"{path}{gate}") for gate in ("", "", "&gate=strict")]

    assert (first.status_code, first.json()["status"]) == (202, "requested")
    assert first.json()["eval_id"] == again.json()["eval_id"] != strict.json()["eval_id"]
    assert [(event.candidate_run, event.baseline_run, event.gate) for event in store.told] == [(one, two, None), (one, two, "strict")]
    assert (await got(store, f"/compare?candidate={one}&baseline={one}")).json()["code"] == "eval_same_variant"
    store.runs[two]["fingerprint"] = "g"
    assert (await got(store, path)).json()["code"] == "eval_other_dataset"


@pytest.mark.parametrize("side", [0, 1], ids=["candidate", "baseline"])
@pytest.mark.parametrize("status", ["running", "failed", "cancelled"])
async def test_a_run_is_compared_when_it_is_completed(side: int, status: str) -> None:
    """Asked too early, nothing is told that would fail and be remembered."""
    store, *runs, path = two_runs()
    store.runs[runs[side]]["status"] = status

    early = await got(store, path)

    assert (early.status_code, early.json()["code"], store.told) == (409, "run_unfinished", [])


@pytest.mark.parametrize(
    ("status", "age", "told"),
    [
        ("failed", timedelta(seconds=50), 1),
        ("failed", timedelta(seconds=70), 2),
        ("cancelled", timedelta(seconds=70), 2),
        ("completed", timedelta(hours=23), 1),
        ("completed", timedelta(hours=25), 2),
    ],
)
async def test_a_comparison_is_renewed(status: str, age: timedelta, told: int) -> None:
    """A failure when whoever asked has seen it; a verdict after a day, so that it can have new receipts."""
    store, *_, path = two_runs()
    first = (await got(store, path)).json()["eval_id"]
    store.rows[TENANT, UUID(first)] |= {"status": status, "completed_at": NOW - age}

    again, same = [(await got(store, path)).json()["eval_id"] for _ in range(2)]

    assert (len(store.told), again == first, same == again) == (told, told == 1, True)
