"""The folder a node lives in.

    folder            what this is: format version, node id, chain id, checksum
    boot              how often the node has started; peers refuse one that shows less
    peers.json        what the other nodes have shown
    lock              held while a node runs
    genesis.json      the chain's first bytes, as they were given
    last_exit.json    why the node stopped last time
    reserve           room kept back for a full disk
    log/, log.marker  the replicated log and its witness
    chain/            blocks and state, derived from the log
    heads/            certificates, and what other witnesses were seen to sign
    head.mark         the newest head this node signed, and its right to sign
    snapshots/        states of the chain, whole, to bring other nodes on
    chain.new/, installing  while a snapshot takes the place of log and chain

It comes into being by `create` alone, never by starting a node: an empty folder in the place of a
lost one must not come up as a fresh voter. The file `folder` is written last and makes it valid.
"""

import fcntl
import os
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, chain_id
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.chain_store import KEPT_HEIGHTS, ChainStore
from twinledger.storage.damage import damaged
from twinledger.storage.disk_room import (
    MIN_FREE_BYTES,
    RESERVE_BYTES,
    DiskRoom,
    FreeBytes,
    free_bytes,
)
from twinledger.storage.durable_file import sync_directory, write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.folder_record import (
    FolderRecord,
    decode_boot,
    decode_folder,
    encode_boot,
    encode_folder,
)
from twinledger.storage.head_book import HeadBook
from twinledger.storage.head_mark import HeadMark, NextSigner
from twinledger.storage.last_exit import (
    LastExit,
    prepare_last_exit,
    read_last_exit,
    write_last_exit,
)
from twinledger.storage.log_store import LogStore
from twinledger.storage.peer_memory import PeerMemory
from twinledger.storage.set_certificates import complete_book, read_certificates
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.storage.snapshot_offer import described, first_seen
from twinledger.storage.snapshot_switch import finish_switch, prepare_switch, swap_chain


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of a node, open and checked."""

    log: LogStore
    chain: ChainStore
    heads: HeadBook
    head_mark: HeadMark | None
    """What this node signed last; None when it may not sign in this folder."""

    def close(self) -> None:
        """Close all. Closing twice is harmless."""
        if self.head_mark is not None:
            self.head_mark.close()
        self.heads.close()
        self.chain.close()
        self.log.close()


class DataFolder:
    """The folder of one node, locked until it is closed."""

    def __init__(
        self, path: Path, record: FolderRecord, genesis: bytes, lock: int, disk: DiskRoom
    ) -> None:
        """Use `create` and `open`."""
        self.path = path
        self.node_id = record.node_id
        self.chain_id = record.chain_id
        self.genesis = genesis
        self.disk = disk
        self.boot = 0
        """How often the stores were opened, this time included; 0 before `open_stores`."""
        self._lock = lock

    @classmethod
    def create(
        cls, path: Path, genesis: bytes, node_id: NodeId, *, reserve_bytes: int = RESERVE_BYTES
    ) -> None:
        """Make a folder for a new node, durably. The path is absent or an empty directory.

        Raises:
            LedgerError: CONFIG_INVALID, when something is there already; GENESIS_NOT_SIGNED and
                the other codes of a genesis file that is not complete.
            StorageFailure: the disk refused.
        """
        found = Genesis.parse(genesis)
        found.require_signed()
        _make_directory(path)
        try:
            write_durably(path / "genesis.json", genesis)
            write_durably(path / "boot", encode_boot(0))
            prepare_last_exit(path / "last_exit.json")
            LogStore.create(path / "log", path / "log.marker", found.chain_id)
            ChainStore.create(path / "chain")
            HeadBook.create(path / "heads")
            HeadMark.create(path / "head.mark")
            DiskRoom(path, reserve_bytes=reserve_bytes).make_reserve()
            write_durably(path / "folder", encode_folder(FolderRecord(node_id, found.chain_id)))
        except BaseException:
            shutil.rmtree(path)
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        min_free_bytes: int = MIN_FREE_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        free: FreeBytes = free_bytes,
    ) -> Self:
        """Lock the folder and check what it says of itself.

        Raises:
            LedgerError: CONFIG_INVALID, when there is no data folder; FORMAT_UNKNOWN, DATA_IN_USE,
                DATA_DAMAGED.
            StorageFailure: the disk refused.
        """
        if not path.is_dir() or not any(path.iterdir()):
            raise LedgerError(Code.CONFIG_INVALID, f"{path} holds no data; 'node init' makes it")
        lock = _lock(path / "lock")
        try:
            record = decode_folder(_read(path / "folder"))
            genesis = _read_genesis(path / "genesis.json", record.chain_id)
        except BaseException:
            os.close(lock)
            raise
        disk = DiskRoom(path, min_free_bytes=min_free_bytes, reserve_bytes=reserve_bytes, free=free)
        return cls(path, record, genesis, lock, disk)

    def open_stores(self, *, kept_heights: int = KEPT_HEIGHTS) -> Stores:
        """Open and check the log, then what is derived from it, on a full disk too.

        `kept_heights` is of how many heights before the newest the state can be proven.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        self.disk.prepare_opening()
        self.boot = _count_boot(self.path / "boot")
        finish_switch(self.path, self.chain_id)
        with ExitStack() as opened:
            log = LogStore.open(self.path / "log", self.path / "log.marker", self.chain_id)
            opened.callback(log.close)
            head_mark = HeadMark.open(self.path / "head.mark")
            if head_mark is not None:
                opened.callback(head_mark.close)
                log.note_signed(head_mark.mark.size)
            self._rebuild_chain(log)
            chain = ChainStore.open(self.path / "chain", log, kept_heights=kept_heights)
            opened.callback(chain.close)
            heads = HeadBook.open(self.path / "heads")
            opened.callback(heads.close)
            self._complete_book(heads, chain)
            opened.pop_all()
        self.disk.refill()
        self._compact(log, chain.applied_height or 0)
        return Stores(log, chain, heads, head_mark)

    @property
    def next_signer(self) -> NextSigner:
        """The right of a new witness key to follow the old one."""
        return NextSigner(self.path / "head.next")

    @property
    def snapshots(self) -> SnapshotFolder:
        """The snapshots that this node can serve."""
        return SnapshotFolder(self.path / "snapshots")

    def _rebuild_chain(self, log: LogStore) -> None:
        """Make the chain of a snapshot, when it is gone or older than what the log can replay."""
        if ChainStore.reaches(self.path / "chain", log.oldest - 1) or log.oldest == 1:
            return
        newest = self.snapshots.newest()
        if newest is None or newest.manifest.height < log.oldest - 1:
            raise damaged("The chain is gone, and the log no longer reaches back to its beginning")
        prepare_switch(self.path, self.genesis, newest)
        swap_chain(self.path)

    def _complete_book(self, heads: HeadBook, chain: ChainStore) -> None:
        """Have the book know what a chain brought along that was made of a snapshot."""
        if chain.applied_height is None:
            return
        certificates = tuple[bytes, ...]()
        newest = self.snapshots.newest()
        if newest is not None:
            with suppress(LedgerError):  # an audit tells; the others have them as well
                certificates = read_certificates(newest.path)
        complete_book(heads, chain, self.chain_id, certificates)

    def _compact(self, log: LogStore, applied: int) -> None:
        """Show consensus no more of the log than it needs: others take the snapshot."""
        newest = self.snapshots.newest()
        if newest is not None:
            log.compact(first_seen(newest.manifest, applied), described(newest.manifest))

    def peer_memory(self) -> PeerMemory:
        """Return what this node remembers of the others."""
        return PeerMemory.open(self.path / "peers.json")

    def write_last_exit(self, last_exit: LastExit) -> None:
        """Record how this run ends.

        Raises:
            StorageFailure: the disk refused.
        """
        write_last_exit(self.path / "last_exit.json", last_exit)

    @staticmethod
    def last_exit(path: Path) -> LastExit | None:
        """Return how the last run ended. Needs no lock: it is asked while the node is down."""
        return read_last_exit(path / "last_exit.json")

    def close(self) -> None:
        """Unlock. Closing twice is harmless."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_directory(path: Path) -> None:
    """Make the directory and all above it that are missing, with durable names."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in missing:
            sync_directory(folder.parent)
        occupied = any(path.iterdir())
    except OSError as error:
        raise os_failure(f"make the folder {path}", error) from error
    if occupied:
        said = f"{path} is not empty"
        if _was_begun(path):
            said += "; an interrupted command left it: delete it and try again"
        raise LedgerError(Code.CONFIG_INVALID, said)


def _was_begun(path: Path) -> bool:
    """Whether a folder was left half made. Only that may ever be told to be deleted.

    What was opened once may hold a node's right to sign, however damaged it is.
    """
    boot = path / "boot"
    return (
        (path / "genesis.json").is_file()
        and not (path / "folder").exists()
        and (not boot.exists() or boot.read_bytes() == encode_boot(0))
    )


def _count_boot(path: Path) -> int:
    boot = decode_boot(_read(path)) + 1
    write_durably(path, encode_boot(boot))
    return boot


def _lock(path: Path) -> int:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise os_failure("lock the data folder", error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise LedgerError(Code.DATA_IN_USE, f"another process runs in {path.parent}") from error
    except OSError as error:
        os.close(lock)
        raise os_failure("lock the data folder", error) from error
    return lock


def _read_genesis(path: Path, expected: bytes) -> bytes:
    genesis = _read(path)
    try:
        found = chain_id(genesis)
    except LedgerError as error:
        raise damaged(f"The data folder's genesis.json: {error.detail}") from error
    if found != expected:
        raise damaged("The data folder's genesis.json is not the one of its chain")
    return genesis


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise damaged(
            f"The data folder has no file '{path.name}': "
            "it was lost, or the making of the folder was cut short"
        ) from error
    except OSError as error:
        raise os_failure(f"read {path.name}", error) from error
