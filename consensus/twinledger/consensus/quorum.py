"""Majorities: what a set of voters has agreed to. Pure functions over plain values.

A joint configuration asks both halves, never their union: a tally over the union once elected two
leaders (CCF, NSDI 2025). An empty half agrees to everything, so that one rule serves both cases.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

from twinledger.consensus.types import MAX_NUMBER

Node = TypeVar("Node")


class VoteResult(StrEnum):
    """What is known of an election."""

    WON = "won"
    LOST = "lost"
    PENDING = "pending"


WON: Final = VoteResult.WON
LOST: Final = VoteResult.LOST
PENDING: Final = VoteResult.PENDING


def majority(voters: int) -> int:
    """Return how many of so many voters make a majority."""
    return voters // 2 + 1


def majority_reached(voters: Sequence[Node], reached: Mapping[Node, int]) -> int:
    """Return the highest number that a majority has reached; MAX_NUMBER without voters."""
    if not voters:
        return MAX_NUMBER
    numbers = sorted([reached.get(voter, 0) for voter in voters])
    return numbers[-majority(len(voters))]


def joint_reached(
    voters: Sequence[Node], outgoing: Sequence[Node], reached: Mapping[Node, int]
) -> int:
    """Return the highest number that a majority of each half has reached."""
    return min(majority_reached(voters, reached), majority_reached(outgoing, reached))


def majority_vote(voters: Sequence[Node], votes: Mapping[Node, bool]) -> VoteResult:
    """Return the result of an election among these voters; a missing vote may still come."""
    needed = majority(len(voters)) if voters else 0
    answers = [votes.get(voter) for voter in voters]
    granted = answers.count(True)
    if granted >= needed:
        return WON
    return PENDING if granted + answers.count(None) >= needed else LOST


def joint_vote(
    voters: Sequence[Node], outgoing: Sequence[Node], votes: Mapping[Node, bool]
) -> VoteResult:
    """Return WON if both halves are won, LOST if either is lost."""
    results = (majority_vote(voters, votes), majority_vote(outgoing, votes))
    if LOST in results:
        return LOST
    return PENDING if PENDING in results else WON
