"""Every store keeps what it acknowledged or says that it does not; then its node has no vote.

The cases run on the simulated disk and on LevelDB alike, so that what the simulated worlds show of
the core holds for the store it really has. Each says what must be reported.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage.conformance.stores import OnLevelDB, RefusedError, Simulated, Store, Tail
from twinledger.consensus import (
    Configuration,
    HardState,
    Index,
    NodeId,
    Raft,
    Settings,
    Term,
    Verdict,
    VoteRequest,
    VoteResponse,
)

ME, RIVAL, OTHER = NodeId("me"), NodeId("rival"), NodeId("other")
SHORTER = "shorter than what it acknowledged|lost what it acknowledged"
ALTERED = "does not match its checksum|checksum mismatch|Corruption"
ANOTHER = "another|not the one it acknowledged"
GONE = f"{SHORTER}|is damaged"
"""LevelDB does not open without its CURRENT; the simulated store has no such file to name."""


@pytest.fixture(params=[Simulated, OnLevelDB], ids=["simulated", "leveldb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that acknowledged a vote in term 2, and five entries."""
    made: Store = request.param(tmp_path)
    made.acknowledge(vote=(2, RIVAL))
    for _ in range(5):
        made.acknowledge(made.entries(1, term=2), commit=1)
    yield made
    made.close()


def last_index(store: Store) -> int:
    store.open()
    return store.reader.last_index()


def votes_for(store: Store, candidate: NodeId, term: int) -> bool:
    """Start a node on this store and ask it for its vote.

    Raises:
        RefusedError: there is no node to ask.
    """
    hard_state, commit = store.open()
    raft = Raft(
        Settings(node=ME, next_election_timeout=lambda: 10),
        store.reader,
        hard_state=hard_state,
        commit=commit,
        applied=Index(0),
        configuration=Configuration((ME, OTHER, RIVAL)),
        verdict=lambda _before, _after: Verdict.REFUSE,
    )
    raft.step(VoteRequest(candidate, ME, Term(term), Index(99), Term(term)))
    ready = raft.ready()
    answers = () if ready is None or ready.persist is None else ready.persist.messages
    return any(isinstance(answer, VoteResponse) and answer.granted for answer in answers)


def has_no_say(store: Store, reported: str) -> None:
    """Hold that the store reports this, each time, and no node starts on it that could vote."""
    for _ in range(2):
        with pytest.raises(RefusedError, match=reported):
            votes_for(store, OTHER, 9)


# What must not be taken for damage.


def test_a_whole_store_shows_what_it_acknowledged_and_its_node_votes(store: Store) -> None:
    assert last_index(store) == 5
    assert store.open() == (HardState(Term(2), RIVAL), Index(1))
    assert votes_for(store, OTHER, 9)


def test_a_vote_is_remembered(store: Store) -> None:
    assert not votes_for(store, OTHER, 2)


@pytest.mark.parametrize(("left", "last"), [(Tail.WHOLE, 6), (Tail.TORN, 5), (Tail.LOST, 5)])
def test_a_write_that_nobody_acknowledged_is_there_whole_or_not_at_all(
    store: Store, left: Tail, last: int
) -> None:
    store.cut_power(store.entries(1, term=2), left)
    assert last_index(store) == last
    assert votes_for(store, OTHER, 9)


def test_a_tail_that_was_rightly_cut_off_is_not_missed(store: Store) -> None:
    store.acknowledge(store.entries(1, term=3, after=2), truncate_from=3, vote=(3, RIVAL))
    assert last_index(store) == 3
    assert votes_for(store, OTHER, 9)


# What must.


def test_an_acknowledged_tail_that_is_gone_is_reported(store: Store) -> None:
    store.lose_acknowledged_tail()
    has_no_say(store, SHORTER)


@pytest.mark.parametrize("index", [1, 3, 5])
def test_a_flipped_bit_of_an_acknowledged_entry_is_reported(store: Store, index: int) -> None:
    store.flip_bit(index)
    has_no_say(store, ALTERED)


def test_deleted_log_files_are_reported(store: Store) -> None:
    store.lose_log_files()
    has_no_say(store, GONE)


def test_a_lost_current_is_reported(store: Store) -> None:
    store.lose_current()
    has_no_say(store, GONE)


def test_a_store_put_back_from_yesterday_is_reported(store: Store) -> None:
    store.keep_copy()
    store.acknowledge(store.entries(1, term=2))
    store.put_copy_back()
    has_no_say(store, SHORTER)


def test_a_store_from_before_the_last_vote_is_reported_though_no_entry_is_missing(
    store: Store,
) -> None:
    store.keep_copy()
    store.acknowledge(vote=(7, RIVAL))
    store.put_copy_back()
    has_no_say(store, SHORTER)


def test_a_store_from_before_a_second_vote_in_the_term_is_reported(store: Store) -> None:
    store.acknowledge(vote=(7, None))
    store.keep_copy()
    store.acknowledge(vote=(7, RIVAL))
    store.put_copy_back()
    has_no_say(store, SHORTER)


def test_a_store_of_a_tail_that_was_cut_off_since_is_reported(store: Store) -> None:
    store.keep_copy()
    store.acknowledge(store.entries(3, term=3, after=2), truncate_from=3, vote=(3, RIVAL))
    store.put_copy_back()
    has_no_say(store, f"{SHORTER}|{ANOTHER}")
