"""What an evaluation's outcome means to whoever waits for it: a verdict, or why there is none."""

from enum import StrEnum

from kit.errors import Permanent
from workbench.evals import Json


class Verdict(StrEnum):
    """What a gate says of a comparison."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """Of the command that asked."""
        return list(Verdict).index(self)


class NoVerdict(Permanent):
    """A command that ends with a verdict could not come to one."""


def require_completed(found: Json) -> Json:
    """The evaluation, if it has figures. Raises NoVerdict with the reason if it failed or was cancelled."""
    if found["status"] == "completed":
        return found
    error = found.get("error") or {"code": "eval_cancelled", "message": "it was cancelled"}
    raise NoVerdict(error["code"], f"evaluation {found['eval_id']} has {found['status']}: {error['message']}")


def verdict_of(found: Json) -> Verdict | None:
    """What the gate said; None if no gate was asked. Raises NoVerdict for a word that this release does not know."""
    said = found.get("verdict")
    if said is None or said in tuple(Verdict):
        return None if said is None else Verdict(said)
    raise NoVerdict("verdict_unknown", f"evaluation {found['eval_id']} ended with {said!r}, which this release does not know; upgrade it")
