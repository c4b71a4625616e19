"""A language model that does what its prompt says, and nothing more: a worse prompt gives worse answers, and always the same ones.

`python -m tests.models.obedient --port 0` serves it on the loopback address as OpenAI does, prints its base URL, and goes on until it is
ended. What it obeys:
* passages are blocks that begin with `[1] `, `[2] `, ... at the start of a line, the question is what follows the last `Question:`;
* it answers with the sentence of the passages that shares the rarest words with the question, or, told to give `up to three claims`, with
  so many;
* it cites a claim as `[n: "quote"]` only if the prompt shows that form;
* it says `I don't know.` only if the prompt has these words, and then if no sentence has three tenths of what the question's words weigh.
"""

import argparse
import json
import math
import re
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from kit.adapters.sentences import Sentence, sentences
from kit.ports.llm import ABSTENTION, cited
from kit.settings import LLMProvider
from tests.ports.wire.openai import OpenAIWire
from tests.ports.wire.script import Body, Said

MODEL = "obedient"
HOST = "127.0.0.1"
CITES = '[n: "quote"]'
QUESTION = "Question:"
ENOUGH = 0.3
_RANK_PENALTY = 0.05
_REMEMBERED = 4096
_CLAIMS = re.compile(r"up to (two|three|four|five) claims")
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}
PRICES = {f"{LLMProvider.OPENAI_COMPATIBLE.value}/{MODEL}": {"input": 1, "output": 4}}
_FRAME = """
    a an the is are was were be been do does did has have had can could may might will would shall should must who whom whose what which
    when where why how many much long often in on at to for from by with about into and or not it its this that these those there i you we
    they he she any each one after before of if as per than then so
"""
_STEM = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt as the model understands it: what it is told to do, the question, and the passages by their numbers."""

    told: str
    question: str
    passages: Mapping[int, str]

    @property
    def claims(self) -> int:
        """How many it may make."""
        asked = _CLAIMS.search(self.told)
        return _NUMBERS[asked[1]] if asked else 1


@dataclass(frozen=True, slots=True)
class _Found:
    """A sentence of a passage, and which share of the question's words, by weight, stands there."""

    passage: int
    sentence: Sentence
    share: float


def read(prompt: str) -> Reading:
    """Takes a prompt apart; its messages stand one below the other."""
    before, _, question = prompt.rpartition(QUESTION)
    places = list(_numbered(before))
    ends = [place.start() for place in places[1:]] + [len(before)]
    passages = {int(place[1]): before[place.end() : end].strip() for place, end in zip(places, ends, strict=True)}
    return Reading(before[: places[0].start()] if places else before, question.strip(), passages)


def answer(reading: Reading) -> str:
    """What it says."""
    found = _ranked(reading)
    if ABSTENTION in reading.told and max((one.share for one in found), default=0.0) < ENOUGH:
        return ABSTENTION
    best = [one for one in found[: reading.claims] if one is found[0] or one.share > 0]
    if CITES not in reading.told:
        return " ".join(one.sentence.claim for one in best) or "Yes."
    return " ".join(cited(one.sentence.claim, one.passage, one.sentence.text) for one in best) or "Yes."


def _numbered(text: str) -> Iterator[re.Match[str]]:
    """Where passages begin: the numbers go up one by one, so that a `[1]` in a passage begins none."""
    wanted = 1
    for place in re.finditer(r"^\[(\d+)\] ", text, re.MULTILINE):
        if int(place[1]) == wanted:
            wanted += 1
            yield place


def _ranked(reading: Reading) -> list[_Found]:
    """All sentences, those first that share most with the question, less a little for each rank of their passage."""
    stated = [(number, sentence, words) for number, text in reading.passages.items() for sentence, words in _stated(text)]
    words = [said for _, _, said in stated]
    weights = _weights(_words(reading.question), words)
    total = sum(weights.values()) or 1.0
    found = [_Found(number, sentence, sum(weights[word] for word in said & weights.keys()) / total) for number, sentence, said in stated]
    return sorted(found, key=lambda one: _RANK_PENALTY * one.passage - one.share)


@lru_cache(_REMEMBERED)
def _stated(passage: str) -> tuple[tuple[Sentence, frozenset[str]], ...]:
    """What a passage says, sentence by sentence, with the words of each."""
    return tuple((sentence, _words(f"{sentence.context} {sentence.text}")) for sentence in sentences(passage))


def _weights(wanted: frozenset[str], sentences: Sequence[frozenset[str]]) -> dict[str, float]:
    """What each word of the question weighs: the rarer it is in the passages, the more."""
    seen = Counter(word for said in sentences for word in said)
    return {word: math.log(1 + (1 + len(sentences)) / (1 + seen[word])) for word in wanted}


def _words(text: str) -> frozenset[str]:
    """The words that say something, by their beginnings."""
    frame = frozenset(_FRAME.split())
    return frozenset(word.removesuffix("s")[:_STEM] for word in re.findall(r"[\w-]+", text.casefold()) if word not in frame)


async def _complete(request: Request) -> Response:
    body: Body = await request.json()
    if "response_format" in body:
        return JSONResponse({"error": {"message": f"{MODEL} writes no JSON", "type": "invalid_request_error"}}, 400)
    prompt = "\n".join(message["content"] for message in body["messages"])
    text = answer(read(prompt))
    words = text.split(" ")
    kept = " ".join(words[: body["max_tokens"]])
    wire, said = OpenAIWire(), Said(MODEL, kept, cut=kept != text, read=len(prompt.split()))
    if not body.get("stream"):
        return JSONResponse(wire.whole(said, body))
    pieces = [wire.piece(said, piece) for piece in said.pieces]
    return StreamingResponse(iter([*wire.opening(said), *pieces, *wire.closing(said, body)]), media_type="text/event-stream")


def _server() -> uvicorn.Server:
    app = Starlette(routes=[Route("/v1/chat/completions", _complete, methods=["POST"])])
    return uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))


def _listener(port: int) -> socket.socket:
    # Named as TCP, or asyncio leaves Nagle's algorithm on.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, port))
    listener.listen()
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}/v1"


def environment(url: str) -> dict[str, str]:
    """The settings of a stack that asks this model, and no other; a word is a token, and has a price."""
    llm = {"PROVIDER": LLMProvider.OPENAI_COMPATIBLE.value, "OPENAI_COMPATIBLE_BASE_URL": url, "OPENAI_COMPATIBLE_MODEL": MODEL}
    return {f"RAG_LLM__{name}": value for name, value in llm.items()} | {"RAG_BUDGETS__PRICES": json.dumps(PRICES)}


@contextmanager
def obedient() -> Iterator[str]:
    """Serves the model in a thread while the block runs; yields its base URL."""
    with _listener(0) as listener:
        server = _server()
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def main() -> None:
    """Serves it until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.models.obedient", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with _listener(parser.parse_args().port) as listener:
        print(_url(listener), flush=True)
        _server().run([listener])


if __name__ == "__main__":
    main()
