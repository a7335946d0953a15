"""With a snapshot go the certificates of all changes of the witnesses: proofs lead through them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, TIME_US, Chain, witness_key
from tests.unit.snapshots.conftest import snapshot_of
from twinledger.client import governance_operations as governance
from twinledger.consensus import EntryKind
from twinledger.consortium.members import Consortium
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.block import encode_body
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import TwinId
from twinledger.node.proving import ProvenSnapshot
from twinledger.node.snapshot_certifying import CertifiedHeads
from twinledger.proofs.builder import Builder
from twinledger.proofs.verify import verify
from twinledger.storage import ChainProofs, DataFolder, Stores
from twinledger.storage.set_certificates import (
    CERTIFICATES_NAME,
    decode_certificates,
    encode_certificates,
    write_certificates,
)
from twinledger.storage.set_changes import set_changes
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch

CHANGES = (11, 25)
HEIGHT = 40


def rotate(chain: Chain) -> None:
    """A block in which the one member gives its node another witness key."""
    height = chain.height + 1
    key = key_after(height).public_key
    raw = chain.sign(height, governance.update_node(NODE, witness_key=key))
    body = encode_body(TIME_US + height * 1_000_000, [raw])
    (done,) = chain.extend([(EntryKind.BLOCK, body)])
    assert b"COMMITTED" in done.receipts[0]


def key_after(height: int) -> SigningKey:
    """The witness key that is in force after a block."""
    changed = [each for each in CHANGES if each <= height]
    return SigningKey.load(bytes([changed[-1]]) * 32) if changed else witness_key("utility")


def certificate(chain: Chain, size: int) -> bytes:
    """The head of a size, signed by the witness before its newest block."""
    leaf = chain.stores.chain.consortium_at(max(size - 2, 0))
    witnesses = witness_set(Consortium.decode(leaf))
    root = ChainProofs(chain.stores.chain).history_root(size)
    head = Checkpoint(origin_of(chain.genesis.chain_id), size, root)
    signed = cosign(key_after(size - 2), witnesses.witnesses[0].name, head, 1_795_000_000)
    return certify(witnesses, head, [signed]).encode()


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A node that was there from genesis on, through two changes of the witnesses."""
    chain = Chain.create(tmp_path_factory.mktemp("old") / "data")
    for height in CHANGES:
        chain.grow(height - 1 - chain.height)
        rotate(chain)
    chain.grow(HEIGHT - chain.height)
    chain.close()
    chain = Chain.open(chain.folder.path)
    for height in CHANGES:
        chain.stores.heads.note_change(height + 1, certificate(chain, height + 1))
    yield chain
    chain.close()


@pytest.fixture
def snapshot(old: Chain) -> SnapshotFiles:
    return snapshot_of(old)


def of_changes(chain: Chain) -> list[bytes]:
    return [raw for _, raw in chain.stores.heads.changes()]


def joined(path: Path, old: Chain, files: SnapshotFiles) -> Chain:
    """A node that came on by the snapshot, with what lies in its folder."""
    DataFolder.create(path, old.genesis.raw, NODE, reserve_bytes=1 << 20)
    shutil.copytree(files.path, path / "snapshots" / files.path.name)
    own = SnapshotFolder(path / "snapshots").newest()
    assert own is not None
    prepare_switch(path, old.genesis.raw, own)
    commit_switch(path, own)
    return Chain.open(path)


def bundle(stores: Stores, chain: Chain, raw: bytes) -> bytes:
    with stores.chain.snapshot() as reader:
        builder = Builder(ProvenSnapshot(reader), stores.heads, raw, chain.genesis.body)
        return builder.bundle(builder.twin_claim(TwinId("pump-3")))


def test_a_chain_tells_every_change_of_its_witnesses(old: Chain) -> None:
    assert tuple(change.height for change in set_changes(old.stores.chain)) == CHANGES
    assert [height for height, _ in old.stores.heads.members()] == list(CHANGES)


def test_a_node_that_came_by_a_snapshot_serves_the_same_bundles_through_the_changes(
    old: Chain, snapshot: SnapshotFiles, tmp_path: Path
) -> None:
    write_certificates(snapshot.path, of_changes(old))
    late = joined(tmp_path / "data", old, snapshot)
    newest = certificate(old, HEIGHT + 1)
    made = bundle(late.stores, late, newest)
    assert made == bundle(old.stores, old, newest)
    assert verify(made, old.genesis.chain_id).certificate.checkpoint.size == HEIGHT + 1
    late.close()


def test_without_them_it_says_that_it_cannot_yet(
    old: Chain, snapshot: SnapshotFiles, tmp_path: Path
) -> None:
    (snapshot.path / CERTIFICATES_NAME).unlink(missing_ok=True)
    late = joined(tmp_path / "data", old, snapshot)
    assert list(late.stores.heads.members()) == list(old.stores.heads.members())
    with pytest.raises(LedgerError) as raised:
        bundle(late.stores, late, certificate(old, HEIGHT + 1))
    assert raised.value.code is Code.NOT_CERTIFIED
    late.close()


def test_one_that_does_not_hold_is_left_out_and_the_others_stay(
    old: Chain, snapshot: SnapshotFiles, tmp_path: Path
) -> None:
    first, second = of_changes(old)
    last = first.rstrip(b"\n")[-8:]
    write_certificates(snapshot.path, [first.replace(last, b"AAAA" + last[4:]), second])
    late = joined(tmp_path / "data", old, snapshot)
    assert of_changes(late) == [second]
    late.close()


def test_whoever_fetches_one_is_given_the_certificates_it_checked(
    old: Chain, snapshot: SnapshotFiles, tmp_path: Path
) -> None:
    prepare_switch_into(tmp_path, old, snapshot)
    heads = CertifiedHeads(tmp_path / "chain.new", snapshot.manifest)
    heads.certificate(of_changes(old), certificate(old, HEIGHT + 1))
    assert heads.changes == of_changes(old)
    heads.close()


@pytest.mark.parametrize("kept", [[0], [1], []], ids=["the first", "the second", "none"])
def test_a_snapshot_with_a_change_that_nobody_certified_is_refused(
    old: Chain, snapshot: SnapshotFiles, tmp_path: Path, kept: list[int]
) -> None:
    prepare_switch_into(tmp_path, old, snapshot)
    heads = CertifiedHeads(tmp_path / "chain.new", snapshot.manifest)
    with pytest.raises(LedgerError):
        heads.certificate([of_changes(old)[n] for n in kept], certificate(old, HEIGHT + 1))
    heads.close()


def prepare_switch_into(path: Path, old: Chain, files: SnapshotFiles) -> None:
    prepare_switch(path, old.genesis.raw, files)


def test_the_file_is_read_as_it_was_written_and_nothing_else_is(old: Chain) -> None:
    raw = encode_certificates(of_changes(old))
    assert list(decode_certificates(raw)) == of_changes(old)
    assert decode_certificates(encode_certificates([])) == ()
    backwards = encode_certificates(reversed(of_changes(old)))
    twice = encode_certificates(2 * of_changes(old)[:1])
    for wrong in (b"", raw[:-1], raw + b"\0", backwards, twice, encode_certificates([b"no note"])):
        with pytest.raises(LedgerError) as raised:
            decode_certificates(wrong)
        assert raised.value.code is Code.SNAPSHOT_INVALID
