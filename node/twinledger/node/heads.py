"""Certifies the ledger's heads: does what ``consortium.heads`` says.

It never delays ordering. Heads are signed in a thread of their own, which also writes their mark
and the book; signatures are checked in the threads that check transactions'.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final

from twinledger.consensus import NodeId
from twinledger.consortium.heads import Found, HeadKeeper
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium
from twinledger.consortium.witnesses import Certificate, WitnessSet, witness_set
from twinledger.execution.results import Execution
from twinledger.ledger.checkpoint import Checkpoint, epoch_of
from twinledger.ledger.cosignature import Cosignature, cosign
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.evidence import SignedHead
from twinledger.ledger.keys import MessageSigner
from twinledger.node import heads_wire
from twinledger.node.feed import Feed
from twinledger.node.heads_asking import HeadAsking
from twinledger.node.transport import Transport
from twinledger.storage import HeadBook, HeadMark, LogStore, SignedMark
from twinledger.v1.peer_service_pb2 import CosignatureBatch

SAVE_S: Final = 0.2
BEAT_S: Final = 1.0

Made = list[tuple[Checkpoint, Cosignature]]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Heads:
    """Signs, gathers and keeps heads. Everything but the threads' work is on the event loop."""

    keeper: HeadKeeper
    book: HeadBook
    mark: HeadMark | None
    """None when this node may not sign in its folder."""
    name: str
    """As which witness this node signs."""
    signer: MessageSigner
    log: LogStore
    transport: Transport
    feed: Feed[Any]
    thread: Executor
    """One thread: marks and records are written in order."""
    checks: Executor
    sign_again_s: float
    asking: HeadAsking
    set_number: int
    """The number of the witness set after the newest executed block."""
    diverged: Callable[[Certificate], Awaitable[LedgerError]]
    """Finds out what differs; its error stops the node."""
    _epoch_over: bool = False
    """Whether a block opened another epoch: these heads are of the one before."""
    _to_sign: asyncio.Event = field(default_factory=asyncio.Event)
    _to_check: asyncio.Event = field(default_factory=asyncio.Event)
    _again: bool = True
    """At first too: others may wait for what was signed before this node was stopped."""
    _quiet: bool = False
    _newest: SignedHead | None = None
    _unsaved: Certificate | None = None
    _contrary: Certificate | None = None
    _behind_since_s: float | None = None

    @property
    def certificate(self) -> Certificate | None:
        """The newest certificate."""
        return self.keeper.gathering.certificate

    @property
    def signs(self) -> bool:
        """Whether this node may sign: it has the mark of its key, and is a witness with it."""
        if self._epoch_over or not self.has_own_mark:
            return False
        witness = self.keeper.gathering.witness(self.name)
        return witness is not None and witness.public_key == self.signer.public_key

    # What happens.

    def executed(self, execution: Execution) -> None:
        """Take a block that was executed and stored."""
        leaf = execution.writes.get(CONSORTIUM_KEY)
        following = None if leaf is None else self._following(leaf)
        self._contrary = self.keeper.executed(execution.header_bytes, following).contrary
        if self._behind_since_s is None:
            self._behind_since_s = time.monotonic()
        self._to_sign.set()
        self._to_check.set()

    def written(self) -> None:
        """The log has grown: what was executed before it was durable here may be signed now."""
        self._to_sign.set()

    def received(self, sender: NodeId, batch: CosignatureBatch) -> None:
        """Take what another node sent.

        Raises:
            LedgerError: MALFORMED.
        """
        heads = heads_wire.decode(batch, self.keeper.own.origin)
        self.keeper.received(heads, self._witness_of(sender))
        self._to_check.set()

    def greeted(self, node_id: NodeId) -> None:
        """A stream to another node is up: it may have missed this node's newest head."""
        if self._newest is not None:
            self.transport.peers[node_id].cosign([heads_wire.encode(self._newest)])

    async def run(self) -> None:
        """Sign and check for ever; ends by cancellation, or raises what must stop the node."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sign_always(), name="signing heads")
            group.create_task(self._check_always(), name="checking heads")
            group.create_task(self._keep_fresh(), name="heads when idle")
            group.create_task(self._save_always(), name="saving heads")
            self._to_sign.set()
            self._to_check.set()

    def save(self) -> None:
        """Write what is news; not beside ``run``.

        Raises:
            StorageFailure: the disk refused.
        """
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is not None:
            self._write(unsaved, dict(self.keeper.suspicions.seen))

    # Signing.

    async def _sign_always(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._to_sign.wait()
            self._to_sign.clear()
            while batch := self._batch():
                made = await loop.run_in_executor(self.thread, self._sign, batch)
                self._take_made(made)

    def _batch(self) -> tuple[Checkpoint, ...]:
        if not self.signs:
            return ()
        signing, durable = self.keeper.signing, self.log.last_index() + 1
        batch = signing.batch(durable, self.keeper.gathering.barrier)
        again, self._again = self._again, False
        return batch or (signing.again(durable) if again else ())

    def _sign(self, batch: Sequence[Checkpoint]) -> Made:
        """Write the mark of the newest, then sign all: in this order, whatever happens."""
        if self.mark is None:
            return []
        newest, before = batch[-1], self.mark.mark.timestamp_s
        now = max(int(time.time()), before)
        key = self.signer.public_key
        self.log.note_signed(newest.size)
        self.mark.advance(SignedMark(key, newest.origin, newest.size, newest.root, now))
        return [(head, cosign(self.signer, self.name, head, now)) for head in batch]

    def _take_made(self, made: Made) -> None:
        self.keeper.signed(made, self.signer.public_key)
        self._newest, self._quiet = SignedHead(*made[-1]), False
        messages = [heads_wire.encode(SignedHead(*each)) for each in made]
        for peer in self.transport.peers.values():
            peer.cosign(messages)
        self._to_check.set()

    # Checking.

    async def _check_always(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._to_check.wait()
            self._to_check.clear()
            await self._take(Found(contrary=self._contrary))
            while (check := self.keeper.next_check()) is not None:
                valid = await loop.run_in_executor(self.checks, check.run)
                await self._take(self.keeper.checked(check, valid))

    async def _take(self, found: Found) -> None:
        loop = asyncio.get_running_loop()
        for evidence in found.evidence:
            logger.error("a witness signed two histories", extra={"witness": evidence.witness})
            await loop.run_in_executor(
                self.thread, self.book.note_evidence, evidence.public_key, evidence.encode()
            )
        certificate = found.certificate
        if certificate is not None and found.changes_witnesses:
            size, raw = certificate.checkpoint.size, certificate.raw
            await loop.run_in_executor(self.thread, self.book.note_change, size, raw)
            self._to_sign.set()  # this change is behind: larger heads may be signed
        if found.contrary is not None:
            raise await self.diverged(found.contrary)
        self._tell(found)

    def _tell(self, found: Found) -> None:
        for name in found.suspects:
            logger.warning("a witness signs another history", extra={"witness": name})
        certificate = found.certificate
        if certificate is None:
            return
        self._unsaved = certificate
        behind = certificate.checkpoint.size < self.keeper.own.size
        self._behind_since_s = time.monotonic() if behind else None
        self.feed.certify(certificate.checkpoint.height)

    # Now and then.

    async def _keep_fresh(self) -> None:
        beat_s = min(BEAT_S, self.sign_again_s)
        for beat in itertools.count(1):
            await asyncio.sleep(beat_s)
            for certificate in await self.asking.missed(self.keeper.gathering):
                await self._take(self.keeper.learned(certificate))
                self._to_check.set()
            await self._ask()
            if beat % max(1, round(self.sign_again_s / beat_s)) == 0:
                self.keeper.idle()
                self._pass_on()
                self._again, self._quiet = self._quiet, True
                self._to_sign.set()
                self._to_check.set()

    def _pass_on(self) -> None:
        """Send on what others signed, so that the heads of a double signer meet somewhere."""
        held = [
            heads_wire.encode(head)
            for head in self.keeper.suspicions.heads
            if head.cosignature.name != self.name
        ]
        for peer in self.transport.peers.values():
            peer.cosign(held[: heads_wire.MAX_COSIGNATURES])

    async def _ask(self) -> None:
        for question in self.keeper.suspicions.questions():
            async for root_within, way in self.asking.answers(question):
                evidence = self.keeper.answered(question, root_within, way)
                if evidence is not None:
                    await self._take(Found(evidence=(evidence,)))
                    break

    async def _save_always(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SAVE_S)
            unsaved, self._unsaved = self._unsaved, None
            if unsaved is not None:
                seen = dict(self.keeper.suspicions.seen)
                await loop.run_in_executor(self.thread, self._write, unsaved, seen)

    def _write(self, certificate: Certificate, seen: dict[bytes, SignedHead]) -> None:
        self.book.note_newest(certificate.raw)
        self.book.note_seen(seen)

    # What is told.

    @property
    def has_own_mark(self) -> bool:
        """Whether its folder's mark is of this key and ledger, or of none yet."""
        return self.mark is not None and (not self.mark.mark.size or self._is_own(self.mark.mark))

    @property
    def behind_since_s(self) -> float | None:
        """Since when certification stands still below the executed height, if it does."""
        return self._behind_since_s

    def _is_own(self, mark: SignedMark) -> bool:
        return (mark.key, mark.origin) == (self.signer.public_key, self.keeper.own.origin)

    def _witness_of(self, node_id: NodeId) -> str:
        return self.keeper.gathering.name_of_node(node_id)

    def _following(self, leaf: bytes) -> WitnessSet | None:
        consortium = Consortium.decode(leaf)
        if consortium.epoch != epoch_of(self.keeper.own.origin):
            self._epoch_over = True  # the node is opened anew, for those who certify then
            return None
        if consortium.set_number == self.set_number:
            return None
        self.set_number = consortium.set_number
        return witness_set(consortium)
