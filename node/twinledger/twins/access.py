"""Who may do what to a twin. Default closed.

The rule until path policies come: only identities of the member that owns the twin; admins and
operators may do everything, devices only update, auditors nothing. A transaction with several
authors may do what any one of them may. Rights are those the authors had before the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.ledger.operations import Role

KEEPERS = frozenset({Role.ADMIN, Role.OPERATOR})
"""May create, relate and retire, besides updating."""
UPDATERS = KEEPERS | {Role.DEVICE}
"""May update properties."""


def require(authors: Iterable[IdentityRecord], owner: MemberName, roles: frozenset[Role]) -> None:
    """Lets an operation pass when some author is of the owning member and in one of the roles.

    Raises:
        LedgerError: ACCESS_DENIED.
    """
    for author in authors:
        if author.role in roles and author.member == owner:
            return
    wanted = " or ".join(role.name.lower() for role in sorted(roles))
    raise LedgerError(Code.ACCESS_DENIED, f"it needs an {wanted} of {owner}")
