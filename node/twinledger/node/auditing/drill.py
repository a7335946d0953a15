"""The drill: every kind of damage done to a copy, and what finds it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twinledger.ledger.errors import LedgerError
from twinledger.node.auditing.audit import audit_folder
from twinledger.node.auditing.damage import Damage, damages
from twinledger.storage.data_folder import DataFolder
from twinledger.storage.folder_copy import copy_folder, held, work_folder


@dataclass(frozen=True, slots=True)
class Exercise:
    """One kind of damage, and what found it.

    Attributes:
        damage: What was done.
        found_by: `start-up`, `audit`, or nothing.
        code: The error's code; empty when nothing found it.
        told: What was said.
        height: The first wrong height that the audit named, if it named one.
    """

    damage: Damage
    found_by: str
    code: str
    told: str
    height: int | None = None

    @property
    def as_it_must_be(self) -> bool:
        """Whether it was found, or nothing rests on what was damaged."""
        return bool(self.found_by or self.damage.advice)


def drill_folder(folder: Path, *, scratch: Path | None = None) -> Iterator[Exercise]:
    """Damage copies of a stopped node's folder, one at a time; yield what found each damage.

    Args:
        folder: The data folder; nothing in it is changed.
        scratch: Where to work: room for two more chains. Beside the folder when None.

    Raises:
        LedgerError: DATA_IN_USE, CONFIG_INVALID; DATA_DAMAGED, when the folder is not sound.
        StorageFailure: the disk refused.
    """
    folder = folder.resolve()
    with held(folder), work_folder(folder, scratch) as place:
        yield from _drill(folder, place)


def _drill(folder: Path, place: Path) -> Iterator[Exercise]:
    opened, damaged = place / "opened", place / "damaged"
    copy_folder(folder, opened)
    for damage in damages(folder, opened):
        copy_folder(folder, damaged)
        damage.do(damaged)
        yield exercise(damage, damaged, place / "started")
        shutil.rmtree(damaged)


def exercise(damage: Damage, damaged: Path, started: Path) -> Exercise:
    """Start in a copy of a damaged folder, made at `started`; audit it if that finds nothing."""
    copy_folder(damaged, started)
    try:
        with DataFolder.open(started, reserve_bytes=0) as folder:
            folder.open_stores().close()
    except LedgerError as error:
        return Exercise(damage, "start-up", error.code, error.detail)
    finally:
        shutil.rmtree(started)
    report = audit_folder(damaged)
    first = report.findings.first
    if first is None:
        return Exercise(damage, "", "", damage.advice)
    return Exercise(damage, "audit", "DATA_DAMAGED", f"{first.record} {first.told}", first.height)
