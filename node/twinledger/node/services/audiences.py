"""Who may call what: one line for each method, so that none can be opened by being forgotten.

``docs/architecture``, "Who may ask a node what", is this table in words.
"""

from enum import Enum
from typing import Final

from google.protobuf.descriptor import MethodDescriptor

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.ledger.roles import Role


class Audience(Enum):
    """Who may make a call. Every caller is a registered identity that is not revoked."""

    IDENTITIES = "every identity"
    JUDGED = "every identity, and the method itself decides what it is told"
    STAFF = "admins, operators and auditors"
    LEDGER_READERS = "admins and auditors"
    KEEPERS = "admins and operators of the member whose node it is"


AUDIENCES: Final[dict[str, Audience]] = {
    "LedgerService.Submit": Audience.JUDGED,
    "LedgerService.SubmitBatch": Audience.JUDGED,
    "LedgerService.SubmitStream": Audience.JUDGED,
    "LedgerService.GetTransaction": Audience.JUDGED,
    "LedgerService.GetBlock": Audience.LEDGER_READERS,
    "LedgerService.StreamBlocks": Audience.LEDGER_READERS,
    "LedgerService.Prove": Audience.JUDGED,
    "LedgerService.GetHead": Audience.IDENTITIES,
    "LedgerService.GetReadHeight": Audience.IDENTITIES,
    "TwinService.GetTwin": Audience.JUDGED,
    "TwinService.ListTwins": Audience.JUDGED,
    "TwinService.GetHistory": Audience.JUDGED,
    "TwinService.Trace": Audience.JUDGED,
    "TwinService.Watch": Audience.JUDGED,
    "TwinService.GetAccess": Audience.JUDGED,
    "TwinService.ExplainAccess": Audience.JUDGED,
    "ConsortiumService.GetConsortium": Audience.IDENTITIES,
    "ConsortiumService.ListProposals": Audience.IDENTITIES,
    "ConsortiumService.ListIdentities": Audience.IDENTITIES,
    "OperatorService.GetStatus": Audience.STAFF,
    "OperatorService.TransferLeadership": Audience.KEEPERS,
    "OperatorService.Drain": Audience.KEEPERS,
    "OperatorService.Backup": Audience.KEEPERS,
    "LedgerService.ListEvidence": Audience.IDENTITIES,
    "ServerReflection.ServerReflectionInfo": Audience.IDENTITIES,
}
"""By service and method."""

_ROLES: Final = {
    Audience.STAFF: frozenset({Role.ADMIN, Role.OPERATOR, Role.AUDITOR}),
    Audience.LEDGER_READERS: frozenset({Role.ADMIN, Role.AUDITOR}),
    Audience.KEEPERS: frozenset({Role.ADMIN, Role.OPERATOR}),
}


def audience_of(method: MethodDescriptor) -> Audience:
    """Who may call a method; a method without a line here keeps the node from starting."""
    name = f"{method.containing_service.name}.{method.name}"
    invariant(name in AUDIENCES, f"{name} has no audience: say in audiences.py who may call it")
    return AUDIENCES[name]


def require_audience(audience: Audience, caller: IdentityRecord, member: str) -> None:
    """Refuses, with ACCESS_DENIED, a caller that is not meant; `member` runs the node."""
    roles = _ROLES.get(audience)
    if roles is not None and caller.role not in roles:
        raise LedgerError(Code.ACCESS_DENIED, f"it is for {audience.value}")
    if audience is Audience.KEEPERS and caller.member != member:
        raise LedgerError(Code.ACCESS_DENIED, f"it is for {audience.value}")
