"""An answer: what was said, on what it rests, what it took."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from workbench.client import Json

STAGES = ("embed", "retrieve", "rerank", "generate", "total")


def answer(question: str, reply: Json) -> RenderableType:
    """An answer with its numbered citations, latency by stage, tokens and cost; an abstention says that it is one."""
    abstained = reply["abstained"]
    panel = Panel(
        Group(Text(question, style="bold"), Text(f"\n{reply['answer']}")),
        subtitle=Text(" abstained: nothing in the documents supports an answer ") if abstained else None,
        subtitle_align="left",
        border_style="yellow" if abstained else "green",
        padding=(1, 2),
    )
    return Group(panel, *(_citation(item) for item in reply["citations"]), Padding(_footer(reply), (1, 2)))


def place(item: Json) -> Text:
    """Where a citation or a hit stands: the document's title, and the page if it has pages."""
    page = f", page {item['page']}" if item.get("page") else ""
    return Text.assemble((item.get("title") or item["document_id"], "bold"), page)


def _citation(item: Json) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(f"[{item['marker']}]", style="bold cyan"), place(item))
    grid.add_row("", Text(f"“{one_line(item['quote'])}”", style="italic"))
    return Padding(grid, (0, 2))


def one_line(text: str) -> str:
    """A passage without its line breaks."""
    return " ".join(text.split())


def _footer(reply: Json) -> Text:
    model = f"{reply['provider']} {reply['model']}" if reply["model"] != reply["provider"] else reply["model"]
    spent = f"{_tokens(reply['usage'])} · {_cost(reply['usage'].get('cost_usd'))} · {model}{' · cached' if reply.get('cached') else ''}"
    return Text(f"{latency(reply['timings_ms'])}\n{spent}", style="dim")


def latency(timings_ms: dict[str, float]) -> str:
    """Milliseconds by stage, in the order of the pipeline; stages it does not know come before the total."""
    known = [stage for stage in STAGES[:-1] if stage in timings_ms]
    others = [stage for stage in timings_ms if stage not in STAGES]
    total = ["total"] if "total" in timings_ms else []
    return " · ".join(f"{stage} {timings_ms[stage]:.1f}" for stage in (*known, *others, *total)) + " ms"


def _tokens(usage: Json) -> str:
    return f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"


def _cost(usd: float | None) -> str:
    if usd is None:
        return "price unknown"
    return f"${usd:.6f}" if 0 < usd < 0.01 else f"${usd:.2f}"
