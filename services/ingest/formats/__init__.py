"""One module a format; each has `parse(data: bytes) -> ParsedDocument` and raises Permanent for a file it cannot read."""
