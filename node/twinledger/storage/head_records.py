"""How the book of heads looks in its LevelDB. Big endian; a key's first byte is its kind.

c                        the newest certificate: a signed note
e PUBLIC KEY             evidence that this key signed two histories: canonical bytes
m height u64             the consortium's leaf after a block that changed the witnesses
s size u64               the certificate of the head that ends at such a block: a signed note
w PUBLIC KEY             the newest head that this witness signed and this node checked: a seen head

A seen head: u8 length and the witness's name, u8 length and the origin, u64 size, 32 root, u64
timestamp, 64 signature.
"""

import struct
from typing import Final

from twinledger.ledger.checkpoint import Checkpoint, head_of
from twinledger.ledger.cosignature import Cosignature
from twinledger.ledger.evidence import SignedHead, decode_evidence
from twinledger.storage.damage import damaged

NEWEST_KEY: Final = b"c"
EVIDENCE_PREFIX: Final = b"e"
MEMBERS_PREFIX: Final = b"m"
CHANGE_PREFIX: Final = b"s"
SEEN_PREFIX: Final = b"w"

MOVE_HEADS: Final = (
    "Nothing that was certified is lost: move the folders 'heads' and 'chain' out of the data "
    "folder and start the node again; it rebuilds the chain from its log and asks the other nodes "
    "for the certificates."
)

_NUMBERED: Final = struct.Struct(">cQ")
_HEAD: Final = struct.Struct(">Q32sQ64s")


def members_key(height: int) -> bytes:
    """Return the key of the consortium after a height."""
    return _NUMBERED.pack(MEMBERS_PREFIX, height)


def change_key(size: int) -> bytes:
    """Return the key of the certificate of a change of witnesses."""
    return _NUMBERED.pack(CHANGE_PREFIX, size)


def number_of(key: bytes) -> int:
    """Return the height or size in such a key."""
    if len(key) != _NUMBERED.size:
        raise damaged("The book of heads has a key of a wrong length", MOVE_HEADS)
    number: int = _NUMBERED.unpack(key)[1]
    return number


def encode_seen(head: SignedHead) -> bytes:
    """Return the record of a seen head."""
    made, checkpoint = head.cosignature, head.checkpoint
    fields = _HEAD.pack(checkpoint.size, checkpoint.root, made.timestamp_s, made.signature)
    return _text(made.name) + _text(checkpoint.origin) + fields


def decode_seen(record: bytes) -> SignedHead:
    """Read the record of a seen head.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    try:
        name, rest = _split_text(record)
        origin, rest = _split_text(rest)
        size, root, timestamp_s, signature = _HEAD.unpack(rest)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise damaged(
            "The book of heads has a seen head that is not readable", MOVE_HEADS
        ) from error
    return SignedHead(Checkpoint(origin, size, root), Cosignature(name, timestamp_s, signature))


def check_record(key: bytes, record: bytes) -> None:
    """Read a record of any kind; whether it is true is for whoever verifies it.

    Raises:
        LedgerError: DATA_DAMAGED, MALFORMED or PROOF_INVALID.
    """
    kind = key[:1]
    if kind == SEEN_PREFIX:
        decode_seen(record)
    elif kind == EVIDENCE_PREFIX:
        decode_evidence(record)
    elif kind == CHANGE_PREFIX:
        _check_certificate(record, number_of(key))
    elif kind == NEWEST_KEY:
        _check_certificate(record, None)
    elif kind != MEMBERS_PREFIX:
        raise damaged(f"The book of heads has a key of an unknown kind, {key[:16]!r}", MOVE_HEADS)


def size_of(certificate: bytes) -> int:
    """Return the size of a certificate's head; its signatures are not checked.

    Raises:
        LedgerError: MALFORMED.
    """
    return head_of(certificate).size


def _check_certificate(record: bytes, size: int | None) -> None:
    found = size_of(record)
    if size is not None and found != size:
        raise damaged(f"The certificate of size {size} is of size {found}", MOVE_HEADS)


def _text(text: str) -> bytes:
    raw = text.encode("ascii")
    return bytes([len(raw)]) + raw


def _split_text(raw: bytes) -> tuple[str, bytes]:
    end = 1 + raw[0]
    return raw[1:end].decode("ascii"), raw[end:]
