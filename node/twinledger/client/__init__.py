"""The Python SDK: submit transactions, read twins and blocks, watch what happens.

What it is for: one call for each thing a client does, to any node, with a typed error when it
fails and a receipt when it succeeds. Lost connections, busy nodes and changes of leader are dealt
with inside: the same signed bytes go to the next node until the deadline.
What it never does: decide anything about the ledger, sign twice for one call, raise an error of
gRPC's, or import a server's parts.

Read in this order: ``ledger`` (the face), ``identity``, ``building``, ``operations`` and
``transactions`` (what is sent), ``receipts``, ``twin_records`` and ``chain_records`` (what comes
back), ``failures`` (what goes wrong), ``nodes``, ``attempts`` and ``session`` (how one request
survives), ``proofs`` (asking for proofs, and verifying them), ``twins``, ``identities``,
``access_records`` and ``access``, ``window`` and ``pipeline`` (many at once), ``following``
(streams), ``loop_thread``, ``synchronous_twins``, ``synchronous_access`` and ``synchronous`` (the
blocking twin), then ``values``, ``json_values`` and
``operation_json``. ``profile`` says whom to trust, ``channels`` opens every connection,
``certificates`` names what is pinned, ``diagnosis`` tells why none is had.
"""

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
from twinledger.client.failures import OutcomeUnknown, Rejected
from twinledger.client.identities import Consortium, IdentityRecord, Member, NodeRecord
from twinledger.client.identity import Identity
from twinledger.client.ledger import Ledger, connect
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
    "Ledger",
    "LedgerError",
    "Member",
    "NodeRecord",
    "NodeRole",
    "NodeStatus",
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
