"""Natural Questions, open (Lee et al. 2019): questions of web searches with short answers, and no documents."""

from collections.abc import Iterator

from kit.datasets.entry import Entry, Row
from kit.datasets.mappings.mapping import made_case, texts

_COLUMNS = frozenset({"question", "answer"})


class NaturalQuestions:
    """Rows of a question and a list of answers. A case's id is its row's number, for the set has none."""

    expected = "question, and answer, a list of texts"

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        return columns == _COLUMNS and isinstance(row["answer"], list)

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        yield Entry(made_case(number, id=f"nq-{number}", question=str(row["question"]).strip(), answers=texts(row["answer"])))
