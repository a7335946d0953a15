"""A consortium in memory whose members propose and vote; what fails leaves no trace."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.unit.execution.chain import START_US, member, node, signer
from twinledger.consortium.acting import Acting
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.identities import find_identity
from twinledger.consortium.join_file import LOG_LINE, WITNESS_LINE, build_join
from twinledger.consortium.members import Consortium, Member, load_consortium
from twinledger.consortium.operations import CONSORTIUM_OPERATIONS
from twinledger.consortium.plan import ground_of
from twinledger.consortium.proposals import Proposal, find_proposal
from twinledger.consortium.protocol import load_protocol
from twinledger.consortium.rules import DEFAULT_RULES, Rules
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    Propose,
    RemoveMember,
    Vote,
)
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.receipt import Event

HOUR_US = 3_600_000_000


def join_of(name: str, port: int, node_id: str = "") -> bytes:
    """The join file of a member with keys that follow from its names."""
    joining = member(name, port)
    if node_id:
        joining = replace(joining, nodes=(node(node_id, port),))
    return join_with(joining)


def join_with(joining: Member) -> bytes:
    """The join file of a member, signed by the keys that follow from its names."""
    (of_node,) = joining.nodes
    signers = {
        **{
            f"{joining.name}/{a.name}": signer(f"{joining.name}/{a.name}").key
            for a in joining.admins
        },
        LOG_LINE: signer(f"{of_node.node_id} log").key,
        WITNESS_LINE: signer(f"{of_node.node_id} witness").key,
    }
    return build_join(joining, signers)


@dataclass
class World:
    """The state, a clock and a height."""

    leaves: dict[bytes, bytes] = field(default_factory=dict)
    chain_id: bytes = bytes(32)
    time_us: int = START_US
    height: int = 0

    @classmethod
    def of(cls, count: int, rules: Rules = DEFAULT_RULES) -> "World":
        """So many members: a, b, c, ..."""
        members = [member(name, 1000 + 10 * i) for i, name in enumerate("abcdefghij"[:count])]
        genesis = Genesis.parse(build("world", START_US, members, rules=rules))
        return cls(dict(genesis.writes()), genesis.chain_id)

    def get(self, key: bytes) -> bytes | None:
        return self.leaves.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted(item for item in self.leaves.items() if item[0].startswith(prefix)))

    def put(self, key: bytes, value: bytes) -> None:
        self.leaves[key] = value

    def delete(self, key: bytes) -> None:
        self.leaves.pop(key, None)

    @property
    def consortium(self) -> Consortium:
        return load_consortium(self)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.consortium.members]

    @property
    def ground(self) -> bytes:
        return ground_of(self.consortium, load_protocol(self))

    def proposal(self, number: int) -> Proposal:
        found = find_proposal(self, number)
        assert found is not None
        return found

    def act(self, identity: str, operation: Any) -> Event:
        """The operation in a block of its own, by an identity: member/admin unless told whole."""
        name = IdentityName(identity if "/" in identity else f"{identity}/admin")
        author = find_identity(self, name)
        assert author is not None, name
        self.height += 1
        before = dict(self.leaves)
        acting = Acting((author,), self.time_us, self.height, self.chain_id)
        try:
            return CONSORTIUM_OPERATIONS[type(operation)](self, operation, acting)
        except LedgerError:
            self.leaves = before  # execution drops the draft of what failed
            raise

    def propose(self, by: str, change: Change) -> Event:
        return self.act(by, Propose(self.ground, change))

    def vote(self, by: str, number: int, approve: bool = True) -> Event:
        return self.act(by, Vote(number, self.proposal(number).plan, approve))

    def pass_(self, change: Change) -> None:
        """Lets members propose and approve, in order, until it has passed."""
        first, *others = self.names
        kind = self.propose(first, change).kind
        number = max(int(key[-10:]) for key, _ in self.scan(b"proposal/"))
        for name in others:
            if kind == "PROPOSAL_PASSED":
                return
            kind = self.vote(name, number).kind
        assert kind == "PROPOSAL_PASSED"


def admit(name: str, port: int = 5000) -> AdmitMember:
    return AdmitMember(join_of(name, port))


def remove(name: str) -> RemoveMember:
    return RemoveMember(MemberName(name))
