"""Every reason a document's content can be refused for: the stable codes of the Permanent errors that parsing and chunking raise."""

from enum import StrEnum


class Rejection(StrEnum):
    """The `code` of a document that cannot be ingested."""

    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    EMPTY = "document_empty"
    ENCRYPTED = "document_encrypted"
    CORRUPT = "document_corrupt"
    WITHOUT_TEXT = "document_without_text"
    ENCODING = "document_encoding"
    BOMB = "document_bomb"
    TOO_COMPLEX = "document_too_complex"
    TOO_LONG = "document_too_long"
