"""The documents that a dataset's cases rest on: where searches cannot find them, nobody's answers are worth a verdict."""

from urllib.parse import quote, urlencode

from kit.datasets.load import HUB
from kit.errors import Permanent
from services.evaluator.rag import Rag


async def require_documents(rag: Rag, dataset: str, fingerprint: str, generation: str | None = None) -> None:
    """Of the hub's sets rag does not know them, nor of one whose stored cases cannot be read any more: there nothing is required.

    Raises Permanent `dataset_documents_missing` if some cannot be searched now (in that index generation), or as `Rag.send`.
    """
    if dataset.startswith(HUB):
        return
    which = {"fingerprint": fingerprint, **({"generation": generation} if generation else {})}
    told = (await rag.send("GET", f"/datasets/{quote(dataset, safe='')}?{urlencode(which)}")).get("documents")
    if told and told["missing"]:
        raise _missing(dataset, told["gold"], told["missing"], told["examples"][0], generation)


def _missing(dataset: str, gold: int, missing: int, example: str, generation: str | None) -> Permanent:
    where, wait = (f" in the index generation {generation}", ", or wait until that is built") if generation else ("", "")
    told = f"{missing} of the {gold} documents that the cases of {dataset} rest on cannot be searched{where}, such as {example}"
    return Permanent("dataset_documents_missing", f"{told}: run `workbench datasets prepare` with the set{wait}, then evaluate again")
