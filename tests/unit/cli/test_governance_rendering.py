"""What people read of plans and proposals: what a change may stop, and which votes still count."""

import pytest

from twinledger.cli.governance_rendering import plan_warnings, print_proposals
from twinledger.consortium.proposals import Proposal, Status
from twinledger.ledger.governance_operations import (
    Change,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.ledger.names import IdentityName, MemberName

GROUND, MOVED = b"g" * 32, b"m" * 32
LIFETIME = ChangeRules((("proposal_lifetime_us", 1_000_000),), ())


def proposal(change: Change, ground: bytes = GROUND, status: Status = Status.OPEN) -> Proposal:
    votes = {MemberName("maker"): True}
    return Proposal(7, change, ground, IdentityName("maker/admin"), 5, 1_000, votes, status)


@pytest.mark.parametrize(
    ("made", "time_us", "said"),
    [
        (proposal(RemoveMember(MemberName("x"))), 1_000, "open"),
        (proposal(RemoveMember(MemberName("x"))), 1_001, "expired"),
        (proposal(RemoveMember(MemberName("x")), MOVED), 1_000, "ground moved"),
        (proposal(RemoveMember(MemberName("x")), MOVED, Status.PASSED), 1_001, "passed"),
    ],
)
def test_an_open_proposal_on_which_no_vote_counts_any_more_is_told_as_such(
    made: Proposal, time_us: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_proposals([made], GROUND, time_us)
    assert capsys.readouterr().out.splitlines()[1].startswith(f"7       {said}  ")


def test_changed_rules_are_told_as_they_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    print_proposals([proposal(LIFETIME)], GROUND, 1)
    assert "change_rules proposal_lifetime_us=1000000  maker/admin" in capsys.readouterr().out


def test_a_plan_warns_of_what_stops_a_consortium_whose_quorums_are_whole() -> None:
    assert plan_warnings(LIFETIME)
    assert not plan_warnings(ChangeRules((("proposal_lifetime_us", 3_600_000_000),), ()))
    assert "version 99" in plan_warnings(ChangeProtocol(99, 1_000))[0]
    assert not plan_warnings(ChangeProtocol(1, 1_000))
    assert not plan_warnings(RemoveMember(MemberName("maker")))
