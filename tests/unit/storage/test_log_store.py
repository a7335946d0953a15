"""What the core and the driver rely on; any store of a log must pass this."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage.writing import (
    GENESIS_HASH,
    append,
    chain,
    configuration_entry,
    create_log,
    open_log,
    persist,
    vote,
)
from twinledger.consensus import Configuration, Index, LogReader, NodeId, Snapshot, Term
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.database import Changes
from twinledger.storage.log_records import Position
from twinledger.storage.log_store import RECENT_POSITIONS, LogStore


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogStore]:
    create_log(tmp_path)
    store = open_log(tmp_path)
    yield store
    store.close()


def reopened(log: LogStore, folder: Path) -> LogStore:
    log.close()
    return open_log(folder)


def test_a_new_log_is_empty_and_begins_at_the_genesis_hash(log: LogStore) -> None:
    reader: LogReader = log
    assert (reader.first_index(), reader.last_index()) == (1, 0)
    assert (reader.term(Index(0)), reader.hash(Index(0))) == (0, GENESIS_HASH)
    assert (log.hard_state, log.commit, log.snapshot()) == (vote(0), 0, None)


def test_entries_vote_and_commit_come_back_after_a_restart(log: LogStore, tmp_path: Path) -> None:
    entries = chain(log, [b"one", b"", b"three"], term=4)
    log.write(persist(*entries, hard_state=vote(4, "pump-node"), commit=2))
    log = reopened(log, tmp_path)
    assert log.entries(Index(1), Index(4), 10_000) == entries
    assert (log.hard_state, log.commit) == (vote(4, "pump-node"), 2)
    log.close()


def test_a_vote_alone_is_kept_and_a_later_write_keeps_it(log: LogStore, tmp_path: Path) -> None:
    log.write(persist(hard_state=vote(7, "b")))
    append(log, 1, term=7)
    log = reopened(log, tmp_path)
    assert log.hard_state == vote(7, "b")
    log.close()


def test_a_new_term_without_a_vote_forgets_the_old_vote(log: LogStore, tmp_path: Path) -> None:
    log.write(persist(hard_state=vote(7, "b")))
    log.write(persist(hard_state=vote(8)))
    log = reopened(log, tmp_path)
    assert log.hard_state == vote(8)
    log.close()


def test_a_conflicting_tail_is_replaced_by_one_write(log: LogStore, tmp_path: Path) -> None:
    append(log, 6, term=1)
    kept = log.entries(Index(1), Index(4), 10_000)
    replacement = chain(log, [b"new"], term=2, after=3)
    log.write(persist(*replacement, truncate_from=4, hard_state=vote(2)))
    assert log.entries(Index(1), Index(5), 10_000) == (*kept, *replacement)
    assert (log.term(Index(4)), log.hash(Index(4))) == (2, replacement[0].hash)
    log = reopened(log, tmp_path)
    assert log.entries(Index(1), Index(5), 10_000) == (*kept, *replacement)
    log.close()


def test_a_tail_can_be_removed_without_a_replacement(log: LogStore, tmp_path: Path) -> None:
    append(log, 6)
    log.write(persist(truncate_from=3))
    assert log.last_index() == 2
    with pytest.raises(LedgerError, match="one that is kept"):
        log.term(Index(3))
    log = reopened(log, tmp_path)
    assert log.last_index() == 2
    append(log, 1, term=2)
    assert log.term(Index(3)) == 2
    log.close()


def test_what_is_committed_is_never_removed(log: LogStore) -> None:
    append(log, 3)
    log.write(persist(commit=2))
    with pytest.raises(LedgerError) as raised:
        log.write(persist(truncate_from=2))
    assert raised.value.code is Code.INTERNAL
    assert log.last_index() == 3


def test_the_commit_index_never_goes_back(log: LogStore) -> None:
    append(log, 3)
    log.write(persist(commit=3))
    log.write(persist(*chain(log, [b"x"]), commit=1))
    assert log.commit == 3


def test_a_gap_is_refused(log: LogStore) -> None:
    entries = chain(log, [b"one", b"two"])
    with pytest.raises(LedgerError, match="without a gap"):
        log.write(persist(entries[1]))


def test_a_term_that_goes_back_is_refused(log: LogStore) -> None:
    log.write(persist(hard_state=vote(3)))
    with pytest.raises(LedgerError, match="term never goes back"):
        log.write(persist(hard_state=vote(2)))


def test_entries_are_paged_by_bytes_and_at_least_one_is_given(log: LogStore) -> None:
    entries = chain(log, [bytes(100)] * 5)
    log.write(persist(*entries))
    size = entries[0].size
    assert log.entries(Index(1), Index(6), 0) == entries[:1]
    assert log.entries(Index(1), Index(6), 2 * size) == entries[:2]
    assert log.entries(Index(1), Index(6), 3 * size - 1) == entries[:2]
    assert log.entries(Index(2), Index(4), 100 * size) == entries[1:3]


@pytest.mark.parametrize(("low", "high"), [(0, 2), (2, 2), (1, 5), (4, 5)])
def test_entries_that_are_not_kept_are_not_asked_for(log: LogStore, low: int, high: int) -> None:
    append(log, 3)
    with pytest.raises(LedgerError) as raised:
        log.entries(Index(low), Index(high), 100)
    assert raised.value.code is Code.INTERNAL


def test_terms_and_hashes_beyond_the_cache_come_from_the_disk(log: LogStore) -> None:
    entries = chain(log, [b""] * (RECENT_POSITIONS + 10))
    log.write(persist(*entries))
    assert len(log._recent) <= RECENT_POSITIONS + 1
    for entry in (entries[0], entries[8], entries[9], entries[10], entries[-1]):
        assert (log.term(entry.index), log.hash(entry.index)) == (entry.term, entry.hash)
    assert log.hash(Index(0)) == GENESIS_HASH


def test_the_newest_configuration_at_an_index_is_found(log: LogStore, tmp_path: Path) -> None:
    append(log, 2)
    log.write(persist(configuration_entry(log, "a", "b")))
    append(log, 2)
    log.write(persist(configuration_entry(log, "a", "b", "c")))
    log = reopened(log, tmp_path)
    assert log.configuration_at(Index(2)) is None
    assert voters_at(log, 3) == voters_at(log, 5) == ("a", "b")
    assert voters_at(log, 6) == ("a", "b", "c")
    log.write(persist(truncate_from=6))
    assert voters_at(log, 6) == ("a", "b")
    log.close()


def voters_at(log: LogStore, index: int) -> tuple[str, ...]:
    configuration = log.configuration_at(Index(index))
    assert configuration is not None
    return configuration.voters


def test_a_persist_that_carries_only_messages_writes_nothing(
    log: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, 1)
    monkeypatch.setattr(log._database, "write", lambda *_, **__: pytest.fail("it wrote"))
    log.write(persist())


def test_only_a_commit_index_is_written_without_a_sync(
    log: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, 1)
    syncs = list[bool]()
    write = log._database.write

    def noting(changes: Changes, *, sync: bool) -> None:
        syncs.append(sync)
        write(changes, sync=sync)

    monkeypatch.setattr(log._database, "write", noting)
    log.write(persist(commit=1))
    log.write(persist(hard_state=vote(2)))
    log.write(persist(*chain(log, [b"x"], term=2)))
    log.write(persist(truncate_from=2))
    assert syncs == [False, True, True, True]


def test_a_log_of_another_chain_is_refused(tmp_path: Path) -> None:
    LogStore.create(tmp_path / "log", tmp_path / "log.marker", bytes(32))
    with pytest.raises(LedgerError, match="another chain"):
        open_log(tmp_path)


def stand_in(log: LogStore, index: int) -> Snapshot:
    place = Index(index)
    configuration = Configuration((NodeId("a"),))
    return Snapshot(place, log.term(place), log.hash(place), configuration, b"")


def test_what_is_compacted_is_hidden_from_consensus_and_still_there(log: LogStore) -> None:
    append(log, 50)
    snapshot = stand_in(log, 40)
    log.compact(Index(31), snapshot)
    assert (log.first_index(), log.snapshot(), log.oldest) == (31, snapshot, 1)
    assert log.term(Index(30)) == 1
    assert log.entry(Index(5)).index == 5
    log.compact(Index(20), snapshot)
    assert log.first_index() == 31, "never back"


def test_pruning_deletes_and_says_which_is_the_oldest(log: LogStore, tmp_path: Path) -> None:
    append(log, 20)
    log.write(persist(configuration_entry(log, "a")))
    append(log, 29)
    log.compact(Index(31), stand_in(log, 40))
    kept = log.entry(Index(31))
    log.prune(Index(31))
    log = reopened(log, tmp_path)
    assert (log.oldest, log.first_index(), log.last_index()) == (31, 31, 50)
    assert log.entry(Index(31)) == kept
    with pytest.raises(LedgerError, match="oldest block it keeps is 31") as raised:
        log.entry(Index(30))
    assert raised.value.code is Code.PRUNED
    assert log.configuration_at(Index(50)) is None
    append(log, 1)
    log.close()


def test_only_what_is_compacted_is_pruned(log: LogStore) -> None:
    append(log, 50)
    log.compact(Index(31), stand_in(log, 40))
    with pytest.raises(LedgerError, match="only what is compacted"):
        log.prune(Index(32))


def test_a_log_that_begins_again_keeps_term_and_vote(log: LogStore, tmp_path: Path) -> None:
    append(log, 50, term=2)
    log.write(persist(hard_state=vote(7, "b")))
    log.close()
    place = Position(Index(90), Term(3), bytes(32))
    for _ in range(2):
        LogStore.restart(tmp_path / "log", tmp_path / "log.marker", GENESIS_HASH, place)
    log = open_log(tmp_path)
    assert (log.oldest, log.first_index(), log.last_index()) == (91, 91, 90)
    assert (log.hard_state, log.commit) == (vote(7, "b"), 90)
    assert (log.term(Index(90)), log.hash(Index(90))) == (3, bytes(32))
    append(log, 3, term=7)
    log = reopened(log, tmp_path)
    assert log.last_index() == 93
    log.close()
