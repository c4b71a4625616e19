"""A table that is printed here and committed as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells by row; a row that is shorter is filled up."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def shown(self) -> Table:
        """For a terminal."""
        table = Table(*self.columns, title=Text(self.title), caption=Text(self.caption), pad_edge=False)
        for row in self.rows:
            table.add_row(*map(Text, row))  # an interval is no markup
        return table

    def markdown(self) -> str:
        """For a document; the title is a heading."""
        lines = [self._line(self.columns), self._line(["---"] * len(self.columns)), *map(self._line, self.rows)]
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.caption] if self.caption else []), ""])

    def _line(self, cells: Sequence[str]) -> str:
        filled = [*cells, *[""] * (len(self.columns) - len(cells))]
        return f"| {' | '.join(cell.replace('|', '/') for cell in filled)} |"
