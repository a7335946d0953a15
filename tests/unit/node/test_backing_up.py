"""What a running node sends as its backup: bounded parts, to few at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from scripts.benchmark.chain import Chain
from tests.unit.auditing.test_audit_from_snapshot import pruned
from tests.unit.snapshots.test_set_certificates import certificate, of_changes, rotate
from twinledger.cli.node_backup_running import Taking
from twinledger.consensus import Index, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.auditing.audit import audit_folder
from twinledger.node.backing_up import MAX_BACKUPS, BackingUp
from twinledger.storage.backup import restore_backup, write_backup
from twinledger.storage.backup_folder import BackupFolder
from twinledger.storage.set_certificates import read_certificates
from twinledger.storage.snapshot_format import CHUNK_BYTES
from twinledger.v1.operator_service_pb2 import BackupRequest, BackupResponse


def backing_up(chain: Chain) -> BackingUp:
    folder = chain.folder
    return BackingUp(chain.stores.log, chain.stores.heads, folder.snapshots, folder.genesis)


def sent(source: BackingUp, request: BackupRequest) -> list[BackupResponse]:
    async def run() -> list[BackupResponse]:
        return [part async for part in source.parts(request)]

    return asyncio.run(run())


def taken(chain: Chain, out: Path) -> int:
    folder = BackupFolder(out)
    taking = Taking(folder, chain.genesis.chain_id)
    for part in sent(backing_up(chain), taking.request):
        taking.take(part)
    assert taking.height is not None
    return taking.height


def files_of(path: Path) -> dict[str, bytes]:
    found = [each for each in path.rglob("*") if each.is_file()]
    return {str(each.relative_to(path)): each.read_bytes() for each in found}


def test_it_is_the_backup_of_the_stopped_node_file_by_file(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(10)
    rotate(chain)
    chain.grow(30)
    chain.stores.heads.note_change(12, certificate(chain, 12))
    assert taken(chain, tmp_path / "running") == 41
    assert list(read_certificates(tmp_path / "running")) == of_changes(chain)
    chain.close()
    write_backup(tmp_path / "data", tmp_path / "stopped")
    assert files_of(tmp_path / "running") == files_of(tmp_path / "stopped")


def test_what_is_restored_knows_the_certificates_of_its_changes(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(10)
    rotate(chain)
    chain.stores.heads.note_change(12, certificate(chain, 12))
    taken(chain, tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "new", NodeId("other"), reserve_bytes=1 << 20)
    again = Chain.open(tmp_path / "new")
    assert of_changes(again) == of_changes(chain)
    again.close()
    chain.close()


def test_a_node_without_its_oldest_blocks_sends_its_snapshot_once(tmp_path: Path) -> None:
    chain = Chain.open(pruned(tmp_path / "data"))
    out = tmp_path / "backup"
    assert taken(chain, out) == 140
    request = Taking(BackupFolder(out), chain.genesis.chain_id).request
    chain.grow(3)
    kinds = [part.WhichOneof("part") for part in sent(backing_up(chain), request)]
    assert kinds == ["genesis", "certificates", "blocks", "height"]
    assert taken(chain, out) == 143
    chain.close()
    restore_backup(out, tmp_path / "new", NodeId("other"), reserve_bytes=1 << 20)
    report = audit_folder(tmp_path / "new")
    assert report.sound, report.findings.found


def test_blocks_of_another_history_are_not_added(tmp_path: Path) -> None:
    """Those that the backup ends with may have been cut off by a recovery meanwhile."""
    chain = Chain.create(tmp_path / "data")
    other = Chain.create(tmp_path / "other")
    chain.grow(3)
    other.configuration()
    other.grow(4)
    assert taken(chain, tmp_path / "backup") == 3
    with pytest.raises(LedgerError, match="of another history") as raised:
        taken(other, tmp_path / "backup")
    assert raised.value.code is Code.BACKUP_INVALID
    chain.close()
    other.close()


def test_parts_are_bounded_and_end_where_it_was_committed_when_it_began(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(5)
    source = backing_up(chain)

    async def run() -> list[BackupResponse]:
        parts = source.parts(BackupRequest())
        first = [await anext(parts)]
        chain.grow(20)
        return first + [part async for part in parts]

    found = asyncio.run(run())
    assert found[-1].height == 5
    assert all(part.ByteSize() <= CHUNK_BYTES + 64 for part in found)
    chain.close()


def test_of_too_many_at_once_one_is_told_to_come_back(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(3)
    source = backing_up(chain)

    async def run() -> None:
        begun = [source.parts(BackupRequest()) for _ in range(MAX_BACKUPS)]
        for parts in begun:
            await anext(parts)
        with pytest.raises(LedgerError) as raised:
            await anext(source.parts(BackupRequest()))
        assert raised.value.code is Code.OVERLOADED
        assert raised.value.retry_after_us > 0
        for parts in begun:
            closing: Any = parts
            await closing.aclose()
        assert await anext(source.parts(BackupRequest()))

    asyncio.run(run())
    chain.close()


def test_blocks_that_go_while_they_are_sent_are_told_by_name(tmp_path: Path) -> None:
    chain = Chain.open(pruned(tmp_path / "data"))
    source, log = backing_up(chain), chain.stores.log
    following, _ = source._blocks(log.oldest, 90)
    assert following == 91
    newest = log.snapshot()
    assert newest is not None
    log.compact(Index(95), newest)
    log.prune(Index(95))
    with pytest.raises(LedgerError, match="oldest block it keeps is 95") as raised:
        source._blocks(following, 140)
    assert raised.value.code is Code.PRUNED
    chain.close()


def test_a_backup_of_another_chain_or_with_a_gap_is_refused(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(5)
    parts = sent(backing_up(chain), BackupRequest())
    chain.close()
    stranger = Taking(BackupFolder(tmp_path / "a"), bytes(32))
    with refused("of another chain"):
        stranger.take(parts[0])
    taking = Taking(BackupFolder(tmp_path / "b"), chain.genesis.chain_id)
    for part in parts:
        taking.take(part)
    blocks = next(part for part in parts if part.WhichOneof("part") == "blocks")
    with refused("is there already"):
        taking.take(blocks)
    with refused("without its manifest"):
        taking.take(BackupResponse(chunk=b"x"))
    with refused("no known kind"):
        taking.take(BackupResponse())
    with refused(""):
        taking.take(BackupResponse(blocks=blocks.blocks[:-1]))


def refused(what: str) -> Any:
    return pytest.raises(LedgerError, match=f"BACKUP_INVALID.*{what}")
