"""An error that lists everything that is wrong, not only the first thing."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.errors import Permanent


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field."""

    field: str
    message: str


class Invalid(Permanent):
    """Something with several faults; the message tells the first three."""

    def __init__(self, code: str, faults: Sequence[Fault]) -> None:
        told = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3])
        super().__init__(code, told + (f"; and {len(faults) - 3} more" if len(faults) > 3 else ""))
        self.faults = tuple(faults)
