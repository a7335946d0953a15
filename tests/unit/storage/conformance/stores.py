"""Two stores behind one face: the simulated disk, and the log on LevelDB.

The face has verbs for what a node does and for what befalls its disk; the cases of this folder are
written once, against it. A store is written, suffers something, and is then opened as a node that
starts opens it.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from tests.unit.storage.power import flip_bit, newest, shorten
from tests.unit.storage.writing import create_log, open_log
from twinledger.consensus import (
    Entry,
    EntryKind,
    HardState,
    Index,
    LogReader,
    NodeId,
    Persist,
    Term,
    make_entry,
)
from twinledger.ledger.errors import Code, LedgerError
from twinledger.simulation.chance import source
from twinledger.simulation.disk import Disk, StoreDamagedError
from twinledger.storage.log_store import LogStore


class Tail(Enum):
    """What a power cut leaves of a write that nobody acknowledged yet."""

    WHOLE = 1.0
    TORN = 0.5
    LOST = 0.0


class RefusedError(Exception):
    """What a store says that shows less than it acknowledged, or something else."""


class Store(ABC):
    """One node's log and durable vote."""

    def __init__(self) -> None:
        self._sequence = 0
        self._vote: HardState | None = None

    def entries(self, count: int, term: int, after: int | None = None) -> tuple[Entry, ...]:
        """Make entries that follow the log's last one, or the one at `after`."""
        reader = self.reader
        index = reader.last_index() if after is None else Index(after)
        previous, made = reader.hash(index), list[Entry]()
        for place in range(index + 1, index + 1 + count):
            payload = b"%d of term %d; " % (place, term) * 8
            made.append(make_entry(previous, Index(place), Term(term), EntryKind.BLOCK, payload))
            previous = made[-1].hash
        return tuple(made)

    def acknowledge(
        self,
        entries: Sequence[Entry] = (),
        *,
        vote: tuple[int, NodeId | None] | None = None,
        truncate_from: int | None = None,
        commit: int = 0,
    ) -> None:
        """Write and sync, and thereby promise."""
        self.write(self._persist(entries, vote, truncate_from, commit))

    def _persist(
        self,
        entries: Sequence[Entry],
        vote: tuple[int, NodeId | None] | None = None,
        truncate_from: int | None = None,
        commit: int = 0,
    ) -> Persist:
        self._sequence += 1
        hard_state = None if vote is None else HardState(Term(vote[0]), vote[1])
        cut = None if truncate_from is None else Index(truncate_from)
        return Persist(self._sequence, hard_state, cut, tuple(entries), Index(commit), ())

    # What a node does.

    @property
    @abstractmethod
    def reader(self) -> LogReader:
        """What is durable, while the store is open."""

    @abstractmethod
    def write(self, persist: Persist) -> None:
        """Make one write durable and note that it is acknowledged."""

    @abstractmethod
    def open(self) -> tuple[HardState, Index]:
        """Open the store after what befell it; return the vote and the commit index.

        Raises:
            RefusedError: with the sentence that is reported.
        """

    def close(self) -> None:  # noqa: B027 - nothing to close is the rule
        """Let go of the files."""

    # What befalls the disk. All of it ends this life of the node: only `open` follows.

    @abstractmethod
    def cut_power(self, entries: Sequence[Entry], left: Tail) -> None:
        """Lose power while these entries are being written."""

    @abstractmethod
    def lose_acknowledged_tail(self) -> None:
        """Lose the end of what was acknowledged, as on a disk that lied about its last sync."""

    @abstractmethod
    def flip_bit(self, index: int) -> None:
        """Flip a bit of an acknowledged entry."""

    @abstractmethod
    def lose_log_files(self) -> None:
        """Lose the files that hold the newest writes."""

    @abstractmethod
    def lose_current(self) -> None:
        """Lose the file by which the store finds all its others."""

    @abstractmethod
    def keep_copy(self) -> None:
        """Put a copy of the store aside; not of what lies beside it to guard it."""

    @abstractmethod
    def put_copy_back(self) -> None:
        """Replace the store by that copy."""


class Simulated(Store):
    """The disk of the simulated worlds."""

    def __init__(self, _: Path) -> None:
        super().__init__()
        self._disk = Disk()

    @property
    def reader(self) -> LogReader:
        return self._disk.journal

    def write(self, persist: Persist) -> None:
        self._disk.write(persist)
        self._disk.sync(persist.sequence)

    def open(self) -> tuple[HardState, Index]:
        try:
            self._disk.recover()
        except StoreDamagedError as error:
            raise RefusedError(str(error)) from error
        return self._disk.hard_state, self._disk.commit

    def cut_power(self, entries: Sequence[Entry], left: Tail) -> None:
        self._disk.write(self._persist(entries))
        seed = next(
            seed for seed in range(100) if source(seed, "cut").randint(0, 1) == (left is Tail.WHOLE)
        )
        self._disk.cut(source(seed, "cut"), torn=float(left is Tail.TORN))

    def lose_acknowledged_tail(self) -> None:
        self._disk.journal.truncate(self._disk.journal.last_index())

    def flip_bit(self, index: int) -> None:
        self._disk.flip(index)

    def lose_log_files(self) -> None:
        self._disk.lose()

    def lose_current(self) -> None:
        self._disk.lose()

    def keep_copy(self) -> None:
        self._copy = self._disk.image()

    def put_copy_back(self) -> None:
        self._disk.put_back(self._copy)


class OnLevelDB(Store):
    """The log store of a real node."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        create_log(folder)
        self._log: LogStore | None = open_log(folder)

    @property
    def reader(self) -> LogReader:
        assert self._log is not None
        return self._log

    def write(self, persist: Persist) -> None:
        assert self._log is not None
        self._log.write(persist)

    def open(self) -> tuple[HardState, Index]:
        self.close()
        try:
            self._log = open_log(self._folder)
        except LedgerError as error:
            if error.code is not Code.DATA_DAMAGED or "join anew" not in error.next_step:
                raise
            raise RefusedError(error.message) from error
        return self._log.hard_state, self._log.commit

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = None

    def cut_power(self, entries: Sequence[Entry], left: Tail) -> None:
        """The write reaches LevelDB's newest file; the marker, written last, has no part of it."""
        marker, tail = self._folder / "log.marker", newest(self._folder / "log", "*.log")
        acknowledged, length = marker.read_bytes(), tail.stat().st_size
        self.write(self._persist(entries))
        self.close()
        marker.write_bytes(acknowledged)
        shorten(tail, length + int((tail.stat().st_size - length) * left.value))

    def lose_acknowledged_tail(self) -> None:
        self.close()
        tail = newest(self._folder / "log", "*.log")
        shorten(tail, tail.stat().st_size - 30)

    def flip_bit(self, index: int) -> None:
        payload = self.reader.entries(Index(index), Index(index + 1), 1 << 20)[0].payload
        self.close()
        for path in sorted((self._folder / "log").glob("*.log")):
            place = path.read_bytes().find(payload)
            if place >= 0:
                flip_bit(path, place + 5)
                return
        raise AssertionError(f"entry {index} is in no file")

    def lose_log_files(self) -> None:
        self.close()
        for path in (self._folder / "log").glob("*.log"):
            path.unlink()

    def lose_current(self) -> None:
        self.close()
        (self._folder / "log" / "CURRENT").unlink()

    def keep_copy(self) -> None:
        shutil.copytree(self._folder / "log", self._folder / "yesterday")

    def put_copy_back(self) -> None:
        self.close()
        shutil.rmtree(self._folder / "log")
        (self._folder / "yesterday").rename(self._folder / "log")
