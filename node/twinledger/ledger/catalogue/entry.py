"""One line of the catalogue, and the gRPC statuses that errors travel under."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        sentence: What happened, without a full stop: a detail may follow.
        next_step: What to do, in a sentence.
        status: The name of the gRPC status it travels under.
        waiting_helps: True when the same request may succeed later, unchanged.
    """

    sentence: str
    next_step: str
    status: str
    waiting_helps: bool = False


INVALID = "INVALID_ARGUMENT"
STATE = "FAILED_PRECONDITION"
MISSING = "NOT_FOUND"
EXISTS = "ALREADY_EXISTS"
DENIED = "PERMISSION_DENIED"
UNKNOWN_CALLER = "UNAUTHENTICATED"
FULL = "RESOURCE_EXHAUSTED"
DOWN = "UNAVAILABLE"
RANGE = "OUT_OF_RANGE"
INTERNAL = "INTERNAL"
LOST = "DATA_LOSS"
