"""An audit holds what was certified and signed against the chain, and the drill shows it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, Chain
from tests.unit.auditing.test_audit import edit, flipped, found
from tests.unit.snapshots.conftest import snapshot_of
from tests.unit.snapshots.test_set_certificates import CHANGES, certificate, key_after, rotate
from twinledger.consortium.nodes import witness_name
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import Evidence, SignedHead
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import MemberName
from twinledger.node.auditing.audit import audit_folder
from twinledger.node.auditing.damage import damages
from twinledger.node.auditing.drill import exercise
from twinledger.storage import ChainProofs
from twinledger.storage.folder_copy import copy_folder
from twinledger.storage.head_mark import HeadMark, SignedMark
from twinledger.storage.head_records import NEWEST_KEY, change_key, members_key
from twinledger.storage.set_certificates import read_certificates, write_certificates
from twinledger.storage.snapshot_files import SnapshotFolder

HEIGHT = 30
LIAR = SigningKey.load(b"liar".ljust(32, b"."))


@pytest.fixture(scope="module")
def sound_heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped node's folder whose book of heads has a record of every kind."""
    path = tmp_path_factory.mktemp("heads") / "data"
    chain = Chain.create(path)
    for height in CHANGES:
        chain.grow(height - 1 - chain.height)
        rotate(chain)
    chain.grow(HEIGHT - chain.height)
    chain.close()
    chain = Chain.open(path)  # which tells the book of the changes
    book, origin = chain.stores.heads, origin_of(chain.genesis.chain_id)
    for height in CHANGES:
        book.note_change(height + 1, certificate(chain, height + 1))
    book.note_newest(certificate(chain, HEIGHT + 1))
    root = ChainProofs(chain.stores.chain).history_root
    one, other = (signed(origin, 3, bytes([n]) * 32) for n in (1, 2))
    book.note_seen({LIAR.public_key: signed(origin, 9, root(9))})
    book.note_evidence(
        LIAR.public_key, Evidence(LIAR.public_key, one, other, bytes([2]) * 32, ()).encode()
    )
    write_certificates(snapshot_of(chain).path, [raw for _, raw in book.changes()])
    mark = chain.stores.head_mark
    assert mark is not None
    for size in (HEIGHT, HEIGHT + 1):
        key = key_after(size - 2).public_key
        mark.advance(SignedMark(key, origin, size, root(size), 1_795_000_000))
    chain.close()
    return path


def signed(origin: str, size: int, root: bytes) -> SignedHead:
    head = Checkpoint(origin, size, root)
    return SignedHead(
        head, cosign(LIAR, witness_name(MemberName("maker"), NODE), head, 1_795_000_000)
    )


@pytest.fixture
def folder(sound_heads: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound_heads, tmp_path / "data")


def test_a_sound_book_of_heads_passes(folder: Path) -> None:
    report = audit_folder(folder)
    assert report.sound, report.findings.found


def other_signature(raw: bytes) -> bytes:
    """The same note with another byte in its last signature: it still reads as a note."""
    place = raw.rindex(b"\n") - 12
    return raw[:place] + (b"A" if raw[place : place + 1] != b"A" else b"B") + raw[place + 1 :]


@pytest.mark.parametrize(
    ("key", "change", "height"),
    [
        (NEWEST_KEY, other_signature, HEIGHT),
        (change_key(CHANGES[0] + 1), other_signature, CHANGES[0]),
        (change_key(CHANGES[1] + 1), other_signature, CHANGES[1]),
        (change_key(CHANGES[1] + 1), lambda _: None, CHANGES[1]),
        (members_key(CHANGES[0]), flipped(40), CHANGES[0]),
        (members_key(CHANGES[1]), lambda _: None, CHANGES[1]),
    ],
)
def test_what_is_wrong_is_named_with_its_height(
    folder: Path, key: bytes, change: Callable[[bytes], bytes | None], height: int
) -> None:
    edit(folder, "heads", key, change)
    report = audit_folder(folder)
    first = found(report)
    assert (first.height, first.store, first.key) == (height, "heads", key)
    assert report.findings.count == 1


def test_a_certificate_by_those_who_came_after_is_found(folder: Path) -> None:
    """Of the same head, by the witness whom the change brought in."""
    chain = Chain.open(folder)
    size = CHANGES[0] + 1
    head = Checkpoint(
        origin_of(chain.genesis.chain_id), size, ChainProofs(chain.stores.chain).history_root(size)
    )
    chain.close()
    key = key_after(CHANGES[0])
    line = cosign(key, witness_name(MemberName("utility"), NODE), head, 1_795_000_000).line(
        key.public_key
    )
    edit(folder, "heads", change_key(size), lambda _: head.encode() + b"\n" + line.encode())
    assert found(audit_folder(folder)).height == CHANGES[0]


def test_a_certificate_beside_a_snapshot_is_checked_too(folder: Path) -> None:
    newest = SnapshotFolder(folder / "snapshots").newest()
    assert newest is not None
    first, second = read_certificates(newest.path)
    write_certificates(newest.path, [first, other_signature(second)])
    finding = found(audit_folder(folder))
    assert finding.height == CHANGES[1]
    assert finding.store.startswith("snapshots/")


def test_a_signed_head_of_another_history_is_found(folder: Path) -> None:
    mark = HeadMark.open(folder / "head.mark")
    assert mark is not None
    before = mark.mark
    mark._slots.write(
        SignedMark(before.key, before.origin, 20, bytes(32), before.timestamp_s).encode(), sync=True
    )
    mark.close()
    finding = found(audit_folder(folder))
    assert (finding.height, finding.store) == (19, "head.mark")


def test_every_kind_of_damage_to_what_was_signed_is_found_or_nothing_rests_on_it(
    sound_heads: Path, tmp_path: Path
) -> None:
    copy_folder(sound_heads, tmp_path / "opened")
    mine = ("heads", "head.mark", "certificates of a snapshot")
    done = list[str]()
    for number, damage in enumerate(damages(sound_heads, tmp_path / "opened")):
        if not damage.what.startswith(mine):
            continue
        damaged = tmp_path / f"damaged-{number}"
        copy_folder(sound_heads, damaged)
        damage.do(damaged)
        told = exercise(damage, damaged, tmp_path / "started")
        assert told.as_it_must_be, damage
        done.append(f"{damage.what}, {damage.change}")
    for what in (
        "newest certificate",
        "certificate of the change",
        "consortium after the change",
        "newest head seen of a witness",
        "evidence against a witness",
    ):
        assert sum(what in each for each in done) == 2, what
    assert {"head.mark, a byte flipped", "certificates of a snapshot, a byte flipped"} <= {*done}
