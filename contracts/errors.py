"""The one error of this package: a record that breaks its contract."""


class ContractViolation(ValueError):
    """A record no reader can use. `code` is stable and machine-readable; the message says what to change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
