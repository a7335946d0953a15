"""The simulator finds what it is there to find: each wrong edit of core, driver or disk dies.

Twice for the promises: once by the check of what leaves a node, once without it, by what follows.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from twinledger.consensus import HardState, Index, committing, following
from twinledger.consensus.raft import Raft
from twinledger.simulation import InvariantBroken, run
from twinledger.simulation.disk import Disk, Mark
from twinledger.simulation.electorate import Electorate
from twinledger.simulation.journal import Journal
from twinledger.simulation.observer import Observer
from twinledger.simulation.promises import Promises
from twinledger.simulation.replica import Replica

from .edits import edit

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def hunt(seeds: range, nodes: int = 5, events: int = 5_000, **knobs: Any) -> str:
    """Return the name of the first invariant that breaks; fail if none does."""
    for seed in seeds:
        try:
            run(seed, nodes, events, **knobs)
        except InvariantBroken as broken:
            return broken.name
    pytest.fail(f"the mutant survived {len(seeds)} seeds")


def vote_not_persisted(patch: Patch) -> None:
    new = "HardState(core.term, None) if core.unsaved"
    edit(patch, Raft, "_take_persist", "core.hard_state if core.unsaved", new)


def term_and_vote_not_persisted(patch: Patch) -> None:
    edit(patch, Raft, "_take_persist", "core.hard_state if core.unsaved else None", "None")


def previous_entry_not_checked(patch: Patch) -> None:
    old = "log.matches(previous, message.previous_term, message.previous_hash)"
    edit(patch, following, "on_append", old, "previous <= log.last_index")


def earlier_terms_committed_by_counting(patch: Patch) -> None:
    edit(patch, committing, "advance", " and core.log.term(reached) == core.term", "")


def sync_left_out(patch: Patch) -> None:
    patch.setattr(Disk, "sync", lambda _disk, _sequence: None)


def sync_left_out_now_and_then(patch: Patch) -> None:
    sync = Disk.sync

    def forgetful(disk: Disk, sequence: int) -> None:
        if sequence % 4:
            sync(disk, sequence)

    patch.setattr(Disk, "sync", forgetful)


def reported_before_the_sync(patch: Patch) -> None:
    sync, report = "process.disk.sync(persist.sequence)", "self._report_synced(done)"
    edit(patch, Replica, "_synced", f"{sync}\n    {report}", f"{report}\n    {sync}")


def disk_that_lies(patch: Patch) -> None:
    """Say that the last sync is done and show its data, but forget it at the next power cut."""
    sync, cut = Disk.sync, Disk.cut
    before: dict[int, tuple[HardState, Index, Journal, Mark]] = {}

    def lying_sync(disk: Disk, sequence: int) -> None:
        held = Journal()
        held.become(disk.journal)
        before[id(disk)] = (disk.hard_state, disk.commit, held, disk._marker)
        sync(disk, sequence)

    def honest_cut(disk: Disk, random: Random, torn: float) -> None:
        cut(disk, random, torn)
        if id(disk) in before:
            disk._tail.clear()
            disk.hard_state, disk.commit, disk.journal, disk._marker = before.pop(id(disk))

    patch.setattr(Disk, "sync", lying_sync)
    patch.setattr(Disk, "cut", honest_cut)


DURABILITY_LOST = {
    "monotonicity",
    "core invariant",
    "one vote a term",
    "election safety",
    "leader completeness",
    "commit durability",
}
PROMISES = {"vote durability", "acknowledgement durability", "commit durability"}


@pytest.mark.parametrize(
    "mutant",
    [
        vote_not_persisted,
        term_and_vote_not_persisted,
        sync_left_out,
        sync_left_out_now_and_then,
        reported_before_the_sync,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_a_promise_that_is_not_durable_is_seen_as_it_leaves(
    mutant: Mutant, monkeypatch: Patch
) -> None:
    mutant(monkeypatch)
    assert hunt(range(3)) in PROMISES


@pytest.fixture
def unchecked_promises(monkeypatch: Patch) -> None:
    """Leave only what follows from a broken promise, as far as it can be seen."""
    monkeypatch.setattr(Promises, "check", lambda _promises, _message: None)
    monkeypatch.setattr(Observer, "_check_quorum", lambda _observer, _process, _commit: None)
    monkeypatch.setattr(Electorate, "elected", lambda _electorate, _process, _term: None)


@pytest.mark.usefixtures("unchecked_promises")
@pytest.mark.parametrize("mutant", [vote_not_persisted, term_and_vote_not_persisted])
def test_a_forgotten_vote_elects_two_leaders(mutant: Mutant, monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    found = hunt(
        range(20),
        nodes=3,
        faults=("clock-jump", "crash-leader"),
        ambushes=("crash-after-vote", "rival-candidate"),
        ambush_chance=0.5,
        pre_vote=False,
        check_quorum=False,
    )
    assert found == "election safety"


@pytest.mark.usefixtures("unchecked_promises")
@pytest.mark.parametrize("mutant", [sync_left_out, sync_left_out_now_and_then])
def test_what_is_read_back_without_a_sync_is_not_there(mutant: Mutant, monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    assert hunt(range(10)) in {"log reader contract", "core invariant", "state machine safety"}


def test_a_disk_that_lies_about_its_sync_loses_what_was_committed(monkeypatch: Patch) -> None:
    disk_that_lies(monkeypatch)
    assert hunt(range(20)) in DURABILITY_LOST


def test_a_previous_entry_that_is_not_checked_tears_the_logs_apart(monkeypatch: Patch) -> None:
    previous_entry_not_checked(monkeypatch)
    found = hunt(
        range(40),
        events=2_000,
        faults=("partition", "crash-leader"),
        ambushes=("cut-new-leader",),
        ambush_chance=0.5,
        loss=0.3,
        reads=0.0,
        max_inflight_messages=64,
        max_append_entries=1,
    )
    assert found == "log matching"


def test_counting_for_an_earlier_term_is_seen(monkeypatch: Patch) -> None:
    earlier_terms_committed_by_counting(monkeypatch)
    assert hunt(range(40)) == "commit rule"
