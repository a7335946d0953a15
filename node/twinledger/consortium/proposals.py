"""Proposals as the state keeps them, from the first to the last, decided ones too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from twinledger.consortium.plan import change_value, plan_hash
from twinledger.ledger import names
from twinledger.ledger.canonical import CanonicalValue, Timestamp, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.state import StateDraft, StateView, decode_leaf

COUNT_KEY: Final = b"proposals"


class Status(StrEnum):
    """What became of a proposal; one whose time is over stays open and takes no votes."""

    OPEN = "open"
    PASSED = "passed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal.

    Attributes:
        number: From 1, in the order they were made.
        change: What is proposed.
        ground: What its plan rests on, 32 bytes.
        proposer: Who made it.
        height: The block it was made in.
        expires_at_us: The last block time at which it can be voted on.
        votes: By member: true approves. The proposer's member approves by proposing.
        status: What became of it.
        decided_height: The block that decided or withdrew it; 0 while it is open.
    """

    number: int
    change: Change
    ground: bytes
    proposer: IdentityName
    height: int
    expires_at_us: int
    votes: dict[MemberName, bool]
    status: Status = Status.OPEN
    decided_height: int = 0

    @property
    def plan(self) -> bytes:
        """The hash that a vote names."""
        return plan_hash(self.ground, self.change)

    @property
    def proposing_member(self) -> MemberName:
        """The member of who made it."""
        return names.member_of(self.proposer)

    @property
    def approvals(self) -> int:
        """How many members approve."""
        return sum(self.votes.values())

    def encode(self) -> bytes:
        """The canonical leaf."""
        votes: dict[str, CanonicalValue] = {str(m): vote for m, vote in self.votes.items()}
        return encode(
            {
                "change": change_value(self.change),
                "ground": self.ground,
                "proposer": self.proposer,
                "height": self.height,
                "expires_at": Timestamp(self.expires_at_us),
                "votes": votes,
                "status": self.status.value,
                "decided_height": self.decided_height,
            }
        )

    @classmethod
    def decode(cls, number: int, raw: bytes) -> Proposal:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        match decode_leaf(raw):
            case {
                "change": dict(change),
                "ground": bytes(ground),
                "proposer": str(proposer),
                "height": int(height),
                "expires_at": Timestamp() as expires_at,
                "votes": dict(votes),
                "status": str(status),
                "decided_height": int(decided_height),
            } if status in set(Status):
                return cls(
                    number,
                    _read_change(change),
                    ground,
                    IdentityName(proposer),
                    height,
                    expires_at.us,
                    {MemberName(name): vote is True for name, vote in votes.items()},
                    Status(status),
                    decided_height,
                )
            case _:
                raise _damaged()


def _read_change(value: dict[str, CanonicalValue]) -> Change:
    match value:
        case {"kind": "admit_member", "join_file": bytes(join_file)}:
            return AdmitMember(join_file)
        case {"kind": "remove_member", "member": str(member)}:
            return RemoveMember(MemberName(member))
        case {"kind": "change_rules", "rules": dict(rules), "limits": dict(limits)}:
            return ChangeRules(_numbers(rules), _numbers(limits))
        case {"kind": "change_protocol", "version": int(version), "activation_height": int(height)}:
            return ChangeProtocol(version, height)
        case _:
            raise _damaged()


def _numbers(value: dict[str, CanonicalValue]) -> tuple[tuple[str, int], ...]:
    return tuple([(name, number) for name, number in value.items() if isinstance(number, int)])


def _damaged() -> LedgerError:
    return LedgerError(Code.DATA_DAMAGED, "a proposal's record is not well-formed")


def proposal_key(number: int) -> bytes:
    """Where the state keeps a proposal: ten digits, so that keys sort as numbers do."""
    return b"proposal/%010d" % number


def count(state: StateView) -> int:
    """How many proposals there ever were."""
    return proposal_count(state.get(COUNT_KEY))


def proposal_count(raw: bytes | None) -> int:
    """How many proposals the value at their count's key says; None stands for none."""
    found = 0 if raw is None else decode_leaf(raw)
    if not isinstance(found, int):
        raise _damaged()
    return found


def find_proposal(state: StateView, number: int) -> Proposal | None:
    """A proposal, or None when there is none of this number."""
    raw = state.get(proposal_key(number))
    return None if raw is None else Proposal.decode(number, raw)


def store_proposal(state: StateDraft, proposal: Proposal) -> None:
    """Keeps a proposal."""
    state.put(proposal_key(proposal.number), proposal.encode())
    if proposal.number > count(state):
        state.put(COUNT_KEY, encode(proposal.number))
