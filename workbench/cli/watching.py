"""An evaluation under a progress bar, until it has ended."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kit.clock import SystemClock
from workbench.client import Client
from workbench.evals import Json, followed

_COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)


async def watched(client: Client, eval_id: str, quiet: bool) -> Json:
    """The evaluation once it is completed, failed or cancelled; the bar is on standard error."""
    with Progress(*_COLUMNS, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        task = bar.add_task("Waiting", total=None)

        def told(found: Json) -> None:
            progress = found["progress"]
            failed = f", {progress['failed']} without an answer" if progress["failed"] else ""
            description = f"Asking{failed}" if progress["total"] else "Planning"
            bar.update(task, description=description, total=progress["total"] or None, completed=progress["done"])

        return await followed(client.evals(), eval_id, SystemClock(), told)
