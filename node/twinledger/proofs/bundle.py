"""The file: an anchor, every change of the witnesses since, a certified head, and one claim.

There is one encoding of a bundle, so nothing can be added to a file without being noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from twinledger.ledger.canonical import decode_first, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.claims import CLAIMS, Claim
from twinledger.proofs.fields import read_record, to_value

FIRST_LINE: Final = b"twinledger-proof/v1\n"
MAX_BYTES: Final = 16 << 20
_KEYS: Final = {"anchor", "changes", "head", "claim"}


@dataclass(frozen=True, slots=True)
class GenesisAnchor:
    """The chain from its beginning: the genesis body, whose hash is the chain id."""

    genesis: bytes


@dataclass(frozen=True, slots=True)
class HeadAnchor:
    """A head that the verifier trusts already."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A block that changed the witness set, certified by the set before it.

    Attributes:
        header: The block's header.
        path: Its inclusion path in the head that ends at it.
        consortium: The consortium's record after it.
        certificate: Of the head that ends at it.
        consistency: From the head before in the bundle to this one; empty after genesis.
    """

    header: bytes
    path: bytes
    consortium: bytes
    certificate: bytes
    consistency: bytes


@dataclass(frozen=True, slots=True)
class ShownRecovery:
    """The recovery that opened an epoch, after the quorum of the one before was lost.

    Attributes:
        recovery: The recovery file, signed by a quorum of the members.
        consistency: From the head before in the bundle to the one it goes on from; empty after
            genesis.
    """

    recovery: bytes
    consistency: bytes


@dataclass(frozen=True, slots=True)
class ShownHead:
    """The certificate of the head that the claim is proven under, and its consistency path."""

    certificate: bytes
    consistency: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A proof bundle, read but not checked."""

    anchor: GenesisAnchor | HeadAnchor
    changes: tuple[ShownChange | ShownRecovery, ...]
    head: ShownHead
    claim: Claim

    def encode(self) -> bytes:
        """The file's bytes."""
        parts = {"anchor": self.anchor, "changes": self.changes, "head": self.head}
        content = {name: to_value(part) for name, part in parts.items()}
        return FIRST_LINE + encode({**content, "claim": _claim_value(self.claim)})

    @classmethod
    def decode(cls, raw: bytes) -> Bundle:
        """Reads a file.

        Raises:
            LedgerError: PROOF_MALFORMED or PROOF_SURPLUS.
        """
        if len(raw) > MAX_BYTES:
            _refuse(f"a bundle has at most {MAX_BYTES} bytes")
        if not raw.startswith(FIRST_LINE):
            _refuse(f"it does not begin with the line {FIRST_LINE.decode().strip()}")
        top = _dict(_read_whole(raw[len(FIRST_LINE) :]))
        if top.keys() != _KEYS:
            _refuse("a bundle has other fields")
        return cls(
            _read_anchor(top["anchor"]),
            _read_changes(top["changes"]),
            read_record(ShownHead, top["head"]),
            _read_claim(_dict(top["claim"])),
        )


def encode_claim(claim: Claim) -> bytes:
    """A claim alone, for a verifier that has the head which it is proven under."""
    return encode(_claim_value(claim))


def decode_claim(raw: bytes) -> Claim:
    """Reads a claim that came alone.

    Raises:
        LedgerError: PROOF_MALFORMED or PROOF_SURPLUS.
    """
    if len(raw) > MAX_BYTES:
        _refuse(f"a claim has at most {MAX_BYTES} bytes")
    return _read_claim(_dict(_read_whole(raw)))


def _read_whole(raw: bytes) -> Any:
    try:
        value, end = decode_first(raw)
    except LedgerError as error:
        raise LedgerError(Code.PROOF_MALFORMED, error.detail) from None
    if end != len(raw):
        raise LedgerError(Code.PROOF_SURPLUS, f"{len(raw) - end} of them")
    return value


def _read_anchor(value: Any) -> GenesisAnchor | HeadAnchor:
    if "genesis" in _dict(value):
        return read_record(GenesisAnchor, value)
    return read_record(HeadAnchor, value)


def _read_changes(value: Any) -> tuple[ShownChange | ShownRecovery, ...]:
    if type(value) is not list:
        _refuse("its changes are no list")
    return tuple([_read_change(_dict(each)) for each in value])


def _read_change(value: dict[str, Any]) -> ShownChange | ShownRecovery:
    if "recovery" in value:
        return read_record(ShownRecovery, value)
    return read_record(ShownChange, value)


def _read_claim(value: dict[str, Any]) -> Claim:
    kind = value.pop("kind", None)
    if type(kind) is not str or kind not in CLAIMS:
        _refuse("it claims something that this version does not know")
    return read_record(CLAIMS[kind], value)


def _claim_value(claim: Claim) -> dict[str, Any]:
    return {**_map(claim), "kind": claim.kind}


def _map(record: Any) -> dict[str, Any]:
    return _dict(to_value(record))


def _dict(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        _refuse("a part of it is no map")
    return value


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.PROOF_MALFORMED, why)
