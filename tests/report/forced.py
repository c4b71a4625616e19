"""What the extractive answerer says where it must say something, how sure it is of it, and whether it is right: asked of the product."""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.bench.load import run_load
from tests.bench.report import MeasurementFailed

VARIANT = {"name": "never-abstains", "definition": {"support": 0.0}, "message": "to see what it would have said"}
EXTRACTIVE = "extractive"

_MARKER = re.compile(r" ?\[\d+\]")
_MOST = 0.7


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer without its markers, the quotes that prove it, and the confidence."""

    text: str
    quotes: tuple[str, ...]
    confidence: float


async def answered(http: httpx.AsyncClient, questions: Sequence[str]) -> list[Answered]:
    """What is answered to each. Raises MeasurementFailed if another model answers."""
    made = await http.post("/variants", json=VARIANT)
    if not made.is_success:
        raise MeasurementFailed(f"/variants answered {made.status_code}: {made.text[:300]}")
    load = await run_load(http, "/rag/query", [{"question": text, "variant": f"{VARIANT['name']}@1"} for text in questions], 1)
    return [_answered(answer.body) for answer in load.answers]


def _answered(body: dict[str, Any]) -> Answered:
    if body["provider"] != EXTRACTIVE:
        raise MeasurementFailed(f"answered by {body['provider']}, not by the extractive answerer; unset the keys of others")
    quotes = tuple(citation["quote"] for citation in body["citations"])
    return Answered(_MARKER.sub("", body["answer"]), quotes, body["confidence"])


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether the text has one of the answers, as SQuAD compares them: without case, punctuation and articles."""
    return any(f" {_bare(answer)} " in f" {_bare(text)} " for answer in answers)


def proves(quotes: Sequence[str], gold: str) -> bool:
    """Whether one of the quotes has most words of the passage that answers."""
    wanted = set(_bare(gold).split())
    return any(len(wanted & set(_bare(quote).split())) >= _MOST * len(wanted) for quote in quotes)


def _bare(text: str) -> str:
    plain = text.casefold().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())
