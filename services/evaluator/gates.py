"""The gates that this evaluator knows, by their names."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.errors import Permanent
from services.evaluator.gate import Gate


@dataclass(frozen=True, slots=True)
class Gates:
    """Read once at the start."""

    by_name: Mapping[str, Gate]

    def required(self, name: str, dataset: str, fingerprint: str) -> Gate:
        """The gate of that name. Raises Permanent `gate_unknown` with those that there are, or `gate_of_another_dataset`."""
        gate = self.by_name.get(name)
        if gate is None:
            there = ", ".join(sorted(self.by_name)) or "none: see the setting EVALUATOR_GATES_FOLDER"
            raise Permanent("gate_unknown", f"there is no gate {name!r}; there are: {there}")
        if (why := gate.why_not(dataset, fingerprint)) is not None:
            raise Permanent("gate_of_another_dataset", why)
        return gate
