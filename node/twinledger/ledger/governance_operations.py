"""Operations about the consortium itself, read from the wire: proposals, votes, a member's node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

from twinledger.consensus import NodeId
from twinledger.ledger import keys, names
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import MAX_BYTES as EVIDENCE_BYTES_MAX
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import MemberName
from twinledger.v1 import governance_pb2 as pb

HASH_SIZE: Final = 32
JOIN_FILE_BYTES_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class AdmitMember:
    """Admits a member; the join file is read in execution."""

    join_file: bytes


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Removes a member with its node and its identities."""

    member: MemberName


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """Changes rules and limits, each by name ascending."""

    rules: tuple[tuple[str, int], ...]
    limits: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeProtocol:
    """Changes the protocol version from a height on."""

    version: int
    activation_height: int


Change: TypeAlias = AdmitMember | RemoveMember | ChangeRules | ChangeProtocol
"""What takes a proposal."""


@dataclass(frozen=True, slots=True)
class Propose:
    """Proposes a change on a ground, and approves it."""

    ground: bytes
    change: Change


@dataclass(frozen=True, slots=True)
class Vote:
    """Approves or rejects a proposal, naming the plan that is meant."""

    proposal: int
    plan: bytes
    approve: bool


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Takes a proposal back."""

    proposal: int


@dataclass(frozen=True, slots=True)
class UpdateNode:
    """Changes the record of a node; what is None stays."""

    node_id: NodeId
    peer_address: str | None
    client_address: str | None
    witness_key: bytes | None
    log_key: bytes | None
    add_certificate: tuple[bytes, int] | None
    """DER, and until when it counts in microseconds since 1970."""
    remove_certificate: bytes | None
    """The SHA-256 of its DER."""


@dataclass(frozen=True, slots=True)
class ReplaceNode:
    """Puts the node of a join file in the place of another of the same member."""

    node_id: NodeId
    join_file: bytes


@dataclass(frozen=True, slots=True)
class BringNode:
    """Gives the node of a join file to its member, which has none: a replacement of nothing."""

    join_file: bytes


@dataclass(frozen=True, slots=True)
class SubmitEvidence:
    """Convicts a witness key; the evidence is read in execution."""

    evidence: bytes


def read_propose(message: pb.Propose, _limits: Limits) -> Propose:
    """Raises BAD_PROPOSAL."""
    kind = message.WhichOneof("change")
    if kind is None or len(message.ground) != HASH_SIZE:
        raise _bad_proposal("it needs a change, and a ground of 32 bytes")
    return Propose(message.ground, _CHANGES[kind](getattr(message, kind)))


def read_vote(message: pb.Vote, _limits: Limits) -> Vote:
    """Raises BAD_PROPOSAL."""
    if len(message.plan) != HASH_SIZE:
        raise _bad_proposal("a vote names the plan, 32 bytes")
    return Vote(_whole(message.proposal), message.plan, message.approve)


def read_withdraw(message: pb.Withdraw, _limits: Limits) -> Withdraw:
    """Raises BAD_PROPOSAL."""
    return Withdraw(_whole(message.proposal))


def read_update_node(message: pb.UpdateNode, _limits: Limits) -> UpdateNode:
    """Raises BAD_NODE or BAD_KEY."""
    for address in (_optional(message, "peer_address"), _optional(message, "client_address")):
        if address is not None and not names.is_address(address):
            raise _bad_node(f"{names.shown(address)} is not host:port")
    for key in (_optional(message, "witness_key"), _optional(message, "log_key")):
        if key is not None:
            keys.check_public_key(key)
    removed = _optional(message, "remove_certificate")
    if removed is not None and len(removed) != HASH_SIZE:
        raise _bad_node("remove_certificate is a SHA-256")
    return UpdateNode(
        _node_id(message.node_id),
        _optional(message, "peer_address"),
        _optional(message, "client_address"),
        _optional(message, "witness_key"),
        _optional(message, "log_key"),
        _certificate(message),
        removed,
    )


def read_replace_node(message: pb.ReplaceNode, _limits: Limits) -> ReplaceNode | BringNode:
    """Raises BAD_NODE or BAD_PROPOSAL."""
    if not message.node_id:
        return BringNode(_join_file(message.join_file))
    return ReplaceNode(_node_id(message.node_id), _join_file(message.join_file))


def read_submit_evidence(message: pb.SubmitEvidence, _limits: Limits) -> SubmitEvidence:
    """Raises EVIDENCE_INVALID."""
    if not 1 <= len(message.evidence) <= EVIDENCE_BYTES_MAX:
        raise LedgerError(Code.EVIDENCE_INVALID, f"it has 1 to {EVIDENCE_BYTES_MAX} bytes")
    return SubmitEvidence(message.evidence)


def _read_admit(message: pb.AdmitMember) -> AdmitMember:
    return AdmitMember(_join_file(message.join_file))


def _read_remove(message: pb.RemoveMember) -> RemoveMember:
    if not names.is_name(message.member):
        raise _bad_proposal("the member's name is not 1 to 64 of A-Z a-z 0-9 . _ -")
    return RemoveMember(MemberName(message.member))


def _read_rules(message: pb.ChangeRules) -> ChangeRules:
    rules, limits = _values(message.rules), _values(message.limits)
    if not rules and not limits:
        raise _bad_proposal("it changes no rule and no limit")
    return ChangeRules(rules, limits)


def _values(messages: Iterable[pb.RuleValue]) -> tuple[tuple[str, int], ...]:
    values = tuple([(each.name, each.value) for each in messages])
    if any(one >= other for (one, _), (other, _) in pairwise(values)):
        raise _bad_proposal("the names of rules or limits are not strictly ascending")
    return values


def _read_protocol(message: pb.ChangeProtocol) -> ChangeProtocol:
    return ChangeProtocol(message.version, _whole(message.activation_height))


_CHANGES: Final[dict[str, Callable[[Any], Change]]] = {
    "admit_member": _read_admit,
    "remove_member": _read_remove,
    "change_rules": _read_rules,
    "change_protocol": _read_protocol,
}


def _join_file(raw: bytes) -> bytes:
    if not 1 <= len(raw) <= JOIN_FILE_BYTES_MAX:
        raise _bad_proposal(f"a join file has 1 to {JOIN_FILE_BYTES_MAX} bytes")
    return raw


def _node_id(text: str) -> NodeId:
    if not names.is_name(text):
        raise _bad_node("the node's id is not 1 to 64 of A-Z a-z 0-9 . _ -")
    return NodeId(text)


def _certificate(message: pb.UpdateNode) -> tuple[bytes, int] | None:
    if not message.HasField("add_certificate"):
        return None
    added = message.add_certificate
    if added.valid_until_us < 0:
        raise _bad_node("a certificate counts until a time after 1970")
    return added.der, added.valid_until_us


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _whole(number: int) -> int:
    """What the state can hold: its ints are signed, the wire's are not."""
    if number > INT_MAX:
        raise _bad_proposal(f"{number} is too large a number")
    return number


def _bad_proposal(detail: str) -> LedgerError:
    return LedgerError(Code.BAD_PROPOSAL, detail)


def _bad_node(detail: str) -> LedgerError:
    return LedgerError(Code.BAD_NODE, detail)
