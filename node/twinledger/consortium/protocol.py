"""The protocol version that the members agreed on, and the height it begins at.

Version 1 is in force from genesis on. A node that does not know a version stops before the first
block under it: it would execute that block by other rules than the others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from twinledger.ledger.canonical import MapForm
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import ChangeProtocol
from twinledger.ledger.state import StateView, split_leaf

PROTOCOL_KEY: Final = b"protocol"
KNOWN_VERSIONS: Final = frozenset({1})
"""What this program knows. A newer program is this one with another set, which is how upgrades are
tried: whoever embeds a node says what it knows; no setting does."""

_FORM: Final = MapForm(activation_height=int, before=int, version=int)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The state's leaf.

    Attributes:
        version: The newest version that was agreed on.
        activation_height: The first block under it.
        before: The version before that block.
    """

    version: int = 1
    activation_height: int = 0
    before: int = 1

    def at(self, height: int) -> int:
        """The version that a block is executed by."""
        return self.version if height >= self.activation_height else self.before

    def changed(self, change: ChangeProtocol, height: int) -> Protocol:
        """The leaf after a change that is decided in the block of this height.

        Raises:
            LedgerError: PROTOCOL_NOT_LATER.
        """
        if change.version <= self.version:
            raise LedgerError(Code.PROTOCOL_NOT_LATER, f"version {self.version} is agreed on")
        if change.activation_height <= height:
            raise LedgerError(Code.PROTOCOL_NOT_LATER, f"height {height} is reached")
        if self.activation_height > height:
            raise LedgerError(
                Code.PROTOCOL_NOT_LATER,
                f"version {self.version} begins at height {self.activation_height}",
            )
        return Protocol(change.version, change.activation_height, self.version)

    def encode(self) -> bytes:
        """The canonical leaf."""
        return _FORM.encode(self.activation_height, self.before, self.version)

    @classmethod
    def decode(cls, raw: bytes) -> Protocol:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        activation_height, before, version = split_leaf(_FORM, raw)
        return cls(version, activation_height, before)


GENESIS_PROTOCOL: Final = Protocol()


def load_protocol(state: StateView) -> Protocol:
    """The protocol as a state has it; there is no leaf before it first changes."""
    raw = state.get(PROTOCOL_KEY)
    return GENESIS_PROTOCOL if raw is None else Protocol.decode(raw)


def refuse_unknown_protocol(
    state: StateView, height: int, knows: Collection[int] = KNOWN_VERSIONS
) -> None:
    """Refuses, with PROTOCOL_UNKNOWN, to execute a block by rules this program does not have.

    Args:
        state: The state exactly before the block.
        height: The block's.
        knows: The versions that this program has.
    """
    version = load_protocol(state).at(height)
    if version not in knows:
        raise LedgerError(Code.PROTOCOL_UNKNOWN, f"version {version} from height {height} on")
