"""The switch of a node's folder to a snapshot: either all of it has happened, or nothing.

    chain.new     the snapshot's chain, made and synced beforehand
    installing    written last: from then on there is no way back; whoever opens the folder goes on

Then the log begins again behind the snapshot, and `chain.new` takes the place of `chain`. A crash
at any point leaves the old folder, or one that goes on by itself when it is opened.
"""

import shutil
from pathlib import Path
from typing import Final

from twinledger.consensus import Index, Term
from twinledger.consortium.genesis import Genesis
from twinledger.execution.execute import genesis_block
from twinledger.storage.damage import damaged
from twinledger.storage.durable_file import sync_directory, write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.log_records import Position
from twinledger.storage.log_store import LogStore
from twinledger.storage.no_bodies import NoBodies
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import Manifest
from twinledger.storage.snapshot_install import install_chain

INTENT: Final = "installing"
_NEW: Final = "chain.new"


def prepare_switch(folder: Path, genesis: bytes, files: SnapshotFiles) -> None:
    """Make the snapshot's chain beside the present one, having verified all of it.

    Raises:
        LedgerError: SNAPSHOT_INVALID.
        StorageFailure: the disk refused.
    """
    path = folder / _NEW
    shutil.rmtree(path, ignore_errors=True)
    header = genesis_block(Genesis.parse(genesis)).header_bytes
    install_chain(path, files, header, NoBodies())
    _sync(path)
    _sync(folder)


def commit_switch(folder: Path, files: SnapshotFiles) -> None:
    """Decide for a snapshot whose chain was made; the stores are closed and opened again next.

    Nothing that this node acknowledges from now on would last: it must acknowledge nothing more.

    Raises:
        StorageFailure: the disk refused.
    """
    kept = SnapshotFolder(folder / "snapshots").adopt(files)
    write_durably(folder / INTENT, kept.manifest_bytes)


def finish_switch(folder: Path, chain_id: bytes) -> None:
    """Go on with a switch that was decided, if one was. Doing it again does no harm.

    Raises:
        LedgerError: DATA_DAMAGED, DATA_IN_USE.
        StorageFailure: the disk refused.
    """
    try:
        intent = (folder / INTENT).read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise os_failure(f"read {INTENT}", error) from error
    manifest = Manifest.decode(intent)
    if manifest.chain_id != chain_id:
        raise damaged("The snapshot that was being installed is of another chain")
    place = Position(Index(manifest.height), Term(manifest.term), manifest.entry_hash)
    LogStore.restart(folder / "log", folder / "log.marker", chain_id, place)
    swap_chain(folder)
    try:
        (folder / INTENT).unlink()
        sync_directory(folder)
    except OSError as error:
        raise os_failure(f"remove {INTENT}", error) from error


def swap_chain(folder: Path) -> None:
    """Put the chain that was made in the place of the present one, if that was not done yet.

    Raises:
        StorageFailure: the disk refused.
    """
    fresh, chain = folder / _NEW, folder / "chain"
    if not fresh.exists():
        return
    try:
        shutil.rmtree(chain, ignore_errors=True)
        fresh.rename(chain)
        sync_directory(folder)
    except OSError as error:
        raise os_failure("put the new chain in its place", error) from error


def _sync(path: Path) -> None:
    try:
        sync_directory(path)
    except OSError as error:
        raise os_failure(f"sync the folder {path.name}", error) from error
