"""The words everything else here is written in: terms, indexes, entries and the durable vote."""

import hashlib
import struct
from enum import IntEnum, StrEnum
from typing import Final, NewType

from twinledger.consensus.value import value

Term = NewType("Term", int)
Index = NewType("Index", int)
NodeId = NewType("NodeId", str)

# The place before the first entry, where the genesis hash stands.
START: Final = Index(0)
HASH_BYTES: Final = 32
# Numbers travel as u64; half the range keeps every sum of two of them encodable.
MAX_NUMBER: Final = 2**62
# What an entry costs besides its payload, so that many empty entries are not free.
ENTRY_OVERHEAD_BYTES: Final = 64

_ENTRY_DOMAIN: Final = b"twinledger/v1/entry\x00"
_ENTRY_FIELDS: Final = struct.Struct(">QQB")


class EntryKind(IntEnum):
    """What an entry's payload is. The numbers are hashed and stored: never reuse one."""

    BLOCK = 1
    """Opaque to consensus. An empty payload is the no-op of a new leader."""
    CONFIGURATION = 2
    """A canonical encoding of a Configuration, in force from the moment it is appended."""


class Role(StrEnum):
    """What a node is in its current term (dissertation, section 3.3; pre-vote: 9.6)."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


# Members under names of their own: to ask an enum for one costs more than most steps do.
BLOCK: Final = EntryKind.BLOCK
CONFIGURATION: Final = EntryKind.CONFIGURATION
FOLLOWER: Final = Role.FOLLOWER
PRE_CANDIDATE: Final = Role.PRE_CANDIDATE
CANDIDATE: Final = Role.CANDIDATE
LEADER: Final = Role.LEADER


class Verdict(StrEnum):
    """The driver's answer to 'may this configuration entry be appended here?'."""

    ACCEPT = "accept"
    WAIT = "wait"
    """The driver has not executed the warrant height yet. Ask again later."""
    REFUSE = "refuse"
    """The ledger at the warrant height says otherwise: whoever sent it is no leader of ours."""


@value
class Entry:
    """One entry of the log. `hash` covers the whole log up to and including this entry."""

    index: Index
    term: Term
    kind: EntryKind
    payload: bytes
    hash: bytes

    @property
    def size(self) -> int:
        """Bytes this entry counts for in every limit."""
        return len(self.payload) + ENTRY_OVERHEAD_BYTES


@value
class HardState:
    """Term and vote: one record, written and synced as one (dissertation, section 3.8)."""

    term: Term
    vote: NodeId | None


@value
class ReadState:
    """The read named `context` may be served once `index` has been applied."""

    context: bytes
    index: Index


def entry_hash(
    previous_hash: bytes, index: Index, term: Term, kind: EntryKind, payload: bytes
) -> bytes:
    """Return the rolling hash of an entry.

    SHA-256 of: domain, previous entry's hash (32 bytes), index (u64, big endian), term (u64, big
    endian), kind (u8), SHA-256 of the payload. Index 0 has no entry: its hash is the genesis hash.
    """
    return hashlib.sha256(
        _ENTRY_DOMAIN
        + previous_hash
        + _ENTRY_FIELDS.pack(index, term, kind)
        + hashlib.sha256(payload).digest()
    ).digest()


def make_entry(
    previous_hash: bytes, index: Index, term: Term, kind: EntryKind, payload: bytes
) -> Entry:
    """Return the entry that follows the one whose rolling hash is given."""
    return Entry(index, term, kind, payload, entry_hash(previous_hash, index, term, kind, payload))
