import itertools

from hypothesis import given
from hypothesis import strategies as st

from twinledger.consensus.quorum import (
    VoteResult,
    joint_reached,
    joint_vote,
    majority,
    majority_reached,
    majority_vote,
)

NODES = st.lists(st.integers(1, 9), unique=True, max_size=9)
HALF = NODES.filter(bool)


def majorities(voters: list[int]) -> list[set[int]]:
    """Every set of voters that is more than half of them, found by trying them all."""
    sizes = range(len(voters) // 2 + 1, len(voters) + 1)
    return [set(group) for size in sizes for group in itertools.combinations(voters, size)]


@given(HALF, st.dictionaries(st.integers(1, 9), st.integers(0, 20)))
def test_a_number_is_reached_when_some_majority_has_all_reached_it(
    voters: list[int], reached: dict[int, int]
) -> None:
    best = max(min(reached.get(node, 0) for node in group) for group in majorities(voters))
    assert majority_reached(voters, reached) == best


@given(HALF, HALF, st.dictionaries(st.integers(1, 9), st.integers(0, 20)))
def test_a_joint_number_is_reached_when_a_majority_of_each_half_has(
    voters: list[int], outgoing: list[int], reached: dict[int, int]
) -> None:
    pairs = itertools.product(majorities(voters), majorities(outgoing))
    best = max(min(reached.get(node, 0) for node in one | other) for one, other in pairs)
    assert joint_reached(voters, outgoing, reached) == best


@given(HALF, HALF, st.dictionaries(st.integers(1, 9), st.booleans()))
def test_an_election_is_won_or_lost_when_no_further_vote_can_change_it(
    voters: list[int], outgoing: list[int], votes: dict[int, bool]
) -> None:
    def won_if(others: bool) -> bool:
        ayes = {node for node in {*voters, *outgoing} if votes.get(node, others)}
        return all(any(g <= ayes for g in majorities(half)) for half in (voters, outgoing))

    # A joint election is lost as soon as one half is, and can be neither won nor lost before.
    result = joint_vote(voters, outgoing, votes)
    assert (result is VoteResult.WON) == won_if(others=False)
    assert (result is VoteResult.LOST) == (not won_if(others=True))


@given(NODES)
def test_an_empty_half_agrees_to_everything(voters: list[int]) -> None:
    votes = dict.fromkeys(voters, True)
    assert joint_vote(voters, [], votes) is majority_vote(voters, votes)
    assert joint_reached(voters, [], {}) == majority_reached(voters, {})


@given(st.integers(1, 99))
def test_two_majorities_always_share_a_voter(voters: int) -> None:
    assert 2 * majority(voters) > voters
    assert 2 * (majority(voters) - 1) <= voters
