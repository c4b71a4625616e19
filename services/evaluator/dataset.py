"""A dataset's cases: from where they are, once, to where runs read them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import IO

from kit.datasets.case import Case
from kit.datasets.fingerprint import Fingerprint
from kit.datasets.lines import BOM, read_case, written
from kit.datasets.load import HUB, Source, read_entries
from kit.errors import Permanent
from kit.ports.blobs import BlobStore
from services.evaluator.case_store import CaseStore

LARGEST_BYTES = 1 << 30
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Datasets:
    """Never has a whole dataset in memory. It is put down in a file before it is stored, so that no transaction waits for where it is."""

    cases: CaseStore
    blobs: BlobStore

    async def fetched(self, tenant_id: str, name: str) -> str:
        """The fingerprint of a dataset, whose cases are stored now.

        Raises Permanent: `dataset_unknown`, `dataset_changed`, or as `kit.datasets` and the blob store do.
        """
        if name.startswith(HUB):
            return await self._from_hub(tenant_id, name)
        row = await self.cases.dataset(tenant_id, name)
        fingerprint: str = row["fingerprint"]
        if not await self.cases.has(tenant_id, fingerprint):
            with tempfile.TemporaryFile() as file:
                await self._put_down(name, row["blob"], file)
                file.seek(0)
                await self.cases.keep(tenant_id, fingerprint, _read(file))
        return fingerprint

    async def _put_down(self, name: str, blob: dict[str, str], file: IO[bytes]) -> None:
        digest, number = sha256(), 0
        async for line in _lines(self.blobs.stream(blob["uri"], LARGEST_BYTES)):
            digest.update(line)
            number += 1
            text = line.removeprefix(BOM) if number == 1 else line
            if text.strip():
                file.write(written(read_case(text, f"line {number}")))
        if digest.hexdigest() != blob["sha256"]:
            raise Permanent("dataset_changed", f"what is stored of {name} is not what was uploaded; prepare it again")

    async def _from_hub(self, tenant_id: str, name: str) -> str:
        """Its fingerprint is known after the last case, so they are put down first."""
        with tempfile.TemporaryFile() as file:
            fingerprint = await asyncio.to_thread(_spooled, name, file)
            if not await self.cases.has(tenant_id, fingerprint):
                file.seek(0)
                await self.cases.keep(tenant_id, fingerprint, _read(file))
        return fingerprint


def _spooled(name: str, file: IO[bytes]) -> str:
    whole = Fingerprint()
    for entry in read_entries(Source(name)):
        whole.add(entry.case)
        file.write(written(entry.case))
    return whole.hexdigest()


async def _read(file: IO[bytes]) -> AsyncIterator[Case]:
    while lines := await asyncio.to_thread(lambda: list(islice(file, _AT_ONCE))):
        for line in lines:
            yield read_case(line, "a line")


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest
