"""Who asks for an operation, and when: what the operations of the consortium see of their block."""

from __future__ import annotations

from dataclasses import dataclass

from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.members import Consortium, Member
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.ledger.operations import Role


@dataclass(frozen=True, slots=True)
class Acting:
    """The authors of a transaction, and the block it stands in.

    Attributes:
        authors: As registered before the transaction.
        time_us: The block's time.
        height: The block.
        chain_id: The chain it is on, 32 bytes.
    """

    authors: tuple[IdentityRecord, ...]
    time_us: int
    height: int
    chain_id: bytes

    def voter(self, consortium: Consortium) -> tuple[IdentityRecord, Member]:
        """The first author who speaks for a member, and that member.

        Raises:
            LedgerError: NOT_A_VOTER.
        """
        for author in self.authors:
            member = consortium.member(author.member)
            if author.role is Role.ADMIN and member is not None:
                return author, member
        raise LedgerError(Code.NOT_A_VOTER)

    def require_admin(self, member: MemberName) -> None:
        """Refuses, with ACCESS_DENIED, what only an admin of this member may do."""
        if not any(a.role is Role.ADMIN and a.member == member for a in self.authors):
            raise LedgerError(Code.ACCESS_DENIED, f"only an admin of {member} may do this")

    def require_operator(self) -> None:
        """Refuses, with ACCESS_DENIED, what takes an admin or operator of some member."""
        if not any(a.role in (Role.ADMIN, Role.OPERATOR) for a in self.authors):
            raise LedgerError(Code.ACCESS_DENIED, "it takes an admin or operator of a member")
