"""What a recovery makes of the state: the first block of the new epoch.

It travels as the record of a configuration that begins anew (``consensus.configuration``), so that
one log entry changes both who orders and who the consortium is. Every node judges it by its own
state exactly after the fork, before it takes the entry and again when it executes it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twinledger.consensus import BadConfiguration, Configuration, Index, NodeId, begin_anew
from twinledger.consortium.governed import CONFIGURATION_KEY, agreed_nodes
from twinledger.consortium.members import CONSORTIUM_KEY, load_consortium
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.judging import judge
from twinledger.consortium.storing import bury_node, check_new_node
from twinledger.ledger.canonical import encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state import StateDraft, StateView, decode_leaf

RECOVERIES: Final = b"recovery/"
"""Where the state keeps every recovery file: ``recovery/EPOCH``, ten digits."""


def recovery_key(epoch: int) -> bytes:
    """The state key of the recovery that opened an epoch."""
    return RECOVERIES + f"{epoch:010d}".encode()


def load_recovery(state: StateView, epoch: int) -> RecoveryFile | None:
    """The recovery that opened an epoch; None for the first epoch."""
    record = state.get(recovery_key(epoch))
    return None if record is None else read_recovery(record)


def read_recovery(record: bytes) -> RecoveryFile:
    """The recovery file in a value of the state; DATA_DAMAGED when it holds none."""
    raw = decode_leaf(record)
    try:
        return RecoveryFile.parse(raw if isinstance(raw, bytes) else b"")
    except LedgerError as error:
        raise LedgerError(Code.DATA_DAMAGED, f"the state's recovery: {error.detail}") from error


def configuration_of(before: Configuration, recovery: RecoveryFile) -> Configuration:
    """What the new epoch's first log entry carries.

    Args:
        before: The newest configuration at the fork or below it.
        recovery: The file.

    Raises:
        LedgerError: RECOVERY_INVALID, when it brings back a node that ordered before.
    """
    voters = [node.node_id for each in recovery.members for node in each.member.nodes]
    try:
        return begin_anew(before, voters, Index(recovery.fork.height), recovery.raw)
    except BadConfiguration as error:
        raise LedgerError(Code.RECOVERY_INVALID, str(error)) from error


def open_epoch(
    state: StateDraft, configuration: Configuration, parent: tuple[int, bytes], chain_id: bytes
) -> RecoveryFile:
    """Judges a recovery by the state exactly after the fork, and changes it.

    Args:
        state: The state after the parent block.
        configuration: What the log entry carries; its record is the recovery file.
        parent: Height and header hash of the block before.
        chain_id: This chain's id.

    Raises:
        LedgerError: whatever the recovery is refused with; then the state is as it was.
    """
    recovery, before = RecoveryFile.parse(configuration.record), load_consortium(state)
    if (recovery.fork.height, recovery.fork.header_hash) != parent:
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, f"it forks at {recovery.fork.height}")
    after = judge(recovery, before, chain_id)
    for _, node in after.nodes:
        check_new_node(state, node)
    _check_voters(configuration, agreed_nodes(after))
    for _, node in before.nodes:
        bury_node(state, node, parent[0] + 1)
    state.put(CONSORTIUM_KEY, after.encode())
    ordering = Configuration(
        configuration.voters, removed=configuration.removed, warrant=configuration.warrant
    )
    state.put(CONFIGURATION_KEY, encode(ordering.encode()))
    state.put(recovery_key(recovery.epoch), encode(recovery.raw))
    return recovery


def _check_voters(configuration: Configuration, agreed: Collection[NodeId]) -> None:
    if set(configuration.voters) != set(agreed) or len(configuration.members) != len(agreed):
        raise LedgerError(Code.RECOVERY_INVALID, "others would order than it names")
