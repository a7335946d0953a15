"""Is a snapshot's head certified? Asked of the node that offers it, and believed from genesis on.

The witnesses are those of genesis; every change of them in the snapshot's headers must be certified
by the set before it, and the newest certificate must be of a head that extends the snapshot's. A
recovery stands for all that was certified before it: it proves itself from genesis.
"""

from collections.abc import Sequence
from pathlib import Path

from twinledger.consortium.members import Consortium
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.opening import load_recovery
from twinledger.consortium.witnesses import Certificate, check_certificate, witness_set
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import decode_way, verify_consistency
from twinledger.ledger.history_tree import root
from twinledger.node.transport import Peer
from twinledger.proofs.verify import verify, verify_recovery
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.chain_trees import PageCache
from twinledger.storage.damage import REBUILD_CHAIN
from twinledger.storage.database import Database
from twinledger.storage.head_records import size_of
from twinledger.storage.no_bodies import NoBodies
from twinledger.storage.set_changes import check_certified as check_certified_head
from twinledger.storage.set_changes import set_changes
from twinledger.storage.snapshot_format import Manifest, snapshot_invalid
from twinledger.v1.peer_service_pb2 import GetCertificatesRequest, GetConsistencyRequest, PeerHello


class CertifiedHeads:
    """What follows from genesis about who certifies, in a chain that was made of a snapshot."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """`path` is that of the chain, which nobody else has open."""
        self._database = Database(path, REBUILD_CHAIN, cache_bytes=1 << 20)
        self._chain = ChainReader(self._database, NoBodies(), PageCache())
        self._chain_id = manifest.chain_id
        self._height = manifest.height
        self.changes: list[bytes] = []
        """The certificates of the changes up to the snapshot, once they were checked."""

    def close(self) -> None:
        """Close the chain."""
        self._database.close()

    def certificate(
        self, changes: Sequence[bytes], newest: bytes, recovery: bytes = b""
    ) -> Certificate:
        """Return a certificate of a head that is at least the snapshot's.

        Args:
            changes: The certificates of changes of the witnesses, sizes ascending.
            newest: The newest certificate.
            recovery: The recovery file that opened the newest epoch; empty in the first one.

        Raises:
            LedgerError: what is wrong with a certificate or a recovery; SNAPSHOT_INVALID;
                HEIGHT_NOT_REACHED.
        """
        if recovery and (fork := RecoveryFile.parse(recovery).fork).size > self._height:
            verify_recovery(recovery, self._chain_id)
            return verify(fork.proof, self._chain_id).certificate
        opening = self._check_opening()
        unused = [raw for raw in changes if size_of(raw) > opening + 1]
        certificate = None
        for change in set_changes(self._chain):
            if change.height <= opening:
                continue
            if not unused:
                raise snapshot_invalid(f"the witnesses changed at {change.height}, uncertified")
            raw = unused.pop(0)
            certificate = check_certified_head(raw, change.before, self._chain, self._chain_id)
            if certificate.checkpoint.size != change.size:
                raise snapshot_invalid(f"the change at {change.height} has no certificate")
            self.changes.append(raw)
        if certificate is not None and certificate.checkpoint.size == self._height + 1:
            return certificate
        later = unused[0] if unused else newest
        if not later:
            raise LedgerError(Code.HEIGHT_NOT_REACHED, "nothing is certified yet")
        certificate = self._checked(later, self._height)
        if certificate.checkpoint.size <= self._height:
            told = f"certified is size {certificate.checkpoint.size}"
            raise LedgerError(Code.HEIGHT_NOT_REACHED, told)
        return certificate

    def _check_opening(self) -> int:
        """The height of the block that opened the snapshot's epoch, 0 for the first one.

        Raises:
            LedgerError: PROOF_RECOVERY; SNAPSHOT_INVALID, when the recovery in the state does not
                lead to this history.
        """
        epoch = Consortium.decode(self._chain.consortium_at(self._height)).epoch
        recovery = load_recovery(self._chain, epoch)
        if recovery is None:
            if epoch:
                raise snapshot_invalid(f"no recovery opened epoch {epoch}")
            return 0
        opened, fork = verify_recovery(recovery.raw, self._chain_id), recovery.fork
        leaf = self._chain.consortium_at(fork.size)
        if self._root(fork.size) != fork.root or opened.consortium.encode() != leaf:
            raise snapshot_invalid(f"the recovery into epoch {epoch} is of another history")
        return fork.size

    def check_extends(self, certificate: Certificate, way: tuple[bytes, ...]) -> None:
        """Hold the certified head against the snapshot's.

        Raises:
            LedgerError: PROOF_INVALID.
        """
        size, head = self._height + 1, certificate.checkpoint
        verify_consistency(self._root(size), size, head.root, head.size, way)

    def _checked(self, raw: bytes, height: int) -> Certificate:
        """A certificate by those who are the witnesses after a block."""
        consortium = Consortium.decode(self._chain.consortium_at(height))
        origin = origin_of(self._chain_id, consortium.epoch)
        return check_certificate(raw, witness_set(consortium), origin)

    def _root(self, size: int) -> bytes:
        return root(self._chain.trees, size)


async def check_certified(
    peer: Peer, hello: PeerHello, path: Path, manifest: Manifest
) -> tuple[bytes, ...]:
    """Refuse a snapshot whose head does not lie under a certified one.

    Returns:
        The certificates of every change of the witnesses in it, to be kept with it.

    Raises:
        LedgerError: SNAPSHOT_INVALID, HEIGHT_NOT_REACHED, PROOF_INVALID, or what is wrong with a
            certificate; CONNECTION_LOST.
    """
    heads = CertifiedHeads(path, manifest)
    try:
        certificate = heads.certificate(*await _certificates(peer, hello))
        size = manifest.height + 1
        request = GetConsistencyRequest(
            hello=hello, first_size=size, second_size=certificate.checkpoint.size
        )
        answer = await peer.ask(lambda stub: stub.GetConsistency(request))
        heads.check_extends(certificate, decode_way(answer.path))
        return tuple(heads.changes)
    finally:
        heads.close()


async def _certificates(peer: Peer, hello: PeerHello) -> tuple[list[bytes], bytes, bytes]:
    """All certificates of changes that the node has, its newest one, and what opened the epoch."""
    changes, request = list[bytes](), GetCertificatesRequest(hello=hello)
    while True:
        answer = await peer.ask(lambda stub: stub.GetCertificates(request))
        changes += answer.changes
        if not answer.changes:
            return changes, answer.newest, answer.recovery
        request.after_size = _size(answer.changes[-1])


def _size(certificate: bytes) -> int:
    """The size a certificate says, which is not checked yet."""
    try:
        return int(certificate.split(b"\n")[1])
    except (IndexError, ValueError) as error:
        raise snapshot_invalid("a certificate is not readable") from error
