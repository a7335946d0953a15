"""Parsing and signature checks, in threads, ahead of need, once for each transaction and node.

libsodium gives up the interpreter lock while it checks, so checks overlap with everything else. A
transaction is prepared when a client brings it or when a leader's entry brings it, whichever comes
first, and collected when its block is executed. What is kept is bounded; what was pushed out is
prepared again.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from twinledger.execution.prepare import Prepared, prepare
from twinledger.ledger.limits import Limits

CHUNK = 32
"""Transactions a thread takes at a time: enough to make the hand-over cheap."""
MAX_INLINE = 2
"""So few are prepared at once by whoever asks: handing them to a thread costs more than they do."""
MAX_KEPT_BYTES = 64 << 20


def _prepare_all(raws: Sequence[bytes], limits: Limits, chain_id: bytes) -> list[Prepared]:
    return [prepare(raw, limits, chain_id) for raw in raws]


@dataclass(slots=True)
class Preparation:
    """Prepared transactions by their bytes. Called from the event loop and the executing thread."""

    executor: Executor
    limits: Callable[[], Limits]
    chain_id: bytes
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[bytes, tuple[Future[list[Prepared]], int]] = field(default_factory=dict)
    _kept_bytes: int = 0

    def start(self, raws: Iterable[bytes]) -> None:
        """Begin preparing those that are not prepared or under way."""
        with self._lock:
            fresh = [raw for raw in dict.fromkeys(raws) if raw not in self._kept]
            if len(fresh) <= MAX_INLINE:
                self._prepare_here(fresh)
            else:
                for begin in range(0, len(fresh), CHUNK):
                    self._start_chunk(fresh[begin : begin + CHUNK])
            while self._kept_bytes > MAX_KEPT_BYTES:
                self._drop(next(iter(self._kept)))

    def futures(self, raws: Sequence[bytes]) -> list[Future[list[Prepared]]]:
        """Return what must end before `collect` would not block for these."""
        self.start(raws)
        return list({id(f): f for raw in raws if (f := self._future(raw))}.values())

    def collect(self, raws: Sequence[bytes]) -> list[Prepared]:
        """Return the prepared transactions, waiting for them as needed; they stay kept."""
        self.start(raws)
        return [self._collect_one(raw) for raw in raws]

    def forget(self, raws: Iterable[bytes]) -> None:
        """Drop those whose block has been executed, or which nobody will propose."""
        with self._lock:
            for raw in raws:
                if raw in self._kept:
                    self._drop(raw)

    def _prepare_here(self, fresh: list[bytes]) -> None:
        for raw in fresh:
            done: Future[list[Prepared]] = Future()
            done.set_result(_prepare_all([raw], self.limits(), self.chain_id))
            self._keep(raw, done, 0)

    def _start_chunk(self, chunk: list[bytes]) -> None:
        future = self.executor.submit(_prepare_all, chunk, self.limits(), self.chain_id)
        for position, raw in enumerate(chunk):
            self._keep(raw, future, position)

    def _keep(self, raw: bytes, future: Future[list[Prepared]], position: int) -> None:
        self._kept[raw] = (future, position)
        self._kept_bytes += len(raw)

    def _drop(self, raw: bytes) -> None:
        del self._kept[raw]
        self._kept_bytes -= len(raw)

    def _future(self, raw: bytes) -> Future[list[Prepared]] | None:
        kept = self._kept.get(raw)
        return kept[0] if kept else None

    def _collect_one(self, raw: bytes) -> Prepared:
        kept = self._kept.get(raw)
        if kept is None:  # pushed out meanwhile by a flood of others
            return prepare(raw, self.limits(), self.chain_id)
        future, position = kept
        return future.result()[position]
