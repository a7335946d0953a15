"""Snapshots on the disk: a folder each, of a manifest and its chunks, whole or being gathered.

    snapshots/HEIGHT-ID/manifest, 00000000, 00000001, ...   whole, synced
    snapshots/HEIGHT-ID/certificates                        once its height is certified
    snapshots/incoming/ID/...                               being fetched: what is there is right
    snapshots/making/...                                    being taken: worth nothing after a crash

They are served from here and not from LevelDB: whoever fetches one, however slowly, holds nothing
back that LevelDB wants to delete.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.durable_file import sync_directory, write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.set_certificates import read_certificates
from twinledger.storage.snapshot_format import (
    Manifest,
    Pair,
    chunk_hash,
    decode_chunk,
    encode_chunks,
    manifest_id,
    snapshot_invalid,
)

KEPT: Final = 2
"""Whole snapshots: the newest, and the one before it, which somebody may still be fetching."""
_MANIFEST: Final = "manifest"


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """One snapshot, whole or not."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> "SnapshotFiles":
        """Open a snapshot's folder.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        return cls(path, Manifest.decode(_read(path / _MANIFEST)))

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest as it was hashed."""
        return self.manifest.encode()

    def chunk(self, number: int) -> bytes:
        """Return a chunk.

        Raises:
            LedgerError: SNAPSHOT_INVALID, when it is not there or not what the manifest says.
            StorageFailure: the disk refused.
        """
        chunk = _read(self.path / _name(number))
        if chunk_hash(chunk) != self.manifest.chunks[number]:
            raise snapshot_invalid(f"chunk {number} of height {self.manifest.height} is another")
        return chunk

    def pairs(self) -> Iterator[Pair]:
        """Yield every record, in order, one chunk in memory at a time.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        for number in range(len(self.manifest.chunks)):
            yield from decode_chunk(self.chunk(number))

    # While it is being fetched.

    @property
    def missing(self) -> int | None:
        """The first chunk that is not there; None when all are."""
        for number in range(len(self.manifest.chunks)):
            if not (self.path / _name(number)).exists():
                return number
        return None

    def keep(self, number: int, chunk: bytes) -> None:
        """Keep a chunk that came.

        Raises:
            LedgerError: SNAPSHOT_INVALID, when it is not what the manifest says.
            StorageFailure: the disk refused.
        """
        if number >= len(self.manifest.chunks):
            raise snapshot_invalid(f"it has no chunk {number}")
        if chunk_hash(chunk) != self.manifest.chunks[number]:
            raise snapshot_invalid(f"chunk {number} of height {self.manifest.height} is another")
        write_durably(self.path / _name(number), chunk)


class SnapshotFolder:
    """The folder `snapshots` of a node."""

    def __init__(self, path: Path) -> None:
        """The folder is made when it is needed."""
        self._path = path

    def newest(self) -> SnapshotFiles | None:
        """Return the newest whole snapshot whose manifest is sound.

        Raises:
            StorageFailure: the disk refused.
        """
        for path in reversed(self.whole()):
            with suppress(LedgerError):  # a spare one is no reason not to start; an audit tells
                return _opened(path)
        return None

    def check(self) -> Iterator[tuple[str, LedgerError]]:
        """Read every whole snapshot; yield the names of those that are damaged, and how.

        Raises:
            StorageFailure: the disk refused.
        """
        for path in self.whole():
            try:
                for _ in _opened(path).pairs():
                    pass
                read_certificates(path)
            except LedgerError as error:
                yield path.name, error

    def find(self, snapshot_id: bytes) -> SnapshotFiles:
        """Return a whole snapshot.

        Raises:
            LedgerError: SNAPSHOT_GONE; SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        for path in self.whole():
            if path.name.endswith(f"-{snapshot_id.hex()}"):
                return _opened(path)
        raise LedgerError(Code.SNAPSHOT_GONE, snapshot_id.hex())

    def make(self, pairs: Iterable[Pair], unfinished: Manifest) -> SnapshotFiles:
        """Write a snapshot of records; its manifest still lacks the chunks and the size.

        Raises:
            StorageFailure: the disk refused.
        """
        making = self._emptied("making")
        hashes, size = list[bytes](), 0
        for number, chunk in enumerate(encode_chunks(pairs)):
            write_durably(making / _name(number), chunk)
            hashes.append(chunk_hash(chunk))
            size += len(chunk)
        fields = {name: getattr(unfinished, name) for name in Manifest.__slots__}
        manifest = Manifest(**{**fields, "size": size, "chunks": tuple(hashes)})
        write_durably(making / _MANIFEST, manifest.encode())
        return self.adopt(SnapshotFiles(making, manifest))

    def incoming(self, manifest_bytes: bytes) -> SnapshotFiles:
        """Begin to fetch a snapshot, or go on with it; what was fetched of others is dropped.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        path = self._path / "incoming" / manifest_id(manifest_bytes).hex()
        if not path.exists():
            self._emptied("incoming")
            _make(path)
            write_durably(path / _MANIFEST, manifest_bytes)
        return SnapshotFiles.open(path)

    def begun(self, snapshot_id: bytes) -> SnapshotFiles | None:
        """Return what was fetched of a snapshot before, if its manifest was."""
        path = self._path / "incoming" / snapshot_id.hex()
        return SnapshotFiles.open(path) if (path / _MANIFEST).exists() else None

    def adopt(self, snapshot: SnapshotFiles) -> SnapshotFiles:
        """Take a whole snapshot among those to serve; let older ones go.

        Raises:
            StorageFailure: the disk refused.
        """
        manifest = snapshot.manifest
        path = self._path / f"{manifest.height:020d}-{manifest.id.hex()}"
        try:
            if not path.exists():
                snapshot.path.rename(path)
                sync_directory(self._path)
            for old in self.whole()[:-KEPT]:
                shutil.rmtree(old)
        except OSError as error:
            raise os_failure("keep a snapshot", error) from error
        return SnapshotFiles(path, manifest)

    def drop_incoming(self) -> None:
        """Forget what was fetched: it was wrong, or is of no use any more."""
        shutil.rmtree(self._path / "incoming", ignore_errors=True)

    def whole(self) -> list[Path]:
        """The folders of whole snapshots, heights ascending."""
        return sorted(path for path in self._path.glob("[0-9]*-*") if path.is_dir())

    def _emptied(self, name: str) -> Path:
        path = self._path / name
        try:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        except OSError as error:
            raise os_failure(f"make the folder {path.name}", error) from error
        return path


def _opened(path: Path) -> SnapshotFiles:
    """A whole snapshot, which is the one its folder is named after."""
    files = SnapshotFiles.open(path)
    if not path.name.endswith(f"-{files.manifest.id.hex()}"):
        raise snapshot_invalid("its manifest is another")
    return files


def _name(number: int) -> str:
    return f"{number:08d}"


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_failure(f"make the folder {path.name}", error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise snapshot_invalid(f"its file {path.name} is missing") from error
    except OSError as error:
        raise os_failure(f"read {path.name} of a snapshot", error) from error
