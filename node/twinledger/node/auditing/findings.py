"""What an audit finds."""

import math
from dataclasses import dataclass, field
from typing import Final

MAX_FINDINGS: Final = 100
"""Told one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        height: The block it belongs to; None when it belongs to none.
        store: The file or the store below the data folder: `chain`, `log`, `boot`.
        record: What is wrong, in words.
        key: Of a record of a store, its key there.
        first: The first byte that is wrong, counted from 0; None when the whole is missing,
            surplus or unreadable.
        end: The byte after the last that is wrong.
        told: How it is wrong, a sentence without its full stop.
    """

    height: int | None
    store: str
    record: str
    told: str
    key: bytes | None = None
    first: int | None = None
    end: int | None = None

    @property
    def where(self) -> str:
        """The place for a person: store, key, bytes."""
        parts = [self.store]
        if self.key is not None:
            parts.append(f"key {self.key.hex()}")
        if self.first is not None and self.end is not None:
            last = self.end - 1
            parts.append(f"byte {last}" if last == self.first else f"bytes {self.first} to {last}")
        return ", ".join(parts)


@dataclass(slots=True)
class Findings:
    """Collects findings; keeps the first by height, and so many others."""

    found: list[Finding] = field(default_factory=list)
    count: int = 0
    first: Finding | None = None
    """Of the lowest height; what belongs to no height comes after all that do."""

    def add(self, finding: Finding) -> None:
        """Take one more."""
        self.count += 1
        if len(self.found) < MAX_FINDINGS:
            self.found.append(finding)
        if self.first is None or _order(finding) < _order(self.first):
            self.first = finding


def _order(finding: Finding) -> float:
    return math.inf if finding.height is None else finding.height


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit came to.

    Attributes:
        node_id: Whose folder it is; empty when the folder does not tell.
        chain_id: Of which chain; empty likewise.
        start: The height execution began from: 0, or that of the snapshot the log begins with.
        height: The last height that was executed.
        transactions: How many were executed.
        seconds: How long it took.
        findings: What is wrong.
        notes: What is not wrong but good to know, in sentences.
    """

    node_id: str
    chain_id: bytes
    start: int
    height: int
    transactions: int
    seconds: float
    findings: Findings
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.findings.count == 0

    @property
    def blocks_per_second(self) -> float:
        """The rate, comparison included."""
        return (self.height - self.start) / self.seconds if self.seconds else 0.0
