"""A power cut, on the simulated disk alone: what was synced is there, in order and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.consensus import (
    EntryKind,
    HardState,
    Index,
    NodeId,
    Persist,
    Snapshot,
    Term,
    make_entry,
)
from twinledger.consensus.configuration import Configuration
from twinledger.simulation.chance import source
from twinledger.simulation.disk import Disk, DiskFullError, StoreDamagedError

from .edits import edit

NODE = NodeId("n1")


def record(disk: Disk, sequence: int, term: int, count: int, *, truncate: int = 0) -> Persist:
    """Return a record that appends `count` entries, maybe after a truncation."""
    written = disk.written
    last = truncate - 1 if truncate else written.last_index()
    entries, parent = [], written.hash(last)
    for index in range(last + 1, last + 1 + count):
        entry = make_entry(
            parent, Index(index), Term(term), EntryKind.BLOCK, bytes([sequence % 256])
        )
        entries.append(entry)
        parent = entry.hash
    return Persist(
        sequence,
        HardState(Term(term), NODE),
        Index(truncate) if truncate else None,
        tuple(entries),
        Index(0),
        (),
    )


def contents(disk: Disk) -> tuple[HardState, list[bytes]]:
    return disk.hard_state, [entry.hash for entry in disk.journal.kept]


def replay(records: list[Persist]) -> tuple[HardState, list[bytes]]:
    """Return what a disk holds that synced every one of these."""
    disk = Disk()
    for one in records:
        disk.write(one)
        disk.sync(one.sequence)
    return contents(disk)


steps = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=12
)


def run_story(story: list[tuple[int, bool, bool]]) -> tuple[Disk, list[Persist], int]:
    """Write records; return the disk, the records, and how many of them were synced."""
    disk, records, synced = Disk(), list[Persist](), 0
    for sequence, (count, truncates, syncs) in enumerate(story, 1):
        last = disk.written.last_index()
        truncate = last if truncates and last else 0
        records.append(record(disk, sequence, sequence, count, truncate=truncate))
        disk.write(records[-1])
        if syncs:
            disk.sync(sequence)
            synced = sequence
    return disk, records, synced


@given(steps, st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 1.0]))
def test_a_power_cut_keeps_everything_synced_and_a_whole_prefix_of_the_rest(
    story: list[tuple[int, bool, bool]], seed: int, torn: float
) -> None:
    disk, records, synced = run_story(story)
    disk.cut(source(seed, "cut"), torn)
    disk.recover()
    possible = [replay(records[:kept]) for kept in range(synced, len(records) + 1)]
    assert contents(disk) in possible


@given(steps, st.integers(0, 2**32))
def test_a_failed_sync_leaves_a_whole_prefix_too(
    story: list[tuple[int, bool, bool]], seed: int
) -> None:
    disk, records, synced = run_story(story)
    disk.fail(source(seed, "fail"))
    disk.recover()
    possible = [replay(records[:kept]) for kept in range(synced, len(records) + 1)]
    assert contents(disk) in possible


def test_a_disk_that_acknowledges_without_syncing_loses_what_it_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Disk, "sync", lambda _disk, _sequence: None)
    disk, records, synced = run_story([(1, False, True)] * 5)
    disk.cut(source(1, "cut"), 0.0)
    disk.recover()
    monkeypatch.undo()
    assert len(disk.journal.kept) < synced
    assert contents(disk) != replay(records)


def test_recovery_that_believes_records_behind_a_hole_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit(monkeypatch, Disk, "recover", "break", "continue")
    wrong = 0
    for seed in range(20):
        disk, records, _ = run_story([(1, False, False)] * 6)
        disk.fail(source(seed, "fail"))
        disk.recover()
        wrong += contents(disk) not in [replay(records[:kept]) for kept in range(7)]
    assert wrong > 0


def test_a_flipped_bit_below_the_marker_is_damage_not_a_torn_tail() -> None:
    disk, _, _ = run_story([(2, False, True), (1, False, False)])
    disk.flip(1)
    disk.cut(source(1, "cut"), 0.0)
    with pytest.raises(StoreDamagedError, match="checksum"):
        disk.recover()


def test_a_lost_file_shows_less_than_the_marker() -> None:
    disk, _, _ = run_story([(2, False, True)])
    disk.cut(source(1, "cut"), 0.0)
    disk.lose()
    assert disk.ill
    with pytest.raises(StoreDamagedError, match="shorter"):
        disk.recover()


def test_an_empty_disk_is_not_a_damaged_one() -> None:
    disk = Disk()
    disk.cut(source(1, "cut"), 0.0)
    disk.recover()
    assert not disk.ill


def test_a_full_disk_refuses_a_record_and_keeps_what_it_has() -> None:
    disk, records, _ = run_story([(2, False, True)])
    disk.full = True
    with pytest.raises(DiskFullError):
        disk.write(record(disk, 2, 2, 1))
    assert contents(disk) == replay(records)


def test_a_log_that_begins_at_a_snapshot_survives_a_cut() -> None:
    disk, _, _ = run_story([(3, False, True)])
    snapshot = Snapshot(Index(9), Term(4), b"\x07" * 32, Configuration((NODE,)), b"state")
    disk.install(snapshot)
    disk.cut(source(1, "cut"), 0.0)
    disk.recover()
    assert (disk.journal.first_index(), disk.journal.last_index()) == (10, 9)
    assert disk.journal.snapshot() == snapshot
    assert disk.commit == 9
