"""`native`: each row is a case already."""

from collections.abc import Iterator

from pydantic import ValidationError

from kit.datasets.case import Case
from kit.datasets.entry import Entry, Row
from kit.datasets.lines import refused


class Native:
    """Rows with the fields of a case."""

    expected = "id and question, with answers, answerable, gold, metadata and cluster as needed"

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        gold = row.get("gold") or ()
        return {"id", "question"} <= columns <= Case.model_fields.keys() and all(isinstance(each, dict) for each in gold)

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        said = {name: value for name, value in row.items() if value is not None}
        try:
            yield Entry(Case.model_validate(said))
        except ValidationError as error:
            raise refused(error, f"row {number}") from error
