"""What every figure is measured with: a folder for its stacks, and somebody who listens to its progress."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.handbook import documents
from tests.bench.stack import running_stack
from tests.bench.synthetic import Corpus


@dataclass(slots=True)
class Workspace:
    """`folder` is empty at first; `tell` is given a line at each step.

    `handbook` is the folder that has it indexed, once there is one; `corpora` those that have so many chunks besides.
    """

    folder: Path
    tell: Callable[[str], None]
    handbook: Path | None = None
    corpora: dict[int, Path] = field(default_factory=dict)

    def new_folder(self, name: str) -> Path:
        """An empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    async def with_handbook(self) -> Path:
        """The folder of a stopped stack that has the handbook indexed; made at the first call."""
        if self.handbook is None:
            folder = self.new_folder("handbook")
            async with running_stack(folder) as stack:
                self.tell(f"cold start {stack.ready_s:.1f} s; indexing the handbook")
                await stack.index(documents())
            self.handbook = folder
        return self.handbook

    async def with_corpus(self, chunks: int) -> Path:
        """The folder of a stopped stack that has the handbook and so many synthetic chunks indexed; made at the first call."""
        if chunks not in self.corpora:
            folder = self.new_folder(f"corpus-{chunks}")
            async with running_stack(folder) as stack:
                self.tell(f"indexing the handbook and {chunks} chunks")
                await stack.index(documents())
                await stack.publish(Corpus(chunks).events())
            self.corpora[chunks] = folder
        return self.corpora[chunks]
