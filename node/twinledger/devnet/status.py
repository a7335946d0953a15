"""How a devnet's nodes are: what their processes and their own services say."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import grpc.aio

from twinledger.client.chain_records import NodeRole, NodeStatus
from twinledger.client.nodes import Endpoint, Node, endpoints_of
from twinledger.client.profile import Profile
from twinledger.client.read_tokens import ReadTokens
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.devnet.process import NodeProcess
from twinledger.v1 import operator_service_pb2

_ANSWER_SECONDS: Final = 3.0
"""A busy machine takes its time; a node that hangs takes for ever."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node.

    Attributes:
        entry: Its name, member and addresses.
        data_dir: Where it stores.
        pid: Its process; None when it is down.
        status: What it says of itself; None when it does not answer.
    """

    entry: NodeEntry
    data_dir: Path
    pid: int | None
    status: NodeStatus | None

    @property
    def leads(self) -> bool:
        """Whether it says that it leads."""
        return self.status is not None and self.status.role is NodeRole.LEADER

    def to_json(self) -> dict[str, Any]:
        """The node as `devnet status --json` shows it; what a node does not tell is null."""
        status = self.status
        return {
            "name": self.entry.name,
            "member": self.entry.member,
            "pid": self.pid,
            "client_address": self.entry.client_address,
            "peer_address": self.entry.peer_address,
            "data_dir": str(self.data_dir),
            "role": str(status.role) if status else None,
            "term": status.term if status else None,
            "height": status.height if status else None,
            "applied_height": status.applied_height if status else None,
            "certified_height": status.certified_height if status else None,
            "head": status.head.hex() if status else None,
        }


async def view_nodes(layout: Layout) -> list[NodeView]:
    """Looks at all nodes at once; one that does not answer in time counts as silent."""
    profile, tokens = layout.profile, ReadTokens(layout.identity(), layout.chain_id)
    return list(
        await asyncio.gather(*(_view(layout, profile, tokens, node) for node in layout.nodes))
    )


async def _view(layout: Layout, profile: Profile, tokens: ReadTokens, entry: NodeEntry) -> NodeView:
    folder = layout.node_folder(entry)
    pid = NodeProcess(folder).pid
    status = await _ask(profile, tokens, entry) if pid is not None else None
    return NodeView(entry, folder / "data", pid, status)


async def _ask(profile: Profile, tokens: ReadTokens, entry: NodeEntry) -> NodeStatus | None:
    for endpoint in _ways(profile, entry):
        status = await _ask_at(endpoint, tokens)
        # Somebody else's server may have the port of a node that is still starting.
        if status is not None and status.node_id == entry.name:
            return status
    return None


def _ways(profile: Profile, entry: NodeEntry) -> list[Endpoint]:
    """Where the node was made to listen, then where the ledger says: they differ while it moves."""
    recorded = [each for each in endpoints_of(profile) if each.node_id == entry.name]
    made = [replace(each, address=entry.client_address) for each in recorded]
    return made + [each for each in recorded if each not in made]


async def _ask_at(endpoint: Endpoint, tokens: ReadTokens) -> NodeStatus | None:
    node = Node.at(endpoint, tokens)
    try:
        request = operator_service_pb2.GetStatusRequest()
        response = await node.operator.GetStatus(request, timeout=_ANSWER_SECONDS)
    except grpc.aio.AioRpcError:
        return None
    finally:
        await node.channel.close(None)
    return NodeStatus.from_message(response)


def leader_of(views: list[NodeView]) -> NodeView | None:
    """The node that leads: of several that say so, the one of the newest term."""
    leading = [view for view in views if view.leads]
    return max(leading, key=lambda view: view.status.term if view.status else 0, default=None)


def agreed_leader(views: Sequence[NodeView]) -> NodeView | None:
    """The node that all follow and that says itself that it leads.

    They are not asked in one moment: whom all follow may lead no more.
    """
    followed = {view.status.leader_id if view.status else None for view in views}
    return next((view for view in views if view.leads and followed == {view.entry.name}), None)


def to_json(layout: Layout, views: list[NodeView]) -> dict[str, Any]:
    """The devnet as `devnet status --json` shows it."""
    return {
        "chain_id": layout.chain_id.hex(),
        "dir": str(layout.path),
        "nodes": [view.to_json() for view in views],
    }
