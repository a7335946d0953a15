"""Who votes, who learns, who left: one immutable value and its canonical bytes.

Layout of the bytes (payload of a CONFIGURATION entry), big endian:

    u8   version: 1, or 2 when a record follows
    u64  warrant: the height whose executed state calls for this configuration
    five lists in this order: voters, outgoing, learners, learners_next, removed
        u16  count, then per node: u8 length (1..255), the id as UTF-8
        strictly ascending, so that one configuration has exactly one encoding

Of version 2 the rest is the record, at least one byte; else nothing may follow.
"""

import struct
from dataclasses import dataclass
from typing import Final, Self

from twinledger.consensus.errors import BadConfiguration
from twinledger.consensus.types import MAX_NUMBER, START, Index, NodeId

Nodes = tuple[NodeId, ...]

_VERSION: Final = 1
_WITH_RECORD: Final = 2
_HEADER: Final = struct.Struct(">BQ")
_COUNT: Final = struct.Struct(">H")
_MAX_ID_BYTES: Final = 255


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration. Every tuple is sorted and free of duplicates.

    While `outgoing` is not empty the configuration is joint (dissertation, section 4.3): every
    decision needs a majority of `voters` and a majority of `outgoing`.
    """

    voters: Nodes
    outgoing: Nodes = ()
    learners: Nodes = ()
    learners_next: Nodes = ()
    """Voters of `outgoing` that become learners when the joint configuration is left."""
    removed: Nodes = ()
    """Ids that are dead for ever."""
    warrant: Index = START
    record: bytes = b""
    """Why this configuration begins anew, for the driver to judge; empty in every other one.

    Opaque here. A configuration with a record follows from no majority of the one before it: that
    was lost for good, and whoever speaks for it must have agreed to this one in another way.
    """

    @property
    def joint(self) -> bool:
        """Whether decisions need two majorities."""
        return bool(self.outgoing)

    @property
    def members(self) -> Nodes:
        """Everyone the leader replicates to (itself included), sorted."""
        return tuple(sorted({*self.voters, *self.outgoing, *self.learners, *self.learners_next}))

    def is_voter(self, node: NodeId) -> bool:
        """Whether the node's vote counts in either half."""
        return node in self.voters or node in self.outgoing

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        lists = (self.voters, self.outgoing, self.learners, self.learners_next, self.removed)
        version = _WITH_RECORD if self.record else _VERSION
        nodes = b"".join(map(_encode_nodes, lists))
        return _HEADER.pack(version, self.warrant) + nodes + self.record

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the configuration these bytes encode.

        Raises:
            BadConfiguration: the bytes are not the canonical encoding of a sound configuration.
        """
        if len(data) < _HEADER.size:
            raise BadConfiguration("configuration is cut short")
        version, warrant = _HEADER.unpack_from(data)
        if version not in (_VERSION, _WITH_RECORD) or warrant > MAX_NUMBER:
            raise BadConfiguration("configuration has an unknown version or warrant")
        offset, lists = _HEADER.size, list[Nodes]()
        for _ in range(5):
            nodes, offset = _decode_nodes(data, offset)
            lists.append(nodes)
        record = data[offset:]
        if bool(record) != (version == _WITH_RECORD):
            raise BadConfiguration("bytes follow the configuration, or its record is missing")
        voters, outgoing, learners, learners_next, removed = lists
        configuration = cls(
            voters, outgoing, learners, learners_next, removed, Index(warrant), record
        )
        check(configuration)
        return configuration


def check(configuration: Configuration) -> None:
    """Raise BadConfiguration unless the sets make sense together."""
    voters, outgoing = set(configuration.voters), set(configuration.outgoing)
    learners, learners_next = set(configuration.learners), set(configuration.learners_next)
    if not voters:
        raise BadConfiguration("a configuration needs a voter")
    if learners & (voters | outgoing):
        raise BadConfiguration("a voter cannot be a learner at once")
    if not learners_next <= outgoing - voters:
        raise BadConfiguration("only a voter that is leaving can become a learner next")
    if set(configuration.removed) & (voters | outgoing | learners):
        raise BadConfiguration("a removed node cannot be a member")
    for nodes in (
        configuration.voters,
        configuration.outgoing,
        configuration.learners,
        configuration.learners_next,
        configuration.removed,
    ):
        if list(nodes) != sorted(set(nodes)):
            raise BadConfiguration("a list of nodes is not strictly ascending")


def _encode_nodes(nodes: Nodes) -> bytes:
    encoded = [node.encode() for node in nodes]
    return _COUNT.pack(len(encoded)) + b"".join(bytes([len(name)]) + name for name in encoded)


def _decode_nodes(data: bytes, offset: int) -> tuple[Nodes, int]:
    if offset + _COUNT.size > len(data):
        raise BadConfiguration("configuration is cut short")
    (count,) = _COUNT.unpack_from(data, offset)
    offset += _COUNT.size
    nodes = list[NodeId]()
    for _ in range(count):
        end = offset + 1 + data[offset] if offset < len(data) else len(data) + 1
        if end > len(data) or end == offset + 1:
            raise BadConfiguration("a node id is empty or cut short")
        try:
            nodes.append(NodeId(data[offset + 1 : end].decode()))
        except UnicodeDecodeError as error:
            raise BadConfiguration("a node id is not UTF-8") from error
        offset = end
    return tuple(nodes), offset
