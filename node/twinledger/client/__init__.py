"""The Python SDK: submit transactions, read twins and blocks, watch what happens.

What it is for: one call for each thing a client does, to any node, with a typed error when it
fails and a receipt when it succeeds. Lost connections, busy nodes and changes of leader are dealt
with inside: the same signed bytes go to the next node until the deadline.
What it never does: decide anything about the ledger, sign twice for one call, raise an error of
gRPC's, or import a server's parts.

Read in this order: ``ledger`` (the face), ``identity``, ``building``, ``operations`` and
``transactions`` (what is sent), ``receipts``, ``twin_records`` and ``chain_records`` (what comes
back), ``failures`` (what goes wrong), ``nodes``, ``attempts`` and ``session`` (how one request
survives), ``proofs`` (asking for proofs, and verifying them), ``light``, ``head_file`` and
``truncation`` (the newest certified head), ``proven_records``, ``verified_reads`` and
``verified_streams`` (reads that are proven), ``plain_reads`` (reads at a node's word),
``connecting``, ``twins``, ``identities``, ``access_records`` and ``access``, ``operating`` (one
node and its operator), ``window`` and ``pipeline`` (many at once), ``following`` (streams),
``loop_thread``, ``synchronous_twins``, ``synchronous_access``, ``synchronous_operating`` and
``synchronous`` (the blocking twin), then ``values``, ``json_values`` and ``operation_json``.
``profile`` says whom to trust, ``channels`` opens every connection, ``certificates`` names what is
pinned, ``diagnosis`` tells why none is had.

Each name is loaded when it is first asked for: a node and most commands need few of them, and what
is loaded is paid for at every start. A new name stands in all three lists below.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twinledger.client import operations, proofs
    from twinledger.client.access_records import (
        AccessDecision,
        AccessRule,
        Explanation,
        Ground,
        SignOff,
        TwinPolicy,
    )
    from twinledger.client.chain_records import Block, Head, NodeRole, NodeStatus, PeerStatus
    from twinledger.client.connecting import connect
    from twinledger.client.consortium_records import (
        Consortium,
        IdentityRecord,
        Member,
        NodeRecord,
    )
    from twinledger.client.evidence import ListedEvidence
    from twinledger.client.failures import OutcomeUnknown, Rejected
    from twinledger.client.identity import Identity
    from twinledger.client.ledger import Ledger
    from twinledger.client.operating import Leadership, OperatedNode
    from twinledger.client.operations import Change, Operation
    from twinledger.client.profile import Profile, TrustedNode
    from twinledger.client.proofs import Proof, Question, TrustedHead
    from twinledger.client.receipts import (
        Cursor,
        Receipt,
        ReceiptEvent,
        Stage,
        TransactionStatus,
        Wait,
    )
    from twinledger.client.synchronous import SyncLedger, connect_sync
    from twinledger.client.synchronous_operating import SyncOperatedNode
    from twinledger.client.transactions import SignedTransaction
    from twinledger.client.twin_records import (
        Origin,
        Property,
        Relationship,
        Trace,
        TracedRelationship,
        TracedTwin,
        Twin,
        TwinUpdate,
    )
    from twinledger.client.twins import Direction
    from twinledger.client.values import PropertyValue, Value
    from twinledger.client.window import Outcome
    from twinledger.ledger.access import Effect, Permission
    from twinledger.ledger.canonical import Timestamp
    from twinledger.ledger.errors import Code, LedgerError
    from twinledger.ledger.operations import Role, Section

__all__ = [
    "AccessDecision",
    "AccessRule",
    "Block",
    "Change",
    "Code",
    "Consortium",
    "Cursor",
    "Direction",
    "Effect",
    "Explanation",
    "Ground",
    "Head",
    "Identity",
    "IdentityRecord",
    "Leadership",
    "Ledger",
    "LedgerError",
    "ListedEvidence",
    "Member",
    "NodeRecord",
    "NodeRole",
    "NodeStatus",
    "OperatedNode",
    "Operation",
    "Origin",
    "Outcome",
    "OutcomeUnknown",
    "PeerStatus",
    "Permission",
    "Profile",
    "Proof",
    "Property",
    "PropertyValue",
    "Question",
    "Receipt",
    "ReceiptEvent",
    "Rejected",
    "Relationship",
    "Role",
    "Section",
    "SignOff",
    "SignedTransaction",
    "Stage",
    "SyncLedger",
    "SyncOperatedNode",
    "Timestamp",
    "Trace",
    "TracedRelationship",
    "TracedTwin",
    "TransactionStatus",
    "TrustedHead",
    "TrustedNode",
    "Twin",
    "TwinPolicy",
    "TwinUpdate",
    "Value",
    "Wait",
    "connect",
    "connect_sync",
    "operations",
    "proofs",
]

_HOMES: Final = {
    "twinledger.client.access_records": (
        "AccessDecision AccessRule Explanation Ground SignOff TwinPolicy"
    ),
    "twinledger.client.chain_records": "Block Head NodeRole NodeStatus PeerStatus",
    "twinledger.client.connecting": "connect",
    "twinledger.client.consortium_records": "Consortium IdentityRecord Member NodeRecord",
    "twinledger.client.evidence": "ListedEvidence",
    "twinledger.client.failures": "OutcomeUnknown Rejected",
    "twinledger.client.identity": "Identity",
    "twinledger.client.ledger": "Ledger",
    "twinledger.client.operating": "Leadership OperatedNode",
    "twinledger.client.operations": "Change Operation",
    "twinledger.client.profile": "Profile TrustedNode",
    "twinledger.client.proofs": "Proof Question TrustedHead",
    "twinledger.client.receipts": "Cursor Receipt ReceiptEvent Stage TransactionStatus Wait",
    "twinledger.client.synchronous": "SyncLedger connect_sync",
    "twinledger.client.synchronous_operating": "SyncOperatedNode",
    "twinledger.client.transactions": "SignedTransaction",
    "twinledger.client.twin_records": (
        "Origin Property Relationship Trace TracedRelationship TracedTwin Twin TwinUpdate"
    ),
    "twinledger.client.twins": "Direction",
    "twinledger.client.values": "PropertyValue Value",
    "twinledger.client.window": "Outcome",
    "twinledger.ledger.access": "Effect Permission",
    "twinledger.ledger.canonical": "Timestamp",
    "twinledger.ledger.errors": "Code LedgerError",
    "twinledger.ledger.operations": "Role Section",
}
"""Where each name is defined; one of `__all__` that is not here is a module of this package."""

_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # type checkers would take every misspelt name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _HOME_OF.get(name)
        value = getattr(import_module(home), name) if home else import_module(f".{name}", __name__)
        globals()[name] = value
        return value
