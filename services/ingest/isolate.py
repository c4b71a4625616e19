"""Parses in a worker process: a hostile file can neither hang, nor kill, nor fill the memory of the service.

Measured: a 1 KB PDF of nested forms runs for hours in PDFium, a 2 MB one makes it abort the process. A worker starts in about 0.4 s, is
kept for the next document (3-6 ms a call), and is killed when a document takes too long.
"""

import resource
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio import BrokenWorkerProcess, to_process

from kit.errors import Permanent
from services.ingest.document import ParsedDocument
from services.ingest.parse import parse
from services.ingest.rejections import Rejection

Refusal = tuple[str, str]


@dataclass(frozen=True, slots=True)
class IsolatedParser:
    """`parse` with bounds: seconds a document may take, and bytes of address space its worker may have."""

    timeout_s: float = 60.0
    memory_bytes: int = 1024**3

    async def parse(self, data: bytes, media_type: str) -> ParsedDocument:
        """As `parse`; raises Permanent `document_too_complex` for a document that breaks the bounds or its worker."""
        try:
            with anyio.fail_after(self.timeout_s):
                result = await to_process.run_sync(_parse, data, media_type, self.memory_bytes, cancellable=True)
        except TimeoutError as error:
            raise _too_complex(f"it could not be read within {self.timeout_s:g} s") from error
        except (BrokenWorkerProcess, MemoryError, RecursionError) as error:
            raise _too_complex(f"reading it broke the parser or took more than {self.memory_bytes // 1024**2} MiB") from error
        if isinstance(result, ParsedDocument):
            return result
        raise Permanent(*result)


def _parse(data: bytes, media_type: str, memory_bytes: int) -> ParsedDocument | Refusal:
    """Runs in the worker. A refusal travels as a value: an error would lose its code on the way."""
    with suppress(ValueError, OSError):  # a platform that cannot bound it
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        return parse(data, media_type)
    except Permanent as error:
        return error.code, error.message
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a parser throws at a file is a verdict on that file
        return Rejection.CORRUPT, f"the file cannot be read ({type(error).__name__}): save it again and upload that"


def _too_complex(why: str) -> Permanent:
    return Permanent(Rejection.TOO_COMPLEX, f"{why}: print it to a new PDF, or split the document")
