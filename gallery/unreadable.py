"""What cannot be read in an address. `problems.py` draws it."""


class Unreadable(Exception):
    """A value in the address that cannot be read: the field's name and the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.errors = [{"field": field, "reason": reason}]
