"""Which evaluation answers when two runs are compared again."""

from uuid import UUID, uuid4

from contracts.evals import EvalRequestedV1
from services.rag.eval_store import EvalStore
from services.rag.store import Store
from tests.integration.conftest import OpenEffects

ONE, TWO = uuid4(), uuid4()


def comparison(candidate: UUID = ONE, baseline: UUID = TWO, gate: str | None = None) -> EvalRequestedV1:
    """A request to compare these runs."""
    runs = {"candidate_run": candidate, "baseline_run": baseline}
    return EvalRequestedV1(eval_id=uuid4(), dataset="faq", candidate="b@1", gate=gate, **runs)


async def test_the_newest_comparison_of_the_same_runs_under_the_same_gate_is_found(open_effects: OpenEffects) -> None:
    """Neither one the other way round, nor one of another gate or tenant."""
    await open_effects("evaluator")
    evals = EvalStore(Store(await open_effects("rag")))
    asked = [comparison(), comparison(), comparison(gate="strict"), comparison(TWO, ONE)]
    for event in asked:
        await evals.add("default", event)
    await evals.add("other", comparison())

    found = [await evals.compared("default", runs, gate) for runs, gate in (((ONE, TWO), None), ((ONE, TWO), "strict"), ((TWO, ONE), None))]

    assert found == [event.eval_id for event in asked[1:]]
    assert await evals.compared("default", (ONE, TWO), "lax") is None
