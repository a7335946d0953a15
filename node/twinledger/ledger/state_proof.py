"""Proofs that a key of the state has a value, or that it has none: ``docs/formats``, "State proof".

A proof is the way from the root to where the key's leaf is or would be. A verifier needs nothing
else but the root, the key and the value. Whatever the bytes, it raises PROOF_INVALID or nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NoReturn

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state_tree_page import EMPTY, hash_value, leaf_hash, node_hash, path_of

FORMAT: Final = 1
MAX_DEPTH: Final = 256
MAX_SIZE: Final = 4 + MAX_DEPTH // 8 + 32 * MAX_DEPTH + 64
_HEAD: Final = struct.Struct(">BBH")


class End(IntEnum):
    """What stands where the way of a key ends."""

    LEAF = 1
    EMPTY = 2
    OTHER_LEAF = 3


@dataclass(frozen=True, slots=True)
class StateProof:
    """The way of a key through the tree.

    Attributes:
        end: What stands at its end.
        siblings: The hashes of the subtrees beside the way, from the root down.
        other: Path and value hash of the leaf at the end, when it is another key's.
    """

    end: End
    siblings: tuple[bytes, ...]
    other: tuple[bytes, bytes] | None = None

    def encode(self) -> bytes:
        """The proof's bytes: there is one encoding of a proof."""
        depth = len(self.siblings)
        bits = bytearray((depth + 7) // 8)
        for place, sibling in enumerate(self.siblings):
            if sibling != EMPTY:
                bits[place >> 3] |= 0x80 >> (place & 7)
        kept = [sibling for sibling in self.siblings if sibling != EMPTY]
        return b"".join([_HEAD.pack(FORMAT, self.end, depth), bits, *kept, *(self.other or ())])

    @classmethod
    def decode(cls, raw: bytes) -> StateProof:
        """Reads a proof.

        Raises:
            LedgerError: PROOF_INVALID.
        """
        if not _HEAD.size <= len(raw) <= MAX_SIZE:
            _refuse(f"a state proof has {_HEAD.size} to {MAX_SIZE} bytes, not {len(raw)}")
        found, end, depth = _HEAD.unpack_from(raw)
        if found != FORMAT or end not in list(End) or depth > MAX_DEPTH:
            _refuse("its first four bytes are not those of a state proof")
        return _read_way(raw, End(end), depth)


def _read_way(raw: bytes, end: End, depth: int) -> StateProof:
    start = _HEAD.size + (depth + 7) // 8
    bits = int.from_bytes(raw[_HEAD.size : start], "big") >> (-depth % 8)
    kept = [bits >> (depth - 1 - place) & 1 for place in range(depth)]
    if len(raw) != start + 32 * (sum(kept) + 2 * (end is End.OTHER_LEAF)):
        _refuse("it has not as many hashes as it says")
    hashes = iter([raw[at : at + 32] for at in range(start, len(raw), 32)])
    siblings = tuple([next(hashes) if is_kept else EMPTY for is_kept in kept])
    other = (next(hashes), next(hashes)) if end is End.OTHER_LEAF else None
    proof = StateProof(end, siblings, other)
    if proof.encode() != raw:  # bits behind the last, or an empty subtree with a hash
        _refuse("its bytes are not those that its content has")
    return proof


def verify_presence(root: bytes, key: bytes, value: bytes, proof: StateProof) -> None:
    """Checks that a key of the state has a value.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    verify_leaf(root, path_of(key), hash_value(value), proof)


def verify_leaf(root: bytes, path: bytes, value_hash: bytes, proof: StateProof) -> None:
    """The same of any tree, by path and value hash."""
    if proof.end is not End.LEAF or proof.other is not None:
        _refuse("it is a proof of absence")
    _check_way(root, path, leaf_hash(path, value_hash), proof.siblings)


def verify_absence(root: bytes, key: bytes, proof: StateProof) -> None:
    """Checks that the state has no such key.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    verify_no_leaf(root, path_of(key), proof)


def verify_no_leaf(root: bytes, path: bytes, proof: StateProof) -> None:
    """The same of any tree, by path."""
    if proof.end is End.EMPTY and proof.other is None:
        _check_way(root, path, EMPTY, proof.siblings)
    elif proof.end is End.OTHER_LEAF and proof.other is not None:
        other, value_hash = proof.other
        _check_other(path, other, len(proof.siblings))
        _check_way(root, path, leaf_hash(other, value_hash), proof.siblings)
    else:
        _refuse("it is a proof of presence")


def _check_other(path: bytes, other: bytes, depth: int) -> None:
    """Another key's leaf proves absence only where this key's way passes."""
    differing = int.from_bytes(path, "big") ^ int.from_bytes(other, "big")
    if len(other) != len(path) or differing == 0 or differing.bit_length() > MAX_DEPTH - depth:
        _refuse("the leaf it shows does not stand in the key's way")


def _check_way(root: bytes, path: bytes, found: bytes, siblings: tuple[bytes, ...]) -> None:
    depth = len(siblings)
    if depth > MAX_DEPTH or (depth and siblings[-1] == EMPTY):
        _refuse("its way is longer than the tree's")
    turns = int.from_bytes(path, "big")
    for place in range(depth - 1, -1, -1):
        right = turns >> (MAX_DEPTH - 1 - place) & 1
        found = node_hash(siblings[place], found) if right else node_hash(found, siblings[place])
    if found != root:
        _refuse("it leads to another root")


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.PROOF_INVALID, why)
