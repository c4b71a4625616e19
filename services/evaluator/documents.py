"""The documents that a dataset's cases rest on: where searches cannot find them, nobody's answers are worth a verdict."""

from urllib.parse import quote, urlencode

from kit.datasets.load import HUB
from kit.errors import Permanent
from services.evaluator.rag import Rag, readable


async def require_documents(rag: Rag, dataset: str, fingerprint: str, generation: str | None = None) -> int | None:
    """How many there are, all of which can be searched now (in that index generation).

    None if rag does not know: of the hub's sets, and of one whose stored cases cannot be read any more; there nothing is required.
    Raises Permanent `dataset_documents_missing`, or as `Rag.send`.
    """
    if dataset.startswith(HUB):
        return None
    which = {"fingerprint": fingerprint, **({"generation": generation} if generation else {})}
    answer = await rag.send("GET", f"/datasets/{quote(dataset, safe='')}?{urlencode(which)}")
    with readable():
        told = answer.get("documents")
        if not told:
            return None
        gold, missing, example = int(told["gold"]), int(told["missing"]), next(iter(told["examples"]), "one")
    if missing:
        raise _missing(dataset, gold, missing, example, generation)
    return gold


def _missing(dataset: str, gold: int, missing: int, example: str, generation: str | None) -> Permanent:
    where, wait = (f" in the index generation {generation}", ", or wait until that is built") if generation else ("", "")
    told = f"{missing} of the {gold} documents that the cases of {dataset} rest on cannot be searched{where}, such as {example}"
    return Permanent("dataset_documents_missing", f"{told}: run `workbench datasets prepare` with the set{wait}, then evaluate again")
