import pytest

from tests.unit.consensus.cluster import GENESIS, Disk, chain
from twinledger.consensus import (
    Configuration,
    Entry,
    HardState,
    Index,
    InvariantViolation,
    NodeId,
    Persist,
    Snapshot,
    Term,
)
from twinledger.consensus.log import Log

CONFIGURATION = Configuration((NodeId("a"),))
PLENTY = 1 << 30
SIZE = chain(1)[0].size


def disk_with(*terms: int) -> Disk:
    disk = Disk(CONFIGURATION)
    disk.log = list(chain(*terms))
    return disk


def log_on(disk: Disk, *, commit: int = 0, applied: int = 0, cache: int = PLENTY) -> Log:
    return Log(disk, Index(commit), Index(applied), cache)


def sync(log: Log, disk: Disk) -> None:
    """Do what a driver does: write what is unstable and report it."""
    truncate_from, entries = log.take_unstable()
    disk.write(Persist(1, HardState(Term(1), None), truncate_from, entries, log.commit, ()))
    log.stable_to(log.last_index)


def test_an_empty_log_begins_at_the_genesis_hash() -> None:
    log = log_on(disk_with())
    assert (log.first_index, log.last_index, log.last_term, log.last_hash) == (1, 0, 0, GENESIS)


def test_entries_come_from_the_disk_and_from_the_tail() -> None:
    disk = disk_with(1, 1)
    log = log_on(disk)
    log.append(chain(1, 1, 2, 2)[2:])

    assert log.entries(Index(1), Index(5), PLENTY) == chain(1, 1)
    assert log.entries(Index(3), Index(5), PLENTY) == chain(1, 1, 2, 2)[2:]
    assert [log.term(Index(index)) for index in range(6)] == [0, 1, 1, 2, 2, None]
    assert log.last_hash == chain(1, 1, 2, 2)[3].hash


def test_a_page_holds_at_least_one_entry_and_then_what_fits() -> None:
    log = log_on(disk_with())
    log.append(chain(1, 1, 1, 1))
    lengths = [
        len(log.entries(Index(1), Index(5), limit))
        for limit in (0, SIZE, 2 * SIZE - 1, 2 * SIZE, 4 * SIZE)
    ]
    assert lengths == [1, 1, 1, 2, 4]
    assert log.entries(Index(5), Index(5), PLENTY) == ()


def test_a_place_matches_only_by_term_and_content() -> None:
    log = log_on(disk_with(1, 2))
    entry = chain(1, 2)[1]
    assert log.matches(Index(2), Term(2), entry.hash)
    assert not log.matches(Index(2), Term(1), entry.hash)
    assert not log.matches(Index(2), Term(2), b"\x00" * 32)
    assert not log.matches(Index(3), Term(2), entry.hash)


def test_the_first_conflict_is_found() -> None:
    log = log_on(disk_with(1, 1, 2))
    assert log.first_conflict(chain(1, 1, 2)) == 3
    assert log.first_conflict(chain(1, 1, 2, 2)) == 3
    assert log.first_conflict(chain(1, 1, 3)) == 2
    assert log.first_conflict(chain(1, 1, 2, payload=b"other")) == 0


def test_the_last_entry_not_newer_than_a_term_is_found() -> None:
    log = log_on(disk_with(1, 1, 3, 3, 5))
    found = [log.last_index_of_term_at_most(Term(term), Index(9)) for term in range(7)]
    assert found == [0, 2, 2, 4, 4, 5, 5]
    assert log.last_index_of_term_at_most(Term(5), Index(3)) == 3


def test_the_search_stops_where_the_log_is_compacted() -> None:
    disk = disk_with(1, 2, 3, 4)
    disk.applied = Index(4)
    disk.compact(Index(4))
    log = log_on(disk, commit=4, applied=4)
    assert log.last_index_of_term_at_most(Term(1), Index(4)) == 3
    assert log.term(Index(3)) == 3
    assert log.term(Index(2)) is None


def test_what_the_driver_has_is_truncated_there_too() -> None:
    disk = disk_with(1, 1, 1)
    log = log_on(disk, commit=1)
    log.truncate(Index(2))
    log.append(chain(1, 2)[1:])

    assert log.take_unstable() == (2, chain(1, 2)[1:])
    assert log.take_unstable() == (None, ())


def test_what_the_driver_never_had_needs_no_truncation_there() -> None:
    log = log_on(disk_with(1))
    log.append(chain(1, 1, 1)[1:])
    log.truncate(Index(2))
    log.append(chain(1, 2)[1:])
    assert log.take_unstable() == (None, chain(1, 2)[1:])


def test_two_truncations_before_a_write_become_the_lower_one() -> None:
    log = log_on(disk_with(1, 1, 1))
    log.truncate(Index(2))
    log.append(chain(1, 2)[1:])
    log.truncate(Index(2))
    log.truncate(Index(1))
    assert log.take_unstable() == (1, ())


def test_a_committed_entry_is_never_truncated() -> None:
    log = log_on(disk_with(1, 1), commit=2)
    with pytest.raises(InvariantViolation):
        log.truncate(Index(2))


def test_entries_without_a_gap_only() -> None:
    log = log_on(disk_with(1))
    with pytest.raises(InvariantViolation):
        log.append(chain(1, 1, 1)[2:])


def test_only_what_is_durable_here_is_applied() -> None:
    disk = disk_with()
    log = log_on(disk)
    log.append(chain(1, 1, 1))
    log.commit_to(Index(3))
    assert log.take_committed(PLENTY) == ()
    log.stable_to(Index(2))
    assert log.take_committed(PLENTY) == chain(1, 1)


def test_pages_to_apply_come_one_after_the_other() -> None:
    log = log_on(disk_with(1, 1, 1), commit=3)
    assert log.take_committed(2 * SIZE) == chain(1, 1)
    assert not log.has_committed
    assert log.take_committed(PLENTY) == ()
    log.applied_to(Index(2))
    assert log.take_committed(PLENTY) == chain(1, 1, 1)[2:]


def test_nothing_is_applied_that_was_not_handed_out() -> None:
    log = log_on(disk_with(1, 1), commit=2)
    with pytest.raises(InvariantViolation):
        log.applied_to(Index(1))


def test_durable_entries_stay_in_memory_within_a_bound() -> None:
    disk = disk_with()
    log = log_on(disk, cache=4 * SIZE)
    everything = chain(*[1] * 20)
    for entry in everything:
        log.append((entry,))
        sync(log, disk)
        assert log._tail_bytes <= 4 * SIZE
        assert log._tail_bytes == sum(cached.size for cached in log._tail)

    read: list[Entry] = []
    while len(read) < 20:
        read.extend(log.entries(Index(len(read) + 1), Index(21), PLENTY))
    assert tuple(read) == everything


def test_what_is_not_durable_never_leaves_memory() -> None:
    log = log_on(disk_with(), cache=0)
    log.append(chain(1, 1, 1))
    log.stable_to(Index(1))
    assert log.entries(Index(2), Index(4), PLENTY) == chain(1, 1, 1)[1:]


def test_truncation_below_the_cache_goes_back_to_the_disk() -> None:
    disk = disk_with()
    log = log_on(disk, cache=0)
    log.append(chain(1, 1, 1, 1))
    sync(log, disk)
    log.truncate(Index(2))
    log.append(chain(1, 2, 2)[1:])
    assert (log.stable, log.last_index) == (1, 3)
    sync(log, disk)
    assert disk.log == list(chain(1, 2, 2))


def test_after_a_snapshot_the_log_begins_again() -> None:
    disk = disk_with(1, 1)
    log = log_on(disk, commit=1)
    snapshot = Snapshot(Index(9), Term(4), b"\x09" * 32, CONFIGURATION, b"")
    disk.install(snapshot)
    log.restore(snapshot)
    assert (log.first_index, log.last_index, log.last_term) == (10, 9, 4)
    assert (log.commit, log.applied, log.stable, log.has_unstable) == (9, 9, 9, False)


def test_a_snapshot_never_goes_back() -> None:
    log = log_on(disk_with(1, 1), commit=2)
    with pytest.raises(InvariantViolation):
        log.restore(Snapshot(Index(2), Term(1), b"\x09" * 32, CONFIGURATION, b""))


@pytest.mark.parametrize(("commit", "applied"), [(3, 0), (1, 2)])
def test_a_log_that_lost_what_was_acknowledged_is_refused(commit: int, applied: int) -> None:
    with pytest.raises(InvariantViolation):
        log_on(disk_with(1, 1), commit=commit, applied=applied)


def test_a_log_that_begins_above_the_applied_state_is_refused() -> None:
    disk = disk_with(1, 1, 1)
    disk.applied = Index(3)
    disk.compact(Index(3))
    with pytest.raises(InvariantViolation):
        log_on(disk, commit=3, applied=1)
