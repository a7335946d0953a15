"""A chain that went through a recovery is audited as one: both epochs, and the block between."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benchmark.chain import TIME_US, Chain
from tests.unit.auditing.test_audit import edit, flipped, found
from tests.unit.auditing.test_audit_heads import other_signature
from tests.unit.node.test_recovering import FRESH, KEYS, opened, recovery_of
from tests.unit.snapshots.test_set_certificates import CHANGES, key_after, rotate
from tests.unit.snapshots.test_set_certificates import certificate as certificate_before
from twinledger.client import governance_operations as governance
from twinledger.consensus import EntryKind
from twinledger.consortium.members import Consortium
from twinledger.consortium.recovery.opening import recovery_key
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.block import encode_body
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.keys import SigningKey
from twinledger.node.auditing.audit import audit_folder
from twinledger.node.recovering import begin_folder, survivor
from twinledger.storage import ChainProofs
from twinledger.storage.chain_records import header_key, receipts_key
from twinledger.storage.head_mark import HeadMark, SignedMark
from twinledger.storage.head_records import NEWEST_KEY, change_key, members_key
from twinledger.storage.log_records import entry_key

FORK = 20
OPENING = FORK + 1
CHANGE = 27
"""A block of the new epoch that changes the witness; one of the old epoch did, too."""
HEIGHT = 35
LATER = SigningKey.load(b"later".ljust(32, b"."))


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fresh node that went on from a survivor's, with certificates of its own."""
    folder = tmp_path_factory.mktemp("recovered")
    chain = opened(made_fresh(folder))
    assert chain.height == OPENING
    chain.grow(CHANGE - 1 - OPENING)
    register_witness(chain, LATER)
    chain.grow(HEIGHT - CHANGE)
    chain.close()
    chain = Chain.open(folder / "fresh")  # which tells the book of the changes
    book, mark = chain.stores.heads, chain.stores.head_mark
    book.note_change(CHANGE + 1, certificate(chain, CHANGE + 1))
    book.note_newest(certificate(chain, HEIGHT + 1))
    assert mark is not None
    for size in (HEIGHT, HEIGHT + 1):
        mark.advance(marked(chain, size))
    chain.close()
    return folder / "fresh"


def made_fresh(folder: Path) -> Path:
    """What `consortium recover apply` makes of a survivor that has certified up to the fork."""
    chain = Chain.create(folder / "lost")
    chain.grow(CHANGES[0] - 1)
    rotate(chain)
    chain.grow(FORK + 5 - chain.height)
    chain.close()
    chain = Chain.open(folder / "lost")
    book = chain.stores.heads
    book.note_change(CHANGES[0] + 1, certificate_before(chain, CHANGES[0] + 1))
    book.note_newest(certificate_before(chain, FORK + 1))
    chain.close()
    with survivor(folder / "lost", folder) as old:
        begin_folder(folder / "fresh", old.folder.genesis, FRESH, recovery_of(old), old)
    return folder / "fresh"


def register_witness(chain: Chain, key: SigningKey) -> None:
    height = chain.height + 1
    raw = chain.sign(height, governance.update_node(FRESH, witness_key=key.public_key))
    (done,) = chain.extend([(EntryKind.BLOCK, encode_body(TIME_US + height * 1_000_000, [raw]))])
    assert b"COMMITTED" in done.receipts[0]


def head_of(chain: Chain, size: int) -> Checkpoint:
    root = ChainProofs(chain.stores.chain).history_root(size)
    return Checkpoint(origin_of(chain.genesis.chain_id, 1), size, root)


def certificate(chain: Chain, size: int, by: SigningKey | None = None) -> bytes:
    """The head of a size in the new epoch, signed by its one witness unless somebody else does."""
    certifying = Consortium.decode(chain.stores.chain.consortium_at(max(size - 2, OPENING)))
    witnesses = witness_set(certifying)
    (witness,) = witnesses.witnesses
    key = LATER if witness.public_key == LATER.public_key else KEYS["witness_key"]
    head = head_of(chain, size)
    return certify(witnesses, head, [cosign(by or key, witness.name, head, 1_795_000_000)]).encode()


def marked(chain: Chain, size: int) -> SignedMark:
    head = head_of(chain, size)
    return SignedMark(LATER.public_key, head.origin, size, head.root, 1_795_000_000)


@pytest.fixture
def folder(recovered: Path, tmp_path: Path) -> Path:
    return shutil.copytree(recovered, tmp_path / "data")


def test_a_recovered_chain_passes_from_genesis_on(folder: Path) -> None:
    report = audit_folder(folder)
    assert report.sound, report.findings.found
    assert (report.start, report.height) == (0, HEIGHT)


@pytest.mark.parametrize(
    ("key", "height"),
    [
        (header_key(FORK - 5), FORK - 5),
        (header_key(FORK), FORK),
        (header_key(OPENING), OPENING),
        (header_key(HEIGHT), HEIGHT),
        (receipts_key(FORK - 1), FORK - 1),
        (receipts_key(OPENING + 1), OPENING + 1),
        (b"s" + recovery_key(1), OPENING),
        (b"sdead-node/utility-1", OPENING),
        (b"sconfiguration", OPENING),
        (b"sidentity/utility/admin", 0),
    ],
)
def test_damage_to_the_chain_is_named_on_either_side_of_the_fork(
    folder: Path, key: bytes, height: int
) -> None:
    edit(folder, "chain", key, flipped(3))
    report = audit_folder(folder)
    first = found(report)
    assert (first.height, first.key) == (height, key)
    assert report.height == HEIGHT


@pytest.mark.parametrize("height", [FORK - 5, FORK, OPENING, OPENING + 1, HEIGHT])
def test_damage_to_the_log_ends_the_execution_on_either_side_of_the_fork(
    folder: Path, height: int
) -> None:
    edit(folder, "log", entry_key(height), flipped(60))
    report = audit_folder(folder)
    first = found(report)
    assert (first.height, first.store, report.height) == (height, "log", height - 1)


@pytest.mark.parametrize(
    ("key", "change", "height"),
    [
        (NEWEST_KEY, other_signature, HEIGHT),
        (change_key(CHANGE + 1), other_signature, CHANGE),
        (change_key(CHANGE + 1), lambda _: None, CHANGE),
        (members_key(CHANGES[0]), flipped(40), CHANGES[0]),
        (members_key(OPENING), lambda _: None, OPENING),
        (members_key(CHANGE), flipped(40), CHANGE),
    ],
)
def test_damage_to_what_was_certified_is_named_in_either_epoch(
    folder: Path, key: bytes, change: Callable[[bytes], bytes | None], height: int
) -> None:
    edit(folder, "heads", key, change)
    report = audit_folder(folder)
    first = found(report)
    assert (first.height, first.store, first.key) == (height, "heads", key)
    assert report.findings.count == 1


def test_a_certificate_by_the_witness_of_the_epoch_that_ended_counts_no_more(folder: Path) -> None:
    chain = Chain.open(folder)
    forged = certificate(chain, HEIGHT + 1, by=key_after(FORK))
    chain.close()
    edit(folder, "heads", NEWEST_KEY, lambda _: forged)
    first = found(audit_folder(folder))
    assert (first.height, first.key) == (HEIGHT, NEWEST_KEY)


def test_a_head_of_another_history_that_was_signed_in_the_new_epoch_is_found(folder: Path) -> None:
    mark = HeadMark.open(folder / "head.mark")
    assert mark is not None
    before = mark.mark
    other = SignedMark(before.key, before.origin, HEIGHT - 2, bytes(32), before.timestamp_s)
    mark._slots.write(other.encode(), sync=True)
    mark.close()
    finding = found(audit_folder(folder))
    assert (finding.height, finding.store) == (HEIGHT - 3, "head.mark")
