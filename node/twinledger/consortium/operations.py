"""The operations of the consortium, by kind. A new kind is one line here and its function.

Each takes the draft of the state, the operation, and who acts; it changes the draft and returns its
event, or raises the reason and is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from twinledger.consortium import disqualifying, governance, identities, node_changes
from twinledger.consortium.acting import Acting
from twinledger.ledger import governance_operations, operations
from twinledger.ledger.receipt import Event
from twinledger.ledger.state import StateDraft

ConsortiumOperation: TypeAlias = Callable[[StateDraft, Any, Acting], Event]


def _by_authors(function: Callable[[StateDraft, Any, Any], Event]) -> ConsortiumOperation:
    return lambda state, operation, acting: function(state, operation, acting.authors)


CONSORTIUM_OPERATIONS: Final[dict[type, ConsortiumOperation]] = {
    operations.AdmitIdentity: _by_authors(identities.admit),
    operations.RevokeIdentity: _by_authors(identities.revoke),
    operations.RotateKey: _by_authors(identities.rotate),
    governance_operations.Propose: governance.propose,
    governance_operations.Vote: governance.vote,
    governance_operations.Withdraw: governance.withdraw,
    governance_operations.UpdateNode: node_changes.update_node,
    governance_operations.ReplaceNode: node_changes.replace_node,
    governance_operations.BringNode: node_changes.bring_node,
    governance_operations.SubmitEvidence: disqualifying.submit_evidence,
}
