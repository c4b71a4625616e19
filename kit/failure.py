"""Every failure has one of three kinds; here, and nowhere else, it gets it."""

from contracts.errors import ContractViolation
from kit.errors import Permanent, Transient, WorkbenchError
from kit.postgres import translated


def classify(error: Exception) -> WorkbenchError:
    """Gives any error one of the three kinds of `kit.errors`. What nobody foresaw counts as transient: it is tried, then kept."""
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, ContractViolation):
        return Permanent(error.code, str(error))
    return translated(error) or Transient("unexpected", f"{type(error).__name__}: {error}")
