"""A snapshot counts only under a head that the witnesses certified, from genesis on."""

from pathlib import Path

import pytest

from scripts.benchmark.chain import Chain
from tests.unit.snapshots.test_install import installed
from twinledger.consortium.members import Consortium
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SigningKey
from twinledger.node.snapshot_certifying import CertifiedHeads
from twinledger.storage import ChainProofs
from twinledger.storage.snapshot_files import SnapshotFiles

WITNESS = SigningKey.load(b"utility".ljust(32, b"."))


@pytest.fixture
def heads(grown: Chain, taken: SnapshotFiles, tmp_path: Path) -> CertifiedHeads:
    installed(tmp_path / "chain", taken, grown).close()
    return CertifiedHeads(tmp_path / "chain", taken.manifest)


def note(grown: Chain, size: int, root: bytes, key: SigningKey = WITNESS) -> bytes:
    witnesses = witness_set(Consortium.decode(grown.stores.chain.consortium_at(0)))
    checkpoint = Checkpoint(origin_of(grown.genesis.chain_id), size, root)
    signed = cosign(key, witnesses.witnesses[0].name, checkpoint, 1_795_000_000)
    return certify(witnesses, checkpoint, [signed]).encode()


def test_a_certified_head_of_the_snapshot_s_own_size_counts(
    grown: Chain, heads: CertifiedHeads
) -> None:
    root = ChainProofs(grown.stores.chain).history_root(121)
    heads.check_extends(heads.certificate([], note(grown, 121, root)), ())
    heads.close()


def test_what_the_witnesses_did_not_certify_does_not(grown: Chain, heads: CertifiedHeads) -> None:
    root = ChainProofs(grown.stores.chain).history_root(121)
    with pytest.raises(LedgerError):
        heads.certificate([], note(grown, 121, root, SigningKey.load(bytes(32))))
    with pytest.raises(LedgerError) as raised:
        heads.certificate([], note(grown, 120, root))
    assert raised.value.code is Code.HEIGHT_NOT_REACHED
    with pytest.raises(LedgerError) as raised:
        heads.certificate([], b"")
    assert raised.value.code is Code.HEIGHT_NOT_REACHED
    other = heads.certificate([], note(grown, 121, bytes(32)))
    with pytest.raises(LedgerError) as raised:
        heads.check_extends(other, ())
    assert raised.value.code is Code.PROOF_INVALID
    heads.close()
