"""A snapshot as consensus names it: what a leader offers, and how much of the log it spares."""

from typing import Final

from twinledger.consensus import Configuration, Index, Snapshot, Term
from twinledger.storage.snapshot_format import Manifest

TRAILING: Final = 1024
"""Blocks before a snapshot that consensus still sends one by one, to who is a little behind."""


def described(manifest: Manifest) -> Snapshot:
    """Return what consensus is told of a snapshot; its data is the snapshot's id.

    Raises:
        BadConfiguration: the configuration is none.
    """
    return Snapshot(
        Index(manifest.height),
        Term(manifest.term),
        manifest.entry_hash,
        Configuration.decode(manifest.configuration),
        manifest.id,
    )


def matches(snapshot: Snapshot, manifest: Manifest) -> bool:
    """Whether a manifest is the one that was offered, and says the same of its place."""
    return described(manifest) == snapshot


def first_seen(manifest: Manifest, applied: int) -> Index:
    """Return the first index that consensus is to see of a log with this snapshot.

    Never beyond what the chain has yet to execute.
    """
    return Index(max(0, min(manifest.height - TRAILING, applied)) + 1)
