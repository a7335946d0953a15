"""What a change would do, before anybody votes on it.

The same function plans on an operator's screen and judges in execution, so that what was looked at
is what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from twinledger.consensus import NodeId
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, Member
from twinledger.consortium.nodes import Node
from twinledger.consortium.protocol import Protocol
from twinledger.consortium.rules import (
    MEMBERS_MAX,
    RULE_RANGES,
    Rules,
    certificate_quorum,
    quorum_fault,
)
from twinledger.consortium.storing import check_distinct, check_quorum
from twinledger.ledger import domains, names
from twinledger.ledger.canonical import CanonicalValue, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.ledger.limits import RANGES, limits_fault


@dataclass(frozen=True, slots=True)
class Quorums:
    """Who is needed while a consortium is as it is.

    Attributes:
        nodes: The nodes that order, one for each member.
        ordering: How many of them must answer to order a block: Raft's majority.
        cosigning: Those of them that cosign heads: all whose key is not disqualified.
        certifying: How many must cosign a head.
    """

    nodes: tuple[NodeId, ...]
    ordering: int
    cosigning: tuple[NodeId, ...]
    certifying: int

    @classmethod
    def of(cls, consortium: Consortium) -> Quorums:
        """Of a consortium whose every member's node votes."""
        nodes = tuple(node.node_id for _, node in consortium.nodes)
        cosigning = tuple(n.node_id for _, n in consortium.nodes if not n.disqualified)
        certifying = certificate_quorum(consortium.rules, len(nodes))
        return cls(nodes, len(nodes) // 2 + 1, cosigning, certifying)

    def stop_ordering(self, answering: Collection[NodeId]) -> tuple[NodeId, ...]:
        """The nodes of which the loss of any one would stop ordering."""
        return _fatal(self.nodes, answering, self.ordering)

    def stop_certifying(self, answering: Collection[NodeId]) -> tuple[NodeId, ...]:
        """The nodes of which the loss of any one would stop certifying."""
        return _fatal(self.cosigning, answering, self.certifying)


def _fatal(
    nodes: tuple[NodeId, ...], answering: Collection[NodeId], needed: int
) -> tuple[NodeId, ...]:
    """All of the nodes when too few answer already."""
    up = [node for node in nodes if node in answering]
    return () if len(up) > needed else tuple(up or nodes)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change on its ground.

    Attributes:
        ground: What the ledger must still stand on when it is proposed and decided, 32 bytes.
        change: The change.
        before: The consortium now.
        after: The consortium once the change has taken effect and every member's node votes.
    """

    ground: bytes
    change: Change
    before: Consortium
    after: Consortium

    @property
    def hash(self) -> bytes:
        """What a vote names."""
        return plan_hash(self.ground, self.change)

    @property
    def percent(self) -> int:
        """More than this share of the members must approve."""
        return percent_of(self.before.rules, self.change)


def plan(before: Consortium, protocol: Protocol, change: Change, height: int) -> Plan:
    """Plans a change.

    Args:
        before: The consortium.
        protocol: The protocol.
        change: What shall change.
        height: The block it would be decided in.

    Raises:
        LedgerError: NO_CHANGE, QUORUM_IMPOSSIBLE, BAD_PROPOSAL, PROTOCOL_NOT_LATER,
            MEMBER_NOT_FOUND, MEMBER_CONFLICT, JOIN_INVALID.
    """
    if isinstance(change, ChangeProtocol):
        protocol.changed(change, height)
        after = before
    else:
        after = _after(before, change)
        if after == before:
            raise LedgerError(Code.NO_CHANGE)
    return Plan(ground_of(before, protocol), change, before, after)


def ground_of(consortium: Consortium, protocol: Protocol) -> bytes:
    """What a plan rests on: who the members are, and by which rules they decide.

    Not their admins and not their nodes: those a member changes alone, and could so bring down
    every proposal that it does not like.
    """
    ground: CanonicalValue = {
        "epoch": consortium.epoch,
        "members": [member.name for member in consortium.members],
        "limits": asdict(consortium.limits),
        "rules": asdict(consortium.rules),
        "protocol": protocol.encode(),
    }
    return domains.domain_hash(domains.GROUND, encode(ground))


def plan_hash(ground: bytes, change: Change) -> bytes:
    """The hash of a change on its ground."""
    return domains.domain_hash(domains.PLAN, encode([ground, change_value(change)]))


def percent_of(rules: Rules, change: Change) -> int:
    """The share of the members of which more must approve such a change."""
    match change:
        case AdmitMember():
            return rules.admit_member_percent
        case RemoveMember():
            return rules.remove_member_percent
        case ChangeRules():
            return rules.change_rules_percent
        case ChangeProtocol():
            return rules.change_protocol_percent


def change_value(change: Change) -> dict[str, CanonicalValue]:
    """A change as plans are hashed and proposals are kept."""
    match change:
        case AdmitMember(join_file):
            return {"kind": "admit_member", "join_file": join_file}
        case RemoveMember(member):
            return {"kind": "remove_member", "member": member}
        case ChangeRules(rules, limits):
            return {"kind": "change_rules", "rules": dict(rules), "limits": dict(limits)}
        case ChangeProtocol(version, activation_height):
            return {
                "kind": "change_protocol",
                "version": version,
                "activation_height": activation_height,
            }


def _after(before: Consortium, change: AdmitMember | RemoveMember | ChangeRules) -> Consortium:
    match change:
        case AdmitMember(join_file):
            after = _admitted(before, JoinFile.parse(join_file).member)
        case RemoveMember(name):
            if before.member(name) is None:
                raise LedgerError(Code.MEMBER_NOT_FOUND, name)
            left = tuple(member for member in before.members if member.name != name)
            after = replace(before, members=left)
        case ChangeRules(rules, limits):
            after = replace(
                before,
                rules=replace(before.rules, **_numbers(rules, RULE_RANGES)),
                limits=replace(before.limits, **_numbers(limits, RANGES)),
            )
            if fault := limits_fault(after.limits):
                raise LedgerError(Code.BAD_PROPOSAL, fault)
    _check_quorum(after)
    return after


def _admitted(before: Consortium, member: Member) -> Consortium:
    # Its node counts when it is promoted, and not before: until then it could not answer.
    learners: tuple[Node, ...] = tuple(replace(node, voter=False) for node in member.nodes)
    members = (*before.members, replace(member, nodes=learners))
    if len(members) > MEMBERS_MAX:
        raise LedgerError(Code.MEMBER_CONFLICT, f"a consortium has at most {MEMBERS_MAX} members")
    check_distinct(members)
    return replace(before, members=tuple(sorted(members, key=lambda each: each.name)))


def _numbers(
    changes: Iterable[tuple[str, int]], ranges: Mapping[str, tuple[int, int]]
) -> dict[str, int]:
    for name, value in changes:
        if name not in ranges:
            raise LedgerError(Code.BAD_PROPOSAL, f"there is no rule or limit {names.shown(name)}")
        least, most = ranges[name]
        if not least <= value <= most:
            raise LedgerError(Code.BAD_PROPOSAL, f"{name} is from {least} to {most}")
    return dict(changes)


def _check_quorum(after: Consortium) -> None:
    if fault := quorum_fault(after.rules, len(after.members)):
        raise LedgerError(Code.QUORUM_IMPOSSIBLE, fault)
    check_quorum(after)
