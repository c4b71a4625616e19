"""What every peer is given and tells. Needs the standard library alone."""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version

Case = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Given:
    """Questions with their answers, to be asked of the model at `url` so many at once; and some to warm up with, under /warm of it."""

    url: str
    concurrency: int
    warm_up: Sequence[Case]
    cases: Sequence[Case]


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds of the whole call, and when it was over by the machine's monotonic clock; `scores` has one a case."""

    package: str
    seconds: float
    ended: float
    scores: Sequence[float]


Main = Callable[[Given], Sequence[float]]


def tell(package: str, main: Main) -> None:
    """Has some cases evaluated, then all; prints what that took, or that the package is not there."""
    if importlib.util.find_spec(package.replace("-", "_")) is None:
        print(json.dumps({"not_installed": package}))
        return
    given = Given(**json.load(sys.stdin))
    main(replace(given, url=f"{given.url}/warm", cases=given.warm_up))
    began = time.monotonic()
    scores = main(given)
    ended = time.monotonic()
    print(json.dumps(asdict(Told(f"{package} {version(package)}", ended - began, ended, scores))))
