"""Backups: the chain of a stopped node put into a backup, and a new node's folder made of one.

What a backup holds proves itself: the chain id is the genesis file's hash, every entry has its
rolling hash, a snapshot its id. What it never holds is what a node may do: no term, no vote, no
boot number, no mark of what was signed, no keys. So a folder that is made of it belongs to a new
node, with a new id, and votes and signs nothing until the members say so.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twinledger.consensus import Entry, NodeId, Persist
from twinledger.consortium.genesis import Genesis
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import is_name, shown
from twinledger.storage.backup_folder import BackupFolder, backup_invalid, check_follows
from twinledger.storage.damage import REPLACE_NODE
from twinledger.storage.data_folder import DataFolder
from twinledger.storage.database import Database
from twinledger.storage.disk_room import RESERVE_BYTES
from twinledger.storage.failure import os_failure
from twinledger.storage.folder_copy import copy_folder, held, refuse_within, work_folder
from twinledger.storage.folder_record import decode_folder
from twinledger.storage.head_book import HeadBook
from twinledger.storage.head_records import size_of
from twinledger.storage.log_check import checked_entries
from twinledger.storage.log_records import Position, encode_entry, entry_key
from twinledger.storage.log_store import read_fixed_records
from twinledger.storage.set_certificates import encode_certificates, read_certificates
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch

_CACHE_BYTES: Final = 1 << 20
_WRITTEN_AT_ONCE: Final = 200


def write_backup(folder: Path, backup: Path) -> int:
    """Back up a stopped node, or add to a backup of it what came since; return the last height.

    A backup that was broken off is gone on with.

    Raises:
        LedgerError: DATA_IN_USE, CONFIG_INVALID, DATA_DAMAGED; BACKUP_INVALID, when what is there
            is no backup, damaged, of another chain, or of a history that a recovery cut off.
        StorageFailure: the disk refused.
    """
    folder, target = folder.resolve(), BackupFolder(backup)
    refuse_within(folder, backup)
    with held(folder), work_folder(folder, _made_parent(backup.resolve())) as place:
        copy_folder(folder, place / "data")
        chain_id = decode_folder((place / "data" / "folder").read_bytes()).chain_id
        target.begin((place / "data" / "genesis.json").read_bytes())
        target.take_certificates(_certificates(place / "data" / "heads"))
        database = Database(place / "data" / "log", REPLACE_NODE, cache_bytes=_CACHE_BYTES)
        try:
            anchor, state = read_fixed_records(database, chain_id)
            if anchor.index:
                _copy_snapshot(folder, target)
            return target.take_entries(
                (entry_key(entry.index), encode_entry(entry))
                for entry in _newer(checked_entries(database, anchor), target.last)
                if entry.index <= state.commit
            )
        finally:
            database.close()


def _made_parent(backup: Path) -> Path:
    try:
        backup.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_failure(f"make the folder {backup.parent}", error) from error
    return backup.parent


def _newer(entries: Iterator[Entry], last: Entry | None) -> Iterator[Entry]:
    """Yield what lies behind the last entry of a backup, once it is seen to be of this history."""
    for entry in entries:
        if last is not None and entry.index == last.index and entry.hash != last.hash:
            raise backup_invalid(f"its block of height {last.index} is of another history")
        if last is None or entry.index > last.index:
            yield entry


def _certificates(path: Path) -> bytes:
    book = HeadBook.open(path)
    try:
        return encode_certificates(raw for _, raw in book.changes())
    finally:
        book.close()


def _copy_snapshot(folder: Path, target: BackupFolder) -> None:
    newest = SnapshotFolder(folder / "snapshots").newest()
    if newest is None:
        raise backup_invalid("the log does not reach back to genesis, and there is no snapshot")
    if newest.manifest.id != target.snapshot_id:
        target.begin_snapshot(newest.manifest_bytes)
        for number in range(len(newest.manifest.chunks)):
            target.take_chunk(number, newest.chunk(number))


def restore_backup(
    backup: Path, path: Path, node_id: NodeId, *, reserve_bytes: int = RESERVE_BYTES
) -> int:
    """Make a new node's data folder of a backup; return the height its log ends at.

    Raises:
        LedgerError: BACKUP_INVALID; CONFIG_INVALID, for a path or an id that is taken.
        StorageFailure: the disk refused.
    """
    try:
        genesis = (backup / "genesis.json").read_bytes()
    except OSError as error:
        raise backup_invalid(f"{backup} holds no genesis.json") from error
    if not (backup / "blocks").is_dir():
        raise backup_invalid(f"{backup} has a genesis.json, but no folder of blocks")
    if not is_name(node_id):
        raise LedgerError(Code.CONFIG_INVALID, f"{shown(node_id)} can name no node")
    if any(node.node_id == node_id for _, node in Genesis.parse(genesis).nodes):
        raise LedgerError(
            Code.CONFIG_INVALID, f"{node_id} is a node of the genesis file; a backup needs a new id"
        )
    DataFolder.create(path, genesis, node_id, reserve_bytes=reserve_bytes)
    try:
        (path / "head.mark").unlink()  # the right to sign is not made anew
        _note_certificates(backup, path)
        _install_snapshot(backup, path, genesis)
        return _fill_log(backup, path, reserve_bytes)
    except BaseException:
        shutil.rmtree(path)
        raise


def _note_certificates(backup: Path, path: Path) -> None:
    """Put them into the book; they are checked when the chain that they are of is there."""
    try:
        certificates = read_certificates(backup)
    except LedgerError as error:
        raise backup_invalid(error.detail) from error
    book = HeadBook.open(path / "heads")
    try:
        for raw in certificates:
            book.note_change(size_of(raw), raw)
    finally:
        book.close()


def _install_snapshot(backup: Path, path: Path, genesis: bytes) -> None:
    newest = SnapshotFolder(backup / "snapshots").newest()
    if newest is None:
        return
    own = SnapshotFolder(path / "snapshots")
    copy = own.incoming(newest.manifest_bytes)
    while (number := copy.missing) is not None:
        copy.keep(number, newest.chunk(number))
    prepare_switch(path, genesis, copy)
    commit_switch(path, copy)


def _fill_log(backup: Path, path: Path, reserve_bytes: int) -> int:
    with DataFolder.open(path, reserve_bytes=reserve_bytes) as folder:
        stores = folder.open_stores()
        try:
            log = stores.log
            last = log.last_index()
            before = Position(last, log.term(last), log.hash(last))
            for entries in _batches(_followers(backup, before)):
                log.write(Persist(1, None, None, entries, entries[-1].index, ()))
            return int(log.last_index())
        finally:
            stores.close()


def _followers(backup: Path, before: Position) -> Iterator[Entry]:
    """Yield the entries behind a place, each held against its rolling hash."""
    for entry in BackupFolder(backup).entries():
        if entry.index <= before.index:
            continue
        check_follows(before, entry)
        before = Position(entry.index, entry.term, entry.hash)
        yield entry


def _batches(entries: Iterator[Entry]) -> Iterator[tuple[Entry, ...]]:
    batch = list[Entry]()
    for entry in entries:
        batch.append(entry)
        if len(batch) == _WRITTEN_AT_ONCE:
            yield tuple(batch)
            batch.clear()
    if batch:
        yield tuple(batch)
