"""ConsortiumService: members, nodes and identities as this node has executed them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from twinledger.consortium.identities import IdentityRecord, identity_key
from twinledger.consortium.members import CONSORTIUM_KEY, load_consortium
from twinledger.consortium.proposals import count, proposal_key
from twinledger.consortium.protocol import PROTOCOL_KEY
from twinledger.ledger.names import IdentityName
from twinledger.node.services.paging import page_size
from twinledger.node.services.rendering import identity_message, member_message
from twinledger.storage import ChainReader, ChainStore
from twinledger.v1 import consortium_service_pb2 as pb


@dataclass(slots=True)
class ConsortiumService:
    """The implementation; every method serves the rpc of its name."""

    chain: ChainStore
    chain_id: bytes

    async def get_consortium(self, _: pb.GetConsortiumRequest) -> pb.GetConsortiumResponse:
        """Return the members and their nodes."""
        with self.chain.snapshot() as state:
            consortium = load_consortium(state)
            return pb.GetConsortiumResponse(
                chain_id=self.chain_id,
                name=consortium.name,
                members=[member_message(member) for member in consortium.members],
                height=state.applied_height or 0,
                record=state.get(CONSORTIUM_KEY) or b"",
                protocol=state.get(PROTOCOL_KEY) or b"",
            )

    async def list_proposals(self, request: pb.ListProposalsRequest) -> pb.ListProposalsResponse:
        """Return a page of proposals, the newest first."""
        size = page_size(request.page_size)
        with self.chain.snapshot() as state:
            newest = count(state)
            first = min(newest, request.before_number - 1) if request.before_number else newest
            numbers = range(first, max(0, first - size), -1)
            height = state.applied_height or 0
            return pb.ListProposalsResponse(
                proposals=[
                    pb.ProposalRecord(number=number, record=state.get(proposal_key(number)) or b"")
                    for number in numbers
                ],
                next_before_number=numbers[-1] if numbers and numbers[-1] > 1 else 0,
                height=height,
                block_time_us=state.header(height).time_us,
            )

    async def list_identities(self, request: pb.ListIdentitiesRequest) -> pb.ListIdentitiesResponse:
        """Return a page of identities."""
        size = page_size(request.page_size)
        with self.chain.snapshot() as state:
            page = list(
                islice(_identities(state, request.member, request.after_identity), size + 1)
            )
            return pb.ListIdentitiesResponse(
                identities=[identity_message(record) for record in page[:size]],
                next_after_identity=page[size - 1].identity if len(page) > size else "",
                height=state.applied_height or 0,
            )


def _identities(state: ChainReader, member: str, after: str) -> Iterator[IdentityRecord]:
    every = identity_key(IdentityName(""))
    prefix = every + (f"{member}/".encode() if member else b"")
    for key, raw in state.scan_after(prefix, every + after.encode()):
        yield IdentityRecord.decode(IdentityName(key[len(every) :].decode()), raw)
