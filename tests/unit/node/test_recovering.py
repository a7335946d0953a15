"""A survivor's folder, the fresh folders that are made of it, and what a snapshot of them needs."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, TIME_US, Chain, admin_of, member, witness_key
from tests.unit.ledger.refusals import refused
from tests.unit.snapshots.conftest import snapshot_of
from tests.unit.snapshots.test_install import installed
from twinledger.consensus import Configuration, EntryKind, Index, NodeId, Verdict
from twinledger.consortium.governed import load_configuration
from twinledger.consortium.join_file import JoinFile, build_join
from twinledger.consortium.members import Consortium
from twinledger.consortium.nodes import NodeCertificate
from twinledger.consortium.recovery.file import RecoveryFile, draft
from twinledger.consortium.recovery.opening import configuration_of, load_recovery
from twinledger.consortium.recovery.statement import (
    SignedStatement,
    StatedHead,
    build_statement,
)
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code
from twinledger.ledger.keys import SigningKey
from twinledger.node.governor import Judge
from twinledger.node.recovering import Survivor, begin_folder, survivor
from twinledger.node.snapshot_certifying import CertifiedHeads
from twinledger.storage import ChainProofs, DataFolder
from twinledger.storage.folder_record import decode_boot

FORK, END = 20, 30
FRESH = NodeId("utility-2")
KEYS = {"witness_key": SigningKey.load(b"w" * 32), "log_key": SigningKey.load(b"l" * 32)}


def certificate(chain: Chain, size: int, epoch: int = 0) -> bytes:
    """The head of a size, signed by the one witness there is."""
    height = size - 1 if epoch else max(size - 2, 0)
    witnesses = witness_set(Consortium.decode(chain.stores.chain.consortium_at(height)))
    root = ChainProofs(chain.stores.chain).history_root(size)
    head = Checkpoint(origin_of(chain.genesis.chain_id, epoch), size, root)
    key = KEYS["witness_key"] if epoch else witness_key("utility")
    signed = cosign(key, witnesses.witnesses[0].name, head, 1_795_000_000)
    return certify(witnesses, head, [signed]).encode()


def join_file() -> JoinFile:
    """A fresh node of the one member."""
    old = member("utility")
    (node,) = old.nodes
    fresh = replace(
        node,
        node_id=FRESH,
        certificates=(NodeCertificate(b"fresh", 2 * TIME_US),),
        witness_key=KEYS["witness_key"].public_key,
        log_key=KEYS["log_key"].public_key,
    )
    signers = {"utility/admin": admin_of("utility").key, **KEYS}
    return JoinFile.parse(build_join(replace(old, nodes=(fresh,)), signers))


def recovery_of(found: Survivor, *, signed: bool = True) -> RecoveryFile:
    """A recovery that rests on this survivor alone."""
    log_key = SigningKey.load(witness_key("utility").seed[::-1])
    said = SignedStatement.parse(build_statement(found.statement(), {"log_key": log_key}))
    file = draft(found.folder.chain_id, 1, found.fork(), [said], [join_file()])
    return file.with_signature(admin_of("utility")) if signed else file


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a node that has 30 blocks, of which 20 are certified. Not to be changed."""
    path = tmp_path_factory.mktemp("lost") / "data"
    chain = Chain.create(path, kept_heights=END)
    chain.grow(END)
    chain.stores.heads.note_newest(certificate(chain, FORK + 1))
    chain.close()
    return path


@pytest.fixture
def old(lost: Path, tmp_path: Path) -> Iterator[Survivor]:
    with survivor(lost, tmp_path) as found:
        yield found


def opened(path: Path) -> Chain:
    """A fresh folder, executed to the end of its log."""
    chain = Chain.open(path, kept_heights=END)
    if chain.stores.chain.applied_height is None:
        chain.begin()
    for index in range(chain.height + 1, chain.stores.log.last_index() + 1):
        chain.execute(chain.stores.log.entry(Index(index)))
    return chain


def test_a_survivor_says_how_far_it_reaches_and_its_folder_stays_as_it_was(
    lost: Path, old: Survivor
) -> None:
    said = old.statement()
    assert (said.member, said.node_id, said.epoch) == ("utility", NODE, 0)
    assert (said.log_height, said.committed_height) == (END, END)
    assert said.signed is None
    root = ChainProofs(old.stores.chain).history_root(FORK + 1)
    assert said.certified == StatedHead(FORK + 1, root)
    assert decode_boot((lost / "boot").read_bytes()) == 1
    assert decode_boot((old.folder.path / "boot").read_bytes()) == 2


def test_a_node_that_runs_is_no_survivor(lost: Path, tmp_path: Path) -> None:
    shutil.copytree(lost, tmp_path / "running")
    with (
        DataFolder.open(tmp_path / "running", reserve_bytes=1 << 20),
        refused(Code.DATA_IN_USE),
        survivor(tmp_path / "running"),
    ):
        pass


def test_without_a_certificate_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(3)
    chain.close()
    with survivor(tmp_path / "data") as found, refused(Code.NOT_CERTIFIED):
        found.fork()


def test_a_fresh_folder_has_the_log_up_to_the_fork_and_the_block_that_opens_the_epoch(
    old: Survivor, tmp_path: Path
) -> None:
    recovery = recovery_of(old)
    assert list(recovery.may_be_lost) == list(range(FORK + 1, END + 1))
    path = tmp_path / "fresh"
    assert begin_folder(path, old.folder.genesis, FRESH, recovery, old) == FORK + 1
    chain = opened(path)
    assert chain.folder.node_id == FRESH
    assert chain.stores.head_mark is not None
    assert chain.stores.log.commit == FORK + 1
    assert chain.stores.log.hard_state.vote is None
    assert chain.stores.chain.header(FORK) == old.stores.chain.header(FORK)
    consortium = Consortium.decode(chain.stores.chain.consortium_at(FORK + 1))
    assert (consortium.epoch, [node.node_id for _, node in consortium.nodes]) == (1, [FRESH])
    assert load_configuration(chain.stores.chain).voters == (FRESH,)
    assert load_recovery(chain.stores.chain, 1) == recovery
    chain.close()


def test_whoever_applies_the_same_file_writes_the_same_entry(old: Survivor, tmp_path: Path) -> None:
    recovery, hashes = recovery_of(old), []
    for name in ("one", "other"):
        begin_folder(tmp_path / name, old.folder.genesis, FRESH, recovery, old)
        chain = Chain.open(tmp_path / name)
        hashes.append(chain.stores.log.hash(Index(FORK + 1)))
        chain.close()
    assert hashes[0] == hashes[1]


def test_an_incomplete_recovery_makes_no_folder(old: Survivor, tmp_path: Path) -> None:
    with refused(Code.RECOVERY_QUORUM):
        path = tmp_path / "fresh"
        begin_folder(path, old.folder.genesis, FRESH, recovery_of(old, signed=False), old)


def test_a_survivor_that_is_behind_gives_what_it_has(old: Survivor, tmp_path: Path) -> None:
    recovery = recovery_of(old)
    chain = Chain.create(tmp_path / "behind")
    chain.grow(7)
    chain.close()
    with survivor(tmp_path / "behind") as behind:
        path = tmp_path / "fresh"
        assert begin_folder(path, behind.folder.genesis, FRESH, recovery, behind) == 7


def test_a_survivor_with_another_history_gives_nothing(old: Survivor, tmp_path: Path) -> None:
    recovery = recovery_of(old)
    chain = Chain.create(tmp_path / "other")
    chain.grow(FORK - 1)
    chain.extend([(EntryKind.BLOCK, b""), (EntryKind.BLOCK, b"")])
    chain.close()
    path = tmp_path / "fresh"
    with (
        survivor(tmp_path / "other") as other,
        refused(Code.RECOVERY_OTHER_HISTORY, f"block of {FORK}"),
    ):
        begin_folder(path, other.folder.genesis, FRESH, recovery, other)
    assert not path.exists() or not any(path.iterdir())


def test_without_a_survivor_a_fresh_folder_begins_empty(old: Survivor, tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    assert begin_folder(path, old.folder.genesis, FRESH, recovery_of(old), None) == 0


def test_a_node_takes_the_opening_entry_only_upon_its_fork_and_as_it_was_signed(
    old: Survivor, tmp_path: Path
) -> None:
    recovery = recovery_of(old)
    begin_folder(tmp_path / "fresh", old.folder.genesis, FRESH, recovery, old)
    chain = Chain.open(tmp_path / "fresh", kept_heights=END)
    chain.begin()
    judge = Judge(chain.stores.chain, chain.genesis.chain_id)
    now = Configuration((NODE,))
    target = configuration_of(now, recovery)
    assert judge(now, target) is Verdict.WAIT
    for index in range(1, FORK + 1):
        chain.execute(chain.stores.log.entry(Index(index)))
    assert judge(now, target) is Verdict.ACCEPT
    unsigned = configuration_of(now, recovery_of(old, signed=False))
    assert judge(now, unsigned) is Verdict.REFUSE
    assert judge(now, replace(target, record=b"no file")) is Verdict.REFUSE
    chain.execute(chain.stores.log.entry(Index(FORK + 1)))
    assert judge(now, target) is Verdict.REFUSE
    chain.close()


# Snapshots.


@pytest.fixture
def recovered(old: Survivor, tmp_path: Path) -> Iterator[Chain]:
    begin_folder(tmp_path / "fresh", old.folder.genesis, FRESH, recovery_of(old), old)
    chain = opened(tmp_path / "fresh")
    chain.grow(5)
    yield chain
    chain.close()


def heads_of(chain: Chain, path: Path) -> CertifiedHeads:
    taken = snapshot_of(chain)
    installed(path, taken, chain).close()
    return CertifiedHeads(path, taken.manifest)


def test_a_snapshot_of_the_new_epoch_counts_under_its_own_certificates(
    recovered: Chain, tmp_path: Path
) -> None:
    heads = heads_of(recovered, tmp_path / "installed")
    size = recovered.height + 1
    found = heads.certificate([], certificate(recovered, size, epoch=1))
    assert found.checkpoint.size == size
    with refused(Code.CERTIFICATE_INVALID):
        heads.certificate([], certificate(recovered, FORK + 1))
    heads.close()


def test_a_snapshot_from_before_the_fork_counts_by_the_recovery(
    recovered: Chain, old: Survivor, tmp_path: Path
) -> None:
    early = Chain.create(tmp_path / "early", kept_heights=END)
    for index in range(1, 11):
        entry = old.stores.log.entry(Index(index))
        early.extend([(entry.kind, entry.payload)])
    heads = heads_of(early, tmp_path / "installed")
    recovery = load_recovery(recovered.stores.chain, 1)
    assert recovery is not None
    newest = certificate(recovered, recovered.height + 1, epoch=1)
    found = heads.certificate([], newest, recovery.raw)
    assert found.checkpoint.size == FORK + 1
    with refused(Code.CERTIFICATE_INVALID):
        heads.certificate([], newest)
    heads.close()
    early.close()
