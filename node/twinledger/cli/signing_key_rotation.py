"""Changes a node's witness and log keys for `node rotate-key`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twinledger.cli.connection import Connection
from twinledger.cli.key_rotation import owner, record_of, send, usual_passphrase
from twinledger.client import OutcomeUnknown
from twinledger.client.diagnosis import look
from twinledger.client.governance_operations import update_node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.configuration import Configuration
from twinledger.node.node_keys import (
    LOG,
    WITNESS,
    add_signing_key,
    forget_signing_keys,
    public_transports,
)
from twinledger.storage.head_mark import NextSigner

_TAKEN_SECONDS: Final = 60.0
_SILENT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class SigningRotation:
    """What was done.

    Attributes:
        keys: The new public keys, 32 bytes each, by WITNESS and LOG.
        height: The block that recorded them.
        taken: Whether the running node signs with the new witness key; None when it does not run,
            or keeps its witness key.
    """

    keys: dict[str, bytes]
    height: int
    taken: bool | None


def rotate_signing(
    settings: Configuration, connection: Connection, names: Sequence[str]
) -> SigningRotation:
    """Makes new keys, records them, and waits until the running node has taken them into use.

    Args:
        settings: The node's.
        connection: Signs as an admin of the node's member.
        names: WITNESS, LOG or both.

    Raises:
        LedgerError: what keeps the record from being changed; then no key was changed either.
    """
    folder = settings.keys.folder
    right = NextSigner(settings.node.data_dir / "head.next")
    if not settings.node.data_dir.is_dir():
        raise LedgerError(Code.CONFIG_INVALID, f"{settings.node.data_dir} holds no data")
    record = record_of(connection, settings.node.id)
    passphrase = usual_passphrase(folder)
    made = {name: add_signing_key(folder, name, owner(settings), passphrase) for name in names}
    if WITNESS in made:
        right.allow(made[WITNESS])
    change = update_node(settings.node.id, witness_key=made.get(WITNESS), log_key=made.get(LOG))
    before = {WITNESS: record.witness_key, LOG: record.log_key}
    try:
        height = connection.run(lambda ledger: send(ledger, [change]))
    except OutcomeUnknown:
        raise  # the record may name the new keys by now, or later
    except LedgerError:
        for name in made:
            forget_signing_keys(folder, name, [before[name]])
        right.path.unlink(missing_ok=True)
        raise
    taken = _await_taken(settings, right) if WITNESS in made else None
    for name, key in made.items():
        # The old one is used until the node has taken the new one.
        kept = [key] if taken and name == WITNESS else [before[name], key]
        forget_signing_keys(folder, name, kept)
    return SigningRotation(made, height, taken)


def _await_taken(settings: Configuration, right: NextSigner) -> bool | None:
    """The node uses the right of its new key up when it opens its folder with that key.

    It answers nobody while it does, so one that is silent for a moment may well be running.
    """
    deadline = time.monotonic() + _TAKEN_SECONDS
    shown = public_transports(settings.keys.folder)
    heard_at = time.monotonic()
    while right.path.exists():
        if settings.transport.insecure or look(settings.listen.client, shown, None).answered:
            heard_at = time.monotonic()
        if time.monotonic() - heard_at > _SILENT_SECONDS:
            return None
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
