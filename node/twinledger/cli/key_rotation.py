"""Changes a node's transport certificate for `node rotate-key`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from twinledger.cli.connection import Connection
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Ledger, NodeRecord, Operation, OutcomeUnknown, Profile
from twinledger.client.diagnosis import look
from twinledger.client.governance_operations import update_node
from twinledger.client.key_files import read_key, read_public
from twinledger.devnet.layout import profile_path
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.key_file import Purpose
from twinledger.node.configuration import Configuration
from twinledger.node.node_keys import add_transport, forget_transports, transport_files

_SHOWN_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done.

    Attributes:
        certificate: The newest certificate of the record now, DER.
        height: The block that recorded it.
        shown: Whether the running node shows it; None when the node does not run.
    """

    certificate: bytes
    height: int
    shown: bool | None


def owner(settings: Configuration) -> str:
    """Whose node it is, member/node id, as its key files say.

    Raises:
        LedgerError: KEY_EXPOSED; CONFIG_INVALID, naming file and fault.
    """
    return read_public(transport_files(settings.keys.folder)[0], Purpose.TRANSPORT).name


def rotate(
    settings: Configuration, connection: Connection, *, valid_days: int, drop_old: bool
) -> Rotation:
    """Makes a new key, records its certificate beside the newest old one, and waits for the node.

    With `drop_old` none of the old certificates counts any more: for a key that may have leaked.

    Raises:
        LedgerError: what keeps the record from being changed; then no key was changed either.
    """
    folder, node_id = settings.keys.folder, settings.node.id
    passphrase = usual_passphrase(folder)
    record = record_of(connection, node_id)
    before = [der for der, _ in record.certificates]
    certificate = add_transport(folder, owner(settings), passphrase)
    changes = _changes(node_id, before, certificate, _until(valid_days), drop_old=drop_old)
    height = _submit(connection, changes, folder, before)
    kept = [certificate] if drop_old else [*before[-1:], certificate]
    shown = _await_shown(settings, certificate)
    forget_transports(folder, kept)
    _note(connection, node_id, kept, height)
    return Rotation(certificate, height, shown)


def renew(settings: Configuration, connection: Connection, *, valid_days: int) -> Rotation:
    """Lets the newest certificate count for longer; no key is changed.

    Raises:
        LedgerError: what keeps the record from being changed.
    """
    record = record_of(connection, settings.node.id)
    certificate, _ = record.certificates[-1]
    change = update_node(settings.node.id, add_certificate=(certificate, _until(valid_days)))
    height = connection.run(lambda ledger: send(ledger, [change]))
    return Rotation(certificate, height, shown=None)


def _until(valid_days: int) -> int:
    return time.time_ns() // 1000 + valid_days * _DAY_US


def usual_passphrase(folder: Path) -> bytes | None:
    """The passphrase that a node's keys are sealed with; None when they are not.

    Raises:
        LedgerError: KEY_LOCKED when it is none, or another.
    """
    file = transport_files(folder)[0]
    if read_public(file, Purpose.TRANSPORT).seal is None:
        return None
    passphrase = ask_passphrase(file)
    # A second passphrase would keep the node from opening one of the two.
    read_key(file, Purpose.TRANSPORT, lambda _: passphrase)
    return passphrase


def record_of(connection: Connection, node_id: str) -> NodeRecord:
    """A node's record as the ledger has it, or NO_SUCH_NODE."""

    async def work(ledger: Ledger) -> NodeRecord:
        now = await ledger.consortium()
        for member in now.members:
            for node in member.nodes:
                if node.node_id == node_id:
                    return node
        raise LedgerError(Code.NO_SUCH_NODE, f"{node_id}; the ledger does not have it")

    return connection.run(work)


def _changes(
    node_id: str, before: Sequence[bytes], certificate: bytes, until_us: int, *, drop_old: bool
) -> list[Operation]:
    gone = [sha256(der).digest() for der in (before if drop_old else before[:-1])]
    first = update_node(
        node_id,
        add_certificate=(certificate, until_us),
        remove_certificate=gone[0] if gone else None,
    )
    return [first, *(update_node(node_id, remove_certificate=each) for each in gone[1:])]


def _submit(
    connection: Connection, changes: list[Operation], folder: Path, before: Sequence[bytes]
) -> int:
    try:
        return connection.run(lambda ledger: send(ledger, changes))
    except OutcomeUnknown:
        raise  # the record may name the new key by now, or later
    except LedgerError:
        forget_transports(folder, before)
        raise


async def send(ledger: Ledger, changes: list[Operation]) -> int:
    """Submits changes as one transaction; returns its block."""
    return (await ledger.submit(*changes)).height


def _note(connection: Connection, node_id: str, kept: Sequence[bytes], height: int) -> None:
    """Keep the file up to date that this command went by: the next one may find only this node."""
    target = connection.target
    path = target.file if target.devnet is None else profile_path(target.devnet.path)
    if path is not None:
        # Read again: the client that submitted may have followed the ledger in it.
        Profile.load(path).with_certificates(node_id, kept, height).save(path)


def _await_shown(settings: Configuration, certificate: bytes) -> bool | None:
    if settings.transport.insecure:
        return None
    deadline = time.monotonic() + _SHOWN_SECONDS
    while True:
        seen = look(settings.listen.client, [certificate], None)
        if not seen.answered:
            return None
        if seen.certificate == certificate:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
