"""A node's own private keys, in one folder.

witness.key     cosigns heads, and nothing else
log.key         signs the log's own line under the heads that this node serves
transport.key   proves this node to those it talks to; its public half is its certificate
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.client.key_files import (
    AskPassphrase,
    passphrase_of_environment,
    read_key,
    read_public,
    read_signing_key,
    stored_signing_key,
    write_key,
)
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.key_file import Purpose, StoredKey
from twinledger.ledger.keys import MessageSigner, SigningKey
from twinledger.node.certificates import check as check_certificate
from twinledger.node.certificates import check_pair, generate_key, self_signed

WITNESS: Final = "witness.key"
LOG: Final = "log.key"
TRANSPORT: Final = "transport.key"
CERTIFICATE_VALIDITY_US: Final = 730 * 86_400_000_000
"""How long a certificate counts unless somebody chooses otherwise: two years."""


@dataclass(frozen=True, slots=True, repr=False)
class TransportKey:
    """What TLS needs.

    Attributes:
        private_key: ECDSA P-256, PKCS #8 in PEM.
        certificate: The self-signed certificate of this key, DER.
    """

    private_key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """What a node signs with."""

    witness: MessageSigner
    log: MessageSigner
    transport: TransportKey

    @classmethod
    def create(cls, folder: Path, name: str, passphrase: bytes | None = None) -> "NodeKeys":
        """Makes the keys of a node and writes them down.

        Args:
            folder: Where to; none of the files may be there.
            name: Member/node id.
            passphrase: Seals the private keys; None leaves them open.

        Raises:
            LedgerError: CONFIG_INVALID when a file exists or cannot be written.
        """
        witness, log = SigningKey.generate(), SigningKey.generate()
        private_key = generate_key()
        certificate = self_signed(name.partition("/")[2], private_key)
        stored = {
            WITNESS: stored_signing_key(Purpose.WITNESS, name, witness),
            LOG: stored_signing_key(Purpose.LOG, name, log),
            TRANSPORT: StoredKey(Purpose.TRANSPORT, name, certificate, private_key),
        }
        for file, key in stored.items():
            write_key(folder / file, key, passphrase)
        return cls(witness, log, TransportKey(private_key, certificate))

    @classmethod
    def load(cls, folder: Path, ask: AskPassphrase = passphrase_of_environment) -> "NodeKeys":
        """Reads the keys of a node; the passphrase is asked for at most once.

        Raises:
            LedgerError: KEY_EXPOSED, KEY_LOCKED; CONFIG_INVALID, naming file and fault;
                BAD_CERTIFICATE.
        """
        once = _Once(ask)
        _, witness = read_signing_key(folder / WITNESS, Purpose.WITNESS, once)
        _, log = read_signing_key(folder / LOG, Purpose.LOG, once)
        stored = read_key(folder / TRANSPORT, Purpose.TRANSPORT, once)
        check_pair(stored.public_key, stored.private_key)
        return cls(witness, log, TransportKey(stored.private_key, stored.public_key))

    def record(
        self, node_id: NodeId, peer_address: str, client_address: str, *, valid_until_us: int
    ) -> Node:
        """The record of a voting node with these keys; its certificate counts until then."""
        return Node(
            node_id=node_id,
            peer_address=peer_address,
            client_address=client_address,
            voter=True,
            witness_key=self.witness.public_key,
            log_key=self.log.public_key,
            certificates=(NodeCertificate(self.transport.certificate, valid_until_us),),
        )

    def check(self, record: Node) -> None:
        """Refuses, with KEY_MISMATCH, keys that are not those of the node's record."""
        _check(record, self.witness.public_key, self.log.public_key, self.transport.certificate)


def check_public_keys(folder: Path, record: Node) -> None:
    """The same as `NodeKeys.check` without opening what is sealed.

    Raises:
        LedgerError: KEY_MISMATCH; KEY_EXPOSED; CONFIG_INVALID, naming file and fault;
            BAD_CERTIFICATE.
    """
    witness = read_public(folder / WITNESS, Purpose.WITNESS).public_key
    log = read_public(folder / LOG, Purpose.LOG).public_key
    certificate = read_public(folder / TRANSPORT, Purpose.TRANSPORT).public_key
    check_certificate(certificate, record.node_id)
    _check(record, witness, log, certificate)


def _check(record: Node, witness: bytes, log: bytes, certificate: bytes) -> None:
    found = {
        WITNESS: witness == record.witness_key,
        LOG: log == record.log_key,
        TRANSPORT: certificate in {each.der for each in record.certificates},
    }
    wrong = [file for file, fits in found.items() if not fits]
    if wrong:
        raise LedgerError(Code.KEY_MISMATCH, f"{', '.join(wrong)} of {record.node_id}")


class _Once:
    """Asks for a passphrase once and remembers it."""

    def __init__(self, ask: AskPassphrase) -> None:
        self._ask = ask
        self._answer: bytes | None = None

    def __call__(self, path: Path) -> bytes:
        if self._answer is None:
            self._answer = self._ask(path)
        return self._answer
