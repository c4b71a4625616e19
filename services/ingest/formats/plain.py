"""Plain text: decoded, normalised, otherwise as it came."""

from services.ingest.decode import decoded
from services.ingest.document import ParsedDocument
from services.ingest.normalise import normalised


def parse(data: bytes) -> ParsedDocument:
    """The text. Raises Permanent `document_encoding`."""
    return ParsedDocument(normalised(decoded(data)))
