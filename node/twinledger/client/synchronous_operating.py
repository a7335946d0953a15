"""One node and its operator, blocking: the synchronous twin of ``operating``."""

from twinledger.client.chain_records import NodeStatus
from twinledger.client.loop_thread import LoopThread
from twinledger.client.operating import Leadership, OperatedNode


class SyncOperatedNode:
    """One node, as `ledger.node(...)`; see `OperatedNode`."""

    def __init__(self, node: OperatedNode, thread: LoopThread) -> None:
        self._node = node
        self._thread = thread

    def status(self, *, timeout_seconds: float | None = None) -> NodeStatus:
        """How it is; see `OperatedNode.status`."""
        return self._thread.run(self._node.status(timeout_seconds=timeout_seconds))

    def transfer_leadership(
        self, to: str | None = None, *, timeout_seconds: float | None = None
    ) -> Leadership:
        """Has it hand leadership over; see `OperatedNode.transfer_leadership`."""
        return self._thread.run(self._node.transfer_leadership(to, timeout_seconds=timeout_seconds))

    def call_for_another_leader(self, *, timeout_seconds: float | None = None) -> Leadership:
        """Calls for another leader; see `OperatedNode.call_for_another_leader`."""
        return self._thread.run(self._node.call_for_another_leader(timeout_seconds=timeout_seconds))

    def drain(self, *, timeout_seconds: float | None = None) -> None:
        """Waits until it is safe to stop; see `OperatedNode.drain`."""
        self._thread.run(self._node.drain(timeout_seconds=timeout_seconds))

    def take_writes(self, *, timeout_seconds: float | None = None) -> None:
        """Ends its draining; see `OperatedNode.take_writes`."""
        self._thread.run(self._node.take_writes(timeout_seconds=timeout_seconds))
