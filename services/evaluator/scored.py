"""One case of a run as statistics see it: its scores, without the answers they were given to."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan, nan


class Scores(Mapping[str, float]):
    """Scores by name, in eight bytes each: `columns`, where each name stands, is shared by the cases of a run and grows with them."""

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: dict[str, int], scores: Mapping[str, float]) -> None:
        for name in scores:
            columns.setdefault(name, len(columns))
        self._columns = columns
        self._values = array("d", [scores.get(name, nan) for name in columns])

    def __getitem__(self, name: str) -> float:
        place = self._columns[name]
        value = self._values[place] if place < len(self._values) else nan
        if isnan(value):
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in zip(self._columns, self._values, strict=False) if not isnan(value))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Scored:
    """A case with the mean of its scores over repeats; None, or no such name, means unscored.

    `error`: its question got no answer, so it has no scores.
    `failed` is the share of its repeats that got none, where others did.
    Cases of one `cluster` are drawn together; a case without one stands for itself. `text` is the answer, of the first repeat.
    """

    case_id: str
    scores: Mapping[str, float | None]
    text: str = ""
    answerable: bool = True
    cluster: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    error: bool = False
    failed: float = 0.0

    @property
    def unit(self) -> str:
        """What the case is drawn with: its cluster, or itself."""
        return self.case_id if self.cluster is None else self.cluster

    @property
    def unanswered(self) -> float:
        """The share of its repeats that got no answer."""
        return 1.0 if self.error else self.failed

    def score(self, name: str) -> float | None:
        """The score of that name; None if the case has none or its question got no answer."""
        return None if self.error else self.scores.get(name)
