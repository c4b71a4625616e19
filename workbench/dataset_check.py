"""Gold spans against the text that the workbench has: each stands where its quote does, or only its document is known."""

from collections import OrderedDict
from dataclasses import dataclass, field

from kit.datasets.case import Case, Gold
from kit.datasets.spans import placed
from kit.errors import Permanent
from workbench.client import Client

_REMEMBERED = 64
_WINDOW = 20_000  # the service gives no more at once


@dataclass
class Checker:
    """Checks cases against documents; `known` are those that were just uploaded. Counts what was `moved` and is `unplaced`."""

    client: Client
    known: set[str]
    moved: int = 0
    unplaced: int = 0
    _texts: OrderedDict[str, str] = field(default_factory=OrderedDict)

    async def checked(self, case: Case) -> Case:
        """The case with its gold where it stands. Raises Permanent `dataset_document_unknown` for a document that is nowhere."""
        gold = [await self._placed(each, case.id) for each in case.gold]
        return case.model_copy(update={"gold": tuple(dict.fromkeys(gold))})

    async def _placed(self, gold: Gold, case_id: str) -> Gold:
        try:
            if gold.quote is None and not gold.is_span:
                await self._require(gold.document_id)
                return gold
            found = placed(gold, await self._text(gold.document_id))
        except Permanent as error:
            if error.code != "document_unknown":
                raise
            told = f"case {case_id!r} rests on the document {gold.document_id!r}, which neither the set brings nor the workbench has"
            raise Permanent("dataset_document_unknown", f"{told}; name its folder or file as `documents` in a dataset.yaml") from error
        self.moved += found.is_span and found != gold
        self.unplaced += not found.is_span
        return found

    async def _require(self, document_id: str) -> None:
        if document_id not in self.known:
            await self.client.document(document_id)
            self.known.add(document_id)

    async def _text(self, document_id: str) -> str:
        if document_id not in self._texts:
            self._texts[document_id] = await self._whole(document_id)
        self._texts.move_to_end(document_id)
        if len(self._texts) > _REMEMBERED:
            self._texts.popitem(last=False)
        return self._texts[document_id]

    async def _whole(self, document_id: str) -> str:
        parts, start, length = [], 0, 1
        while start < length:
            page = await self.client.text(document_id, start, start + _WINDOW)
            parts.append(page["text"])
            start, length = page["end"], page["length"]
        return "".join(parts)
