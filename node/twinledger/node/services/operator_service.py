"""OperatorService: how this node is, and how it is taken out of service."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from twinledger.consensus import NodeId, Role
from twinledger.consortium.members import load_consortium
from twinledger.node import heads_warnings, validity
from twinledger.node.backing_up import BackingUp
from twinledger.node.disk_watch import DiskWatch
from twinledger.node.duties import Duties
from twinledger.node.feed import Feed
from twinledger.node.heads import Heads
from twinledger.node.leader_watch import LeaderWatch
from twinledger.node.node_records import NodeRecords
from twinledger.node.pool import Pool
from twinledger.node.replica import Replica, now_us
from twinledger.node.submission import Outcome
from twinledger.storage import ChainStore
from twinledger.v1 import operator_service_pb2 as pb

_ROLES: Final = {
    Role.FOLLOWER: pb.NODE_ROLE_FOLLOWER,
    Role.PRE_CANDIDATE: pb.NODE_ROLE_PRE_CANDIDATE,
    Role.CANDIDATE: pb.NODE_ROLE_CANDIDATE,
    Role.LEADER: pb.NODE_ROLE_LEADER,
}


@dataclass(slots=True)
class OperatorService:
    """The implementation; every method serves the rpc of its name."""

    node_id: NodeId
    member: str
    chain_id: bytes
    replica: Replica
    chain: ChainStore
    pool: Pool
    disk: DiskWatch
    duties: Duties
    leader_watch: LeaderWatch
    feed: Feed[Outcome]
    records: NodeRecords
    heads: Heads
    backing_up: BackingUp
    started_s: float

    async def get_status(self, _: pb.GetStatusRequest) -> pb.GetStatusResponse:
        """Return the node's state."""
        core = self.replica.core
        header = self.chain.header(self.feed.height)
        response = pb.GetStatusResponse(
            node_id=self.node_id,
            member=self.member,
            chain_id=self.chain_id,
            role=self._role(),
            term=core.term,
            leader_id=core.leader or "",
            height=core.last_index,
            committed_height=core.commit,
            applied_height=header.height,
            head=header.hash(),
            block_time_us=header.time_us,
            pool_transactions=len(self.pool),
            pool_bytes=self.pool.total_bytes,
            pool_capacity=self.pool.max_transactions,
            peers=self._peers(),
            disk_free_bytes=self.disk.free,
            uptime_us=int((time.monotonic() - self.started_s) * 1_000_000),
            version=version("twinledger"),
            warnings=self._warnings(),
            certificates=self._certificates(),
        )
        self._add_heads(response)
        return response

    async def transfer_leadership(
        self, request: pb.TransferLeadershipRequest
    ) -> pb.TransferLeadershipResponse:
        """Hand leadership over, or call for another leader."""
        if request.call:
            self.leader_watch.call()
        else:
            await self.duties.transfer(NodeId(request.to) if request.to else None)
        core = self.replica.core
        callers = sorted(self.leader_watch.callers())
        return pb.TransferLeadershipResponse(
            leader_id=core.leader or "", term=core.term, callers=callers
        )

    async def drain(self, request: pb.DrainRequest) -> pb.DrainResponse:
        """Take no more writes, or take them again."""
        if request.undo:
            self.duties.undo()
        else:
            self.duties.drain()
        return pb.DrainResponse(waits_for=self.duties.waits_for())

    def backup(self, request: pb.BackupRequest) -> AsyncIterator[pb.BackupResponse]:
        """Send the chain in parts."""
        return self.backing_up.parts(request)

    def _add_heads(self, response: pb.GetStatusResponse) -> None:
        keeper, certificate = self.heads.keeper, self.heads.certificate
        response.evidence_count = len(keeper.suspicions.evidence)
        if certificate is not None:
            response.certified_height = certificate.checkpoint.height
            response.certified_at_s = min(made.timestamp_s for made in certificate.cosignatures)
        if keeper.signing.signed is not None:
            response.signed_height = keeper.signing.signed.height

    def _certificates(self) -> list[pb.CertificateValidity]:
        if self.records.insecure:
            return []
        return [
            pb.CertificateValidity(
                node_id=node_id,
                valid_until_us=record.certificates[-1].valid_until_us,
                days_left=validity.days_left(record, now_us()),
            )
            for node_id, record in sorted(self.records.nodes.items())
        ]

    def _role(self) -> pb.NodeRole.ValueType:
        core = self.replica.core
        if not core.configuration.is_voter(self.node_id):
            return pb.NODE_ROLE_LEARNER
        return _ROLES[core.role]

    def _peers(self) -> list[pb.PeerStatus]:
        progress = self.replica.core.progress
        return [
            pb.PeerStatus(
                node_id=peer.node_id,
                address=peer.address,
                connected=peer.connected,
                match_height=progress[peer.node_id].match if peer.node_id in progress else 0,
            )
            for peer in self.replica.transport.peers.values()
        ]

    def _warnings(self) -> list[str]:
        refusals = (self.duties.refusal(), self.disk.refusal())
        warnings = [refusal.message for refusal in refusals if refusal]
        if self.replica.core.leader is None:
            warnings.append(
                "No leader is known: nothing is ordered until a majority of nodes talk."
            )
        warnings += self.leader_watch.warnings()
        warnings += self._unfollowed()
        if self.records.insecure:
            warnings.append("Nothing is encrypted: transport.insecure is set in node.toml.")
        elif own := self.records.own:
            warnings += [said for said in [validity.warning(own, now_us())] if said]
        warnings.extend(heads_warnings.warnings(self.heads, load_consortium(self.chain)))
        return warnings + [
            peer.trouble for peer in self.replica.transport.peers.values() if peer.trouble
        ]

    def _unfollowed(self) -> list[str]:
        """Say when those who order are not those whom the ledger names."""
        agreed, ordering = set(self.records.nodes), set(self.replica.core.configuration.voters)
        missing, left = sorted(agreed - ordering), sorted(ordering - agreed)
        said = []
        if missing:
            said.append(f"On the ledger, but without a vote in ordering: {', '.join(missing)}.")
        if left:
            said.append(f"Not on the ledger any more, but still ordering: {', '.join(left)}.")
        return said
