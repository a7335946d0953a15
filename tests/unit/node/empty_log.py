"""A log for a core whose disk does not matter."""

from typing import Any

from twinledger.consensus import Entry, Index, Term

GENESIS = bytes(32)


class EmptyLog:
    """A log that holds nothing and takes everything."""

    def first_index(self) -> Index:
        return Index(1)

    def last_index(self) -> Index:
        return Index(0)

    def term(self, index: Index) -> Term:
        return Term(0)

    def hash(self, index: Index) -> bytes:
        return GENESIS

    def entries(self, low: Index, high: Index, max_bytes: int) -> tuple[Entry, ...]:
        raise AssertionError("nothing durable is here")

    def snapshot(self) -> None:
        return None

    def write(self, persist: Any) -> None:
        pass
