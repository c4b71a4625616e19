"""The exit codes of the command line, and the errors that have one of their own."""

from kit.errors import Permanent

FAILED = 1
USAGE = 2
NO_STACK = 3
STACK_RUNS = 4
NO_VERDICT = 5  # where 0, 1 and 2 are verdicts
INTERRUPTED = 130


class NoStack(Permanent):
    """No stack runs in this folder, or it is not ready yet."""


class StackRuns(Permanent):
    """Another process runs the stack of this folder."""
