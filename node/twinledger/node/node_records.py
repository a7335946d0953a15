"""Who may connect to this node, and as whom: the ledger's node records, held against certificates.

The records are those of the newest block that this node has executed. A node that was away while
others changed their certificates cannot learn of it from them; it is started with a profile of a
later height, and until its own ledger has reached that height the profile's certificates count too.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from twinledger.client.certificates import fingerprint, host_names, to_pem
from twinledger.client.channels import Credential
from twinledger.client.profile import Profile
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code, LedgerError

logger = logging.getLogger(__name__)

Own = Callable[[], Sequence[Credential]]


class NodeRecords:
    """The records that count now. Changed on the event loop only; any thread may read."""

    def __init__(
        self,
        own_id: NodeId,
        nodes: Iterable[Node],
        height: int,
        *,
        insecure: bool = False,
        given: Profile | None = None,
    ) -> None:
        """`nodes` as the ledger has them at `height`; `given` holds records of a later height.

        A node that begins with a new epoch knows its nodes before it has executed the old one: what
        it executes below `height` is not heard.
        """
        self.own_id = own_id
        self.insecure = insecure
        self._given = given
        self._listeners: list[Callable[[], None]] = []
        self._seen: dict[bytes, NodeId] = {}
        self._ledger = tuple(nodes)
        self._from = self._height = height
        self.nodes: Mapping[NodeId, Node] = self._current()

    @property
    def own(self) -> Node | None:
        """This node's own record; None when it is not in the ledger, or not any more."""
        return self.nodes.get(self.own_id)

    @property
    def peers(self) -> list[Node]:
        """The other nodes."""
        return [node for node in self.nodes.values() if node.node_id != self.own_id]

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after every change."""
        self._listeners.append(changed)

    def executed(self, height: int, nodes: Iterable[Node] | None) -> None:
        """Take in a block; `nodes` are None when it did not touch the records."""
        if height < self._from:
            return  # of an epoch that is over
        self._height = height
        if nodes is not None:
            self._ledger = tuple(nodes)
        elif self._given is None or height < self._given.height:
            return
        if (current := self._current()) != self.nodes:
            self.nodes = current
            logger.info("node records changed", extra={"height": height, "nodes": sorted(current)})
            for changed in self._listeners:
                changed()

    def check(self, node_id: NodeId, certificate: bytes | None) -> None:
        """Refuse who is no other node, or does not show a certificate of its record.

        Raises:
            LedgerError: PEER_UNKNOWN, PEER_CERTIFICATE.
        """
        record = self.nodes.get(node_id)
        if record is None or node_id == self.own_id:
            raise LedgerError(Code.PEER_UNKNOWN, node_id[:64])
        if self.insecure:
            return
        if certificate not in [each.der for each in record.certificates]:
            shown = "none" if certificate is None else self.whose(certificate)
            raise LedgerError(Code.PEER_CERTIFICATE, f"{node_id} shows {shown}")

    def whose(self, certificate: bytes) -> str:
        """Whose certificate it is, in words."""
        short = fingerprint(certificate)[:16]
        for node in self.nodes.values():
            if certificate in [each.der for each in node.certificates]:
                return f"the certificate {short} of {node.node_id}"
        if certificate in self._seen:
            return f"the certificate {short} that {self._seen[certificate]} does not have any more"
        return f"the certificate {short}, which the ledger does not know"

    def roots(self) -> bytes:
        """What a listener trusts: every other node's certificates, PEM."""
        found = [each.der for node in self.peers for each in node.certificates]
        # One that cannot be read would hide those behind it from gRPC.
        return to_pem(*(der for der in found if is_usable(der)))

    def shown(self, held: Sequence[Credential]) -> list[Credential]:
        """Of what this node holds, what it may show, the newest first.

        All it holds when none is in its record: then whoever refuses it says why.
        """
        order = [each.der for each in self.own.certificates] if self.own else []
        known = [each for each in held if each.certificate in order]
        known.sort(key=lambda each: order.index(each.certificate), reverse=True)
        return known or list(held)

    def _current(self) -> dict[NodeId, Node]:
        nodes = {node.node_id: node for node in self._ledger}
        if self._given is not None and self._height < self._given.height:
            nodes = _with(nodes, self._given, self.own_id)
        for node in nodes.values():
            self._seen |= {each.der: node.node_id for each in node.certificates}
        return nodes


@lru_cache(maxsize=1_024)
def is_usable(certificate: bytes) -> bool:
    """Whether a connection can be opened with it: the ledger takes any bytes for a certificate."""
    try:
        host_names(certificate)
    except LedgerError as error:
        logger.warning("a node's certificate is unusable", extra={"reason": str(error)})
        return False
    return True


def _with(nodes: Mapping[NodeId, Node], given: Profile, own_id: NodeId) -> dict[NodeId, Node]:
    """The ledger's nodes, with the addresses and also the certificates of a later profile.

    Nodes that were admitted after the ledger's height are dialled and heard by what it says.
    """
    merged = dict(nodes)
    for trusted in given.nodes:
        node_id = NodeId(trusted.node_id)
        record = merged.get(node_id)
        if node_id == own_id:
            continue
        if record is None:
            record = Node(node_id, "", "", False, b"", b"", ())
        known = {each.der for each in record.certificates}
        more = [NodeCertificate(der, 0) for der in trusted.certificates if der not in known]
        merged[node_id] = replace(
            record,
            peer_address=trusted.peer_address,
            client_address=trusted.client_address,
            certificates=(*record.certificates, *more),
        )
    return merged
