"""Reading what the members agreed on and what they vote on.

The records are the ledger's own values, and the plan of a change is made from them here, by the
function that judges it in execution: what is shown before a vote is what would happen.
"""

from dataclasses import dataclass
from typing import Final

from twinledger.client import building
from twinledger.client.nodes import Node
from twinledger.consortium.members import Consortium
from twinledger.consortium.plan import Plan, plan
from twinledger.consortium.proposals import Proposal
from twinledger.consortium.protocol import GENESIS_PROTOCOL, Protocol
from twinledger.ledger.governance_operations import Change
from twinledger.v1 import consortium_service_pb2

PROPOSALS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Governed:
    """What the members agreed on, at a height.

    Attributes:
        consortium: Members, admins, nodes, limits and rules.
        protocol: The protocol's version.
        height: The height it was read at.
    """

    consortium: Consortium
    protocol: Protocol
    height: int

    def plan(self, change: Change) -> Plan:
        """Plans a change, as if the next block decided it.

        Raises:
            LedgerError: the code that proposing it would earn.
        """
        return plan(self.consortium, self.protocol, change, self.height + 1)


async def read_governed(node: Node, seconds: float) -> Governed:
    """Asks one node for what the members agreed on."""
    request = consortium_service_pb2.GetConsortiumRequest()
    response = await node.consortium.GetConsortium(request, timeout=seconds)
    protocol = Protocol.decode(response.protocol) if response.protocol else GENESIS_PROTOCOL
    return Governed(Consortium.decode(response.record), protocol, response.height)


async def read_proposals(node: Node, seconds: float) -> list[Proposal]:
    """Asks one node for the newest proposals, at most a thousand, the newest first."""
    request = building.request(consortium_service_pb2.ListProposalsRequest, page_size=PROPOSALS_MAX)
    response = await node.consortium.ListProposals(request, timeout=seconds)
    return [Proposal.decode(each.number, each.record) for each in response.proposals]
