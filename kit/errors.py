"""Errors named for who catches them.

    WorkbenchError
    ├── Permanent        retrying cannot help: a 4xx answer, or the dead letter topic at once
    │   └── Rejected     and its sender has been told: does not count towards the dead letter ceiling
    ├── Transient        this one message or request may succeed on another try
    └── DependencyDown   nothing can succeed until a dependency is back: hold, answer 503, never dead-letter

Adapters translate foreign errors into these at the border. A message tells its reader what to do next.
"""


class WorkbenchError(Exception):
    """`code` is stable and machine-readable (snake_case); the message says what to do; `after_s` is when to try again, if that is known."""

    def __init__(self, code: str, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.after_s = after_s


class Permanent(WorkbenchError):
    """The input itself is the problem; the same input fails again."""


class Rejected(Permanent):
    """The input was refused and whoever sent it can see why: no sign of a broken consumer."""


class Transient(WorkbenchError):
    """Something passing went wrong with this input; another try may succeed."""


class DependencyDown(WorkbenchError):
    """A server this process needs does not answer."""
