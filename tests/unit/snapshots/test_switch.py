"""A snapshot takes the place of log and chain as one step, wherever the power goes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.benchmark.chain import NODE, Chain
from tests.unit.snapshots.test_install import flip, remade
from twinledger.consensus import HardState, Index, Persist, Term
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import DataFolder, snapshot_switch
from twinledger.storage.chain_records import receipts_key
from twinledger.storage.log_records import Position
from twinledger.storage.log_store import LogStore
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch

VOTE = HardState(Term(7), NODE)


class PowerCutError(Exception):
    """The power goes."""


@pytest.fixture
def behind(grown: Chain, tmp_path: Path) -> Path:
    """A node of the same chain that stopped at height 20, in a later term."""
    path = tmp_path / "behind"
    DataFolder.create(path, grown.genesis.raw, NODE, reserve_bytes=1 << 20)
    chain = Chain.open(path)
    chain.begin()
    entries = grown.stores.log.entries(Index(1), Index(21), 1 << 20)
    chain.stores.log.write(Persist(1, VOTE, None, entries, Index(20), ()))
    for entry in entries:
        chain.execute(entry)
    chain.close()
    return path


def prepared(grown: Chain, taken: SnapshotFiles, behind: Path) -> SnapshotFiles:
    files = SnapshotFolder(behind / "snapshots").incoming(taken.manifest_bytes)
    for number in range(len(taken.manifest.chunks)):
        files.keep(number, taken.chunk(number))
    prepare_switch(behind, grown.genesis.raw, files)
    return files


def state(path: Path) -> tuple[int, int, int, HardState]:
    """Height, first and last index, term and vote of a folder, opened as a node opens it."""
    chain = Chain.open(path)
    log = chain.stores.log
    found = (chain.height, int(log.oldest), int(log.last_index()), log.hard_state)
    chain.close()
    return found


OLD = (20, 1, 20, VOTE)
NEW = (120, 121, 120, VOTE)


def test_nothing_changes_before_the_decision(
    grown: Chain, taken: SnapshotFiles, behind: Path
) -> None:
    prepared(grown, taken, behind)
    assert state(behind) == OLD


def test_after_the_decision_the_folder_is_the_snapshot_s(
    grown: Chain, taken: SnapshotFiles, behind: Path
) -> None:
    commit_switch(behind, prepared(grown, taken, behind))
    assert state(behind) == NEW
    assert state(behind) == NEW, "and stays it"
    left = {path.name for path in behind.iterdir()}
    assert not left & {"installing", "chain.new"}


def cut_in(name: str, owner: Any = snapshot_switch) -> Callable[[pytest.MonkeyPatch], None]:
    def arm(patch: pytest.MonkeyPatch) -> None:
        def cut(*_: object, **__: object) -> None:
            raise PowerCutError

        patch.setattr(owner, name, cut)

    return arm


def cut_after(owner: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arm(patch: pytest.MonkeyPatch) -> None:
        real = getattr(owner, name)

        def then_cut(*arguments: Any, **options: Any) -> None:
            real(*arguments, **options)
            raise PowerCutError

        patch.setattr(owner, name, then_cut)

    return arm


POINTS = {
    "before the log": cut_in("restart", LogStore),
    "after the log": cut_after(LogStore, "restart"),
    "when the old chain is gone": cut_after(shutil, "rmtree"),
    "when the new chain is there": cut_after(Path, "rename"),
    "before the end": cut_in("sync_directory"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_power_cut_after_the_decision_is_gone_on_from(
    point: str, grown: Chain, taken: SnapshotFiles, behind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_switch(behind, prepared(grown, taken, behind))
    with monkeypatch.context() as patch, DataFolder.open(behind) as folder:
        POINTS[point](patch)
        with pytest.raises(PowerCutError):
            folder.open_stores()
    assert state(behind) == NEW


def test_a_power_cut_between_log_and_marker_is_gone_on_from(
    grown: Chain, taken: SnapshotFiles, behind: Path
) -> None:
    commit_switch(behind, prepared(grown, taken, behind))
    marker = (behind / "log.marker").read_bytes()
    place = Position(Index(120), Term(taken.manifest.term), taken.manifest.entry_hash)
    LogStore.restart(behind / "log", behind / "log.marker", grown.genesis.chain_id, place)
    (behind / "log.marker").write_bytes(marker)
    assert state(behind) == NEW


def test_a_snapshot_that_does_not_verify_leaves_the_folder_as_it_was(
    grown: Chain, taken: SnapshotFiles, behind: Path, tmp_path: Path
) -> None:
    files = remade(taken, tmp_path, flip(receipts_key(60)))
    with pytest.raises(LedgerError) as raised:
        prepare_switch(behind, grown.genesis.raw, files)
    assert raised.value.code is Code.SNAPSHOT_INVALID
    assert state(behind) == OLD


def test_a_chain_that_is_gone_is_made_of_the_node_s_own_snapshot(
    grown: Chain, taken: SnapshotFiles, behind: Path
) -> None:
    commit_switch(behind, prepared(grown, taken, behind))
    assert state(behind) == NEW
    shutil.rmtree(behind / "chain")
    assert state(behind) == NEW
    shutil.rmtree(behind / "chain")
    shutil.rmtree(behind / "snapshots")
    with pytest.raises(LedgerError, match="no longer reaches back") as raised:
        state(behind)
    assert raised.value.code is Code.DATA_DAMAGED


def test_consensus_is_told_what_stands_in_for_the_log(
    grown: Chain, taken: SnapshotFiles, behind: Path
) -> None:
    commit_switch(behind, prepared(grown, taken, behind))
    chain = Chain.open(behind)
    snapshot = chain.stores.log.snapshot()
    assert snapshot is not None
    assert (snapshot.index, snapshot.data) == (120, taken.manifest.id)
    assert chain.stores.log.hash(Index(120)) == grown.stores.log.hash(Index(120))
    chain.close()
