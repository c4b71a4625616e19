"""The fingerprint of a dataset: equal for equal cases in whatever order, so that only runs on the same questions are compared."""

import json
from collections.abc import Iterable
from hashlib import sha256

from kit.datasets.case import Case


class Fingerprint:
    """Takes cases one by one and keeps 32 bytes of each."""

    def __init__(self) -> None:
        self._digests: list[bytes] = []

    def add(self, case: Case) -> None:
        """Takes a case in."""
        self._digests.append(sha256(canonical(case)).digest())

    def hexdigest(self) -> str:
        """SHA-256 of the sorted SHA-256 of each case's canonical JSON, lower-case hex."""
        return sha256(b"".join(sorted(self._digests))).hexdigest()


def fingerprint(cases: Iterable[Case]) -> str:
    """The fingerprint of these cases."""
    whole = Fingerprint()
    for case in cases:
        whole.add(case)
    return whole.hexdigest()


def canonical(case: Case) -> bytes:
    """JSON with sorted names and without what is at its default, so that a field that a later release adds changes no fingerprint."""
    said = case.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
