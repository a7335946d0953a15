"""Snapshots on the disk: whole ones are served, others are gathered piece by piece."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.snapshots.test_install import MANIFEST
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import CHUNK_BYTES, Manifest

PAIRS = [(b"h%03d" % n, bytes([n]) * (CHUNK_BYTES // 2)) for n in range(6)]


def made(folder: SnapshotFolder, height: int) -> SnapshotFiles:
    return folder.make(PAIRS, replace(MANIFEST, height=height))


def test_the_newest_whole_snapshot_is_found_and_two_are_kept(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path / "snapshots")
    assert folder.newest() is None
    all_made = [made(folder, height) for height in (9, 100, 1000)]
    newest = folder.newest()
    assert newest is not None
    assert newest.manifest == all_made[2].manifest
    assert folder.find(all_made[1].manifest.id).manifest.height == 100
    with pytest.raises(LedgerError) as raised:
        folder.find(all_made[0].manifest.id)
    assert raised.value.code is Code.SNAPSHOT_GONE


def test_one_half_made_is_no_snapshot(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path / "snapshots")
    with pytest.raises(ZeroDivisionError):
        folder.make(((b"h", bytes(1 // number)) for number in (1, 0)), MANIFEST)
    assert folder.newest() is None
    assert made(folder, 5).manifest.height == 5


def test_fetching_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = made(SnapshotFolder(tmp_path / "there"), 5)
    assert len(whole.manifest.chunks) == 6
    folder = SnapshotFolder(tmp_path / "here")
    files = folder.incoming(whole.manifest_bytes)
    for number in (0, 1):
        files.keep(number, whole.chunk(number))
    again = folder.begun(whole.manifest.id)
    assert again is not None
    assert again.missing == 2
    for number in range(2, 6):
        again.keep(number, whole.chunk(number))
    assert again.missing is None
    adopted = folder.adopt(again)
    assert list(adopted.pairs()) == PAIRS
    assert folder.begun(whole.manifest.id) is None


def test_what_was_fetched_of_another_snapshot_is_dropped(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path / "here")
    first, second = (replace(MANIFEST, height=h, size=1, chunks=(bytes(32),)) for h in (5, 6))
    folder.incoming(first.encode())
    folder.incoming(second.encode())
    assert folder.begun(first.id) is None
    assert folder.begun(second.id) is not None


def test_a_chunk_that_is_another_is_not_kept(tmp_path: Path) -> None:
    whole = made(SnapshotFolder(tmp_path / "there"), 5)
    files = SnapshotFolder(tmp_path / "here").incoming(whole.manifest_bytes)
    for number, chunk in ((0, whole.chunk(1)), (6, whole.chunk(0)), (0, b"")):
        with pytest.raises(LedgerError) as raised:
            files.keep(number, chunk)
        assert raised.value.code is Code.SNAPSHOT_INVALID
    assert files.missing == 0


def test_a_manifest_is_read_strictly() -> None:
    good = replace(MANIFEST, size=1, chunks=(bytes(32), bytes(32)))
    assert Manifest.decode(good.encode()) == good
    bad = [
        replace(good, height=0),
        replace(good, term=0),
        replace(good, size=0),
        replace(good, chunks=()),
        replace(good, chunks=(bytes(31),)),
        replace(good, chain_id=bytes(31)),
        replace(good, entry_hash=b""),
    ]
    for raw in [b"", b"\x00", good.encode() + b"\x00", *(manifest.encode() for manifest in bad)]:
        with pytest.raises(LedgerError) as raised:
            Manifest.decode(raw)
        assert raised.value.code is Code.SNAPSHOT_INVALID
