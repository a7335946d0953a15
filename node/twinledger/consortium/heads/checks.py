"""Signatures to be checked: a value that any thread can run, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from twinledger.ledger.cosignature import check_cosignature
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.evidence import SignedHead


class Purpose(Enum):
    """Why signatures are checked."""

    CERTIFY = auto()
    """A quorum claims one head."""
    LOOK = auto()
    """Something about single witnesses is worth knowing for certain."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A head that a witness is said to have signed; nobody has checked it.

    Attributes:
        public_key: The witness's key.
        signed: The head with the cosignature.
    """

    public_key: bytes
    signed: SignedHead

    @property
    def name(self) -> str:
        """The witness's name."""
        return self.signed.cosignature.name


@dataclass(frozen=True, slots=True)
class Check:
    """Claims to be checked.

    Attributes:
        purpose: What for.
        claims: The claims; those of CERTIFY are all of one head.
    """

    purpose: Purpose
    claims: tuple[Claim, ...]

    def run(self) -> tuple[bool, ...]:
        """Whether each claim is true; some 60 microseconds for each."""
        return tuple([_holds(claim) for claim in self.claims])


def _holds(claim: Claim) -> bool:
    signed = claim.signed
    try:
        check_cosignature(claim.public_key, signed.checkpoint, signed.cosignature)
    except LedgerError:
        return False
    return True
