"""A node without its oldest blocks is audited from its newest snapshot on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, Chain
from tests.unit.auditing.test_audit import edit, flipped, found
from tests.unit.snapshots.conftest import snapshot_of
from twinledger.consensus import Index
from twinledger.node.auditing.audit import audit_folder
from twinledger.storage import DataFolder
from twinledger.storage.chain_records import (
    RECEIPTS_FROM_KEY,
    header_key,
    receipts_key,
    update_key,
)
from twinledger.storage.log_records import entry_key
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch

LIFETIME_US = 10_000_000


def pruned(path: Path) -> Path:
    """A node that has let blocks go."""
    chain = Chain.create(path, lifetime_us=LIFETIME_US)
    chain.grow(100, twins=24)
    snapshot_of(chain)
    log, state = chain.stores.log, chain.stores.chain
    chain.close()
    chain = Chain.open(path)
    log, state = chain.stores.log, chain.stores.chain
    newest = log.snapshot()
    assert newest is not None
    log.compact(Index(81), newest)
    log.prune(Index(81))
    state.prune_receipts(81)
    chain.grow(40, twins=3)  # of the other twins, pages from before the snapshot are left
    chain.close()
    return path


def joined(path: Path) -> Path:
    """A node that came on by a snapshot."""
    other = Chain.create(path.with_name("other"), lifetime_us=LIFETIME_US)
    other.grow(100, twins=24)
    files = snapshot_of(other)
    DataFolder.create(path, other.genesis.raw, NODE, reserve_bytes=1 << 20)
    copy = shutil.copytree(files.path, path / "snapshots" / files.path.name)
    assert copy.exists()
    own = SnapshotFolder(path / "snapshots").newest()
    assert own is not None
    prepare_switch(path, other.genesis.raw, own)
    commit_switch(path, own)
    chain = Chain.open(path)
    chain.grow(40, twins=3)  # of the other twins, pages from before the snapshot are left
    chain.close()
    other.close()
    return path


@pytest.fixture(scope="module", params=[pruned, joined], ids=lambda made: made.__name__)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Callable[[Path], Path] = request.param
    return made(tmp_path_factory.mktemp(made.__name__) / "data")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "data")


def test_it_is_sound_and_says_where_it_began(folder: Path) -> None:
    report = audit_folder(folder)
    assert report.sound, report.findings.found[:5]
    assert (report.start, report.height) == (100, 140)
    assert "from height 100 on" in report.notes[0]


@pytest.mark.parametrize(
    ("key", "height"),
    [
        (header_key(5), 5),
        (header_key(120), 120),
        (receipts_key(95), 95),
        (receipts_key(120), 120),
        (update_key("pump-3", 2), None),
        (b"sidentity/utility/admin", 100),
    ],
)
def test_what_is_wrong_is_still_found(folder: Path, key: bytes, height: int | None) -> None:
    edit(folder, "chain", key, flipped(3))
    first = found(audit_folder(folder))
    assert first.key == key
    assert height is None or first.height == height


def test_a_page_that_the_newest_state_needs_is_found(folder: Path) -> None:
    chain = Chain.open(folder)
    pages = [key for key, _ in chain.stores.chain.view.scan(b"n", b"o")]
    chain.close()
    edit(folder, "chain", pages[-1], flipped(20))
    assert "tree" in found(audit_folder(folder)).record


@pytest.mark.parametrize("kind", [b"n", b"g", RECEIPTS_FROM_KEY])
@pytest.mark.parametrize("change", [flipped(4), lambda _: None], ids=["flipped", "lost"])
def test_what_the_node_keeps_of_older_heights_is_held_against_its_blocks(
    kind: bytes, change: Callable[[bytes], bytes | None], folder: Path
) -> None:
    """Not what the newest state needs: what is proven of an older one, and what is let go by."""
    chain = Chain.open(folder)
    keys = [key for key, _ in chain.stores.chain.view.scan(kind, kind + b"\xff")]
    chain.close()
    recent = [key for key in keys if key >= kind + (130).to_bytes(8, "big")] or keys
    edit(folder, "chain", recent[0], change)
    report = audit_folder(folder)
    assert not report.sound
    assert report.findings.count == 1, report.findings.found


def test_a_damaged_log_is_named(folder: Path) -> None:
    edit(folder, "log", entry_key(120), flipped(80))
    assert found(audit_folder(folder)).height == 120


def test_without_its_snapshot_it_cannot_be_audited(folder: Path) -> None:
    shutil.rmtree(folder / "snapshots")
    assert "is missing" in found(audit_folder(folder)).told


def test_another_chain_s_snapshot_is_not_begun_with(folder: Path, tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "third", lifetime_us=LIFETIME_US)
    chain.grow(99)
    chain.configuration()
    files = snapshot_of(chain)
    shutil.rmtree(folder / "snapshots")
    shutil.copytree(files.path, folder / "snapshots" / files.path.name)
    chain.close()
    assert not audit_folder(folder).sound
