"""What a domain verb may refuse with. `web` turns each into its answer; none of them loses anything."""


class NotHere(LookupError):
    """It does not exist, or it is not yours to know that it does."""


class NotAllowed(PermissionError):
    """You may know of it but not do this; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Busy(RuntimeError):
    """Too much of this at once; the same again in a moment will do."""


class Invalid(ValueError):
    """Input that cannot be taken: field name to reason key."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(f"{field}: {reason}" for field, reason in errors.items()))
        self.errors = errors


class Several(Invalid):
    """What was typed fits more than one; `found` are they, each with its number and title, to choose from."""

    def __init__(self, field: str, found: list[tuple[str, str]]) -> None:
        super().__init__({field: "several_fit"})
        self.found = found


class Conflict(RuntimeError):
    """Somebody was faster, or the same id came with other content; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
