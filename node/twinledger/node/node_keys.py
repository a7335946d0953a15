"""A node's own private keys, in one folder.

witness.key        cosigns heads, and nothing else
log.key            signs the log's own line under the heads that this node serves
transport.key      proves this node to those it talks to; its public half is its certificate
NAME.ID.key        made later to replace one of these
"""

import asyncio
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.client.certificates import fingerprint
from twinledger.client.channels import Credential
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
_PURPOSES: Final = {WITNESS: Purpose.WITNESS, LOG: Purpose.LOG}
CERTIFICATE_VALIDITY_US: Final = 730 * 86_400_000_000
"""How long a certificate counts unless somebody chooses otherwise: two years."""


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """What a node signs with, and what it can show to those it talks to."""

    witness: MessageSigner
    log: MessageSigner
    transports: tuple[Credential, ...]

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
        transport = _new_transport(name)
        stored = {
            WITNESS: stored_signing_key(Purpose.WITNESS, name, witness),
            LOG: stored_signing_key(Purpose.LOG, name, log),
            TRANSPORT: _stored(name, transport),
        }
        for file, key in stored.items():
            write_key(folder / file, key, passphrase)
        return cls(witness, log, (transport,))

    @classmethod
    def load(
        cls, folder: Path, record: Node, ask: AskPassphrase = passphrase_of_environment
    ) -> "NodeKeys":
        """Reads the keys of a node's record; the passphrase is asked for at most once.

        A key that was made to replace another is taken also before this node's ledger has it in
        its record: it may be behind, and the key of that record gone.

        Raises:
            LedgerError: KEY_EXPOSED, KEY_LOCKED; KEY_MISMATCH; CONFIG_INVALID, naming file and
                fault; BAD_CERTIFICATE.
        """
        once = AskOnce(ask)
        made = _made_later(folder, record.node_id)
        files = {
            name: _file_of(folder, name, key) or made.get(name, folder / name)
            for name, key in ((WITNESS, record.witness_key), (LOG, record.log_key))
        }
        _, witness = read_signing_key(files[WITNESS], Purpose.WITNESS, once)
        _, log = read_signing_key(files[LOG], Purpose.LOG, once)
        keys = cls(witness, log, _read_transports(folder, once))
        keys.check(record, made_later=made.keys())
        return keys

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
            certificates=(NodeCertificate(self.transports[0].certificate, valid_until_us),),
        )

    def check(self, record: Node, *, made_later: Container[str] = ()) -> None:
        """Refuses, with KEY_MISMATCH, keys that are not those of the node's record.

        Those of `made_later` (WITNESS, LOG, TRANSPORT) may be ahead of it.
        """
        held = {each.certificate for each in self.transports}
        _check(record, self.witness.public_key, self.log.public_key, held, made_later)

    def replaced_by(self, folder: Path, record: Node) -> bool:
        """Whether the record names another witness or log key, and the folder has it.

        Raises:
            LedgerError: KEY_EXPOSED; CONFIG_INVALID, naming file and fault.
        """
        wanted = {WITNESS: record.witness_key, LOG: record.log_key}
        used = {WITNESS: self.witness.public_key, LOG: self.log.public_key}
        return wanted != used and all(_file_of(folder, *each) for each in wanted.items())


def check_public_keys(folder: Path, record: Node) -> None:
    """The same as `NodeKeys.check` without opening what is sealed.

    Raises:
        LedgerError: KEY_MISMATCH; KEY_EXPOSED; CONFIG_INVALID, naming file and fault;
            BAD_CERTIFICATE.
    """
    witness, log = (public_keys(folder, name)[0] for name in (WITNESS, LOG))
    held = public_transports(folder)
    for certificate in held:
        check_certificate(certificate, record.node_id)
    _check(record, witness, log, set(held))


def public_transports(folder: Path) -> list[bytes]:
    """The certificates (DER) of a node's folder, without opening what is sealed.

    Raises:
        LedgerError: KEY_EXPOSED; CONFIG_INVALID, naming file and fault.
    """
    return [read_public(path, Purpose.TRANSPORT).public_key for path in transport_files(folder)]


def add_transport(folder: Path, name: str, passphrase: bytes | None = None) -> bytes:
    """Makes another transport key for a node; returns its certificate (DER).

    Args:
        folder: The node's keys.
        name: Member/node id.
        passphrase: Seals the private key; None leaves it open.

    Raises:
        LedgerError: CONFIG_INVALID when it cannot be written.
    """
    made = _new_transport(name)
    file = folder / f"transport.{fingerprint(made.certificate)[:16]}.key"
    write_key(file, _stored(name, made), passphrase)
    return made.certificate


def public_keys(folder: Path, name: str) -> list[bytes]:
    """The public keys of the files that stand for WITNESS or LOG, the first one's first.

    Raises:
        LedgerError: KEY_EXPOSED; CONFIG_INVALID, naming file and fault.
    """
    return [read_public(path, _PURPOSES[name]).public_key for path in _signing_files(folder, name)]


def add_signing_key(folder: Path, name: str, owner: str, passphrase: bytes | None = None) -> bytes:
    """Makes another witness or log key for a node; returns its public half, 32 bytes.

    Args:
        folder: The node's keys.
        name: WITNESS or LOG.
        owner: Member/node id.
        passphrase: Seals the private key; None leaves it open.

    Raises:
        LedgerError: CONFIG_INVALID when it cannot be written.
    """
    made = SigningKey.generate()
    file = folder / f"{Path(name).stem}.{made.public_key.hex()[:16]}.key"
    write_key(file, stored_signing_key(_PURPOSES[name], owner, made), passphrase)
    return made.public_key


def forget_signing_keys(folder: Path, name: str, keep: Iterable[bytes]) -> None:
    """Deletes the files of all other witness or log keys."""
    kept = set(keep)
    for path in _signing_files(folder, name):
        if read_public(path, _PURPOSES[name]).public_key not in kept:
            path.unlink()


def newest_log_key(folder: Path, ask: AskPassphrase) -> MessageSigner:
    """The log key that was made last.

    Raises:
        LedgerError: KEY_EXPOSED, KEY_LOCKED; CONFIG_INVALID, naming file and fault.
    """
    _, key = read_signing_key(_newest_made(folder, LOG) or folder / LOG, Purpose.LOG, ask)
    return key


def _signing_files(folder: Path, name: str) -> list[Path]:
    stem = Path(name).stem
    made = [path for path in folder.glob(f"{stem}.*.key") if path.name != name]
    made.sort(key=lambda path: path.stat().st_mtime_ns)
    first = folder / name
    return [first, *made] if first.exists() or not made else made


def _file_of(folder: Path, name: str, public_key: bytes) -> Path | None:
    for path in _signing_files(folder, name):
        if read_public(path, _PURPOSES[name]).public_key == public_key:
            return path
    return None


def _newest_made(folder: Path, name: str) -> Path | None:
    """The file that was made last to replace the first one; None when none was."""
    newest = _signing_files(folder, name)[-1]
    return newest if newest.name != name else None


def _made_later(folder: Path, node_id: NodeId) -> dict[str, Path]:
    """A file that was made for this node in the place of WITNESS, LOG, TRANSPORT, where one was."""
    newest = {name: _newest_made(folder, name) for name in _PURPOSES}
    newest[TRANSPORT] = next((p for p in transport_files(folder) if p.name != TRANSPORT), None)
    purposes = {**_PURPOSES, TRANSPORT: Purpose.TRANSPORT}
    return {
        name: path
        for name, path in newest.items()
        # Another node's keys in this folder are a mistake, whenever they were made.
        if path is not None and read_public(path, purposes[name]).name.endswith(f"/{node_id}")
    }


def forget_transports(folder: Path, keep: Iterable[bytes]) -> list[Path]:
    """Deletes the transport keys of all other certificates (DER); returns their files."""
    kept = set(keep)
    gone = [
        path
        for path in transport_files(folder)
        if read_public(path, Purpose.TRANSPORT).public_key not in kept
    ]
    for path in gone:
        path.unlink()
    return gone


class HeldTransports:
    """The transport keys that a running node holds."""

    def __init__(self, folder: Path, ask: AskPassphrase, held: Iterable[Credential]) -> None:
        """`held` were read at start; `ask` opens those that come later."""
        self._folder, self._ask = folder, ask
        self.held = tuple(held)

    async def look(self, record: Node | None) -> bool:
        """Reads the folder again when the record names a certificate that is not held.

        Returns:
            Whether anything was found that is new.

        Raises:
            LedgerError: a file cannot be used; what is held stays.
        """
        known = {each.certificate for each in self.held}
        if record is None or all(each.der in known for each in record.certificates):
            return False
        # In a thread: to open a sealed key takes as long as it should.
        found = await asyncio.to_thread(_read_transports, self._folder, self._ask)
        self.held, before = found, self.held
        return found != before


def _new_transport(name: str) -> Credential:
    key = generate_key()
    return Credential(self_signed(name.partition("/")[2], key), key)


def _stored(name: str, transport: Credential) -> StoredKey:
    return StoredKey(Purpose.TRANSPORT, name, transport.certificate, transport.key)


def transport_files(folder: Path) -> list[Path]:
    """The files of a node's transport keys, at least one."""
    # Without any, the first is what is missed.
    return sorted(folder.glob("transport*.key")) or [folder / TRANSPORT]


def _read_transports(folder: Path, ask: AskPassphrase) -> tuple[Credential, ...]:
    found = [read_key(path, Purpose.TRANSPORT, ask) for path in transport_files(folder)]
    for each in found:
        check_pair(each.public_key, each.private_key)
    return tuple(Credential(each.public_key, each.private_key) for each in found)


def _check(
    record: Node, witness: bytes, log: bytes, held: set[bytes], made_later: Container[str] = ()
) -> None:
    found = {
        WITNESS: witness == record.witness_key,
        LOG: log == record.log_key,
        TRANSPORT: not held.isdisjoint(each.der for each in record.certificates),
    }
    wrong = [file for file, fits in found.items() if not fits and file not in made_later]
    if wrong:
        raise LedgerError(Code.KEY_MISMATCH, f"{', '.join(wrong)} of {record.node_id}")


class AskOnce:
    """Asks for a passphrase once and remembers it."""

    def __init__(self, ask: AskPassphrase) -> None:
        self._ask = ask
        self._answer: bytes | None = None

    def __call__(self, path: Path) -> bytes:
        """The passphrase."""
        if self._answer is None:
            self._answer = self._ask(path)
        return self._answer
