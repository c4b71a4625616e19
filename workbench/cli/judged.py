"""Commands that end with a verdict: 0 is PASS, 1 FAIL, 2 INCONCLUSIVE, and whatever keeps them from one ends with another code."""

from typing import Any

import typer
from typer.core import TyperCommand

from kit.errors import WorkbenchError
from workbench.errors import NO_VERDICT, NoStack
from workbench.verdicts import NoVerdict


class Judged(TyperCommand):
    """A command whose usage errors, refusals, unreachable services and unusable files cannot be taken for a verdict."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """As for any command, but a wrong option ends with the code of no verdict."""
        try:
            return super().make_context(*arguments, **options)
        except typer.TyperException as error:
            raise _unjudged(error) from None

    def invoke(self, ctx: Any) -> Any:
        """The same for what goes wrong while it runs; where no stack runs has a code of its own."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            raise _unjudged(error) from None
        except (NoStack, NoVerdict):
            raise
        except WorkbenchError as error:
            raise NoVerdict(error.code, error.message) from error
        except OSError as error:
            raise NoVerdict("file_unusable", f"a file cannot be used: {error}") from error


def _unjudged(error: typer.TyperException) -> typer.TyperException:
    error.exit_code = NO_VERDICT
    return error
