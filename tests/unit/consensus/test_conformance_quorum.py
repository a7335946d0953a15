"""The 127 quorum cases of etcd-io/raft, on our quorum."""

import re

import pytest

from tests.unit.consensus.vectors import QUORUM_FILES, Case, read_cases
from twinledger.consensus.quorum import VoteResult, joint_reached, joint_vote
from twinledger.consensus.types import MAX_NUMBER

ARGUMENT = re.compile(r"(\w+)=(\([^)]*\)|\S+)")
RESULTS = {
    VoteResult.WON: "VoteWon",
    VoteResult.LOST: "VoteLost",
    VoteResult.PENDING: "VotePending",
}
COUNTS = {"joint_commit": 50, "joint_vote": 39, "majority_commit": 16, "majority_vote": 22}


def values(text: str) -> list[str]:
    return [] if text in ("", "zero") else [value.strip() for value in text.strip("()").split(",")]


def outcome(case: Case) -> str:
    arguments = {name: values(text) for name, text in ARGUMENT.findall(case.command)}
    voters, outgoing = arguments.get("cfg", []), arguments.get("cfgj", [])
    nodes = list(dict.fromkeys(voters + outgoing))
    if case.command.startswith("vote"):
        given = zip(nodes, arguments.get("votes", []), strict=True)
        votes = {node: vote == "y" for node, vote in given if vote != "_"}
        return RESULTS[joint_vote(voters, outgoing, votes)]
    given = zip(nodes, arguments.get("idx", []), strict=True)
    reached = joint_reached(
        voters, outgoing, {node: int(index) for node, index in given if index != "_"}
    )
    return "<empty majority quorum>∞" if reached == MAX_NUMBER else str(reached)


@pytest.mark.parametrize("name", QUORUM_FILES)
def test_our_quorum_agrees_with_etcd(name: str) -> None:
    cases = read_cases("quorum", name)

    assert len(cases) == COUNTS[name]
    wrong = [(case, outcome(case)) for case in cases if outcome(case) != case.expected[-1]]
    assert wrong == []
