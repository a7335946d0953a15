"""Follows the ledger from one certified head to the next, and asks for claims under the newest.

The head is proven once and then serves every read for a moment; a read that must see more, such as
this client's own write, moves on to a newer one first. Whatever does not hold is raised with the
name of what is wrong and the node that said it, and that node is left.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from twinledger.client.attempts import Attempts
from twinledger.client.head_file import HeadFile
from twinledger.client.nodes import Node, Nodes
from twinledger.client.proofs import Question, answers
from twinledger.client.proofs import head as head_question
from twinledger.client.truncation import naming_truncation
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.proofs import light
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.standing import Standing

FRESH_SECONDS: Final = 0.25
"""How long a head serves reads before a newer one is asked for."""

_OVERTAKEN_TIMES: Final = 3
"""How often a question is asked again under a newer head: the one before was too old by then."""

_KEEP_SECONDS: Final = 5.0
"""How often the head is written to disk at most, besides when the client is closed."""


Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Answered:
    """A claim that was verified.

    Attributes:
        claim: The claim, of one of the kinds in ``proofs.claims``.
        header: The block that it speaks of.
        height: The height of the head that it was verified under.
    """

    claim: Any
    header: BlockHeader
    height: int


class Light:
    """The newest certified head that this client has seen.

    Attributes:
        standing: The head, with the consortium after it; None before the first.
        certificate: The certificate of that head, as it came last; empty when the head was read
            from disk.
    """

    def __init__(
        self,
        nodes: Nodes,
        attempts: Callable[[float | None], Attempts],
        moved: Callable[[Standing], Awaitable[None]],
    ) -> None:
        """`moved` is told the first head and every newer one, before anything is read under it."""
        self._nodes = nodes
        self._attempts = attempts
        self._moved = moved
        self._file: HeadFile | None = None
        self._unkept: bytes = b""
        self._kept_at = -_KEEP_SECONDS
        self._asked_at = -FRESH_SECONDS
        self._moving = asyncio.Lock()
        self._chain_id = b""
        self._told = False
        self.standing: Standing | None = None
        self.certificate: bytes = b""

    def begin(self, chain_id: bytes, file: HeadFile | None) -> None:
        """Begins at what the file holds, or knowing only the chain.

        Raises:
            LedgerError: CONFIG_INVALID, WRONG_CHAIN.
        """
        self._chain_id, self._file = chain_id, file
        self.standing = file.load(chain_id) if file else None

    async def fresh(self, min_height: int = 0, timeout_seconds: float | None = None) -> Standing:
        """The head, no older than a moment, that certifies at least `min_height`.

        Raises:
            LedgerError: HEAD_ROLLED_BACK, HEAD_CONFLICT, PROOF_TRUNCATED when a recovery cut off
                the head that is known, or what `twinledger verify` would say; NOT_CERTIFIED,
                HEIGHT_NOT_REACHED when no node has such a head in time.
        """
        if not self._serves(min_height):
            async with self._moving:
                if not self._serves(min_height):
                    await self._move(min_height, timeout_seconds)
        return self._standing

    async def ask(
        self,
        question: Question,
        *,
        min_height: int = 0,
        now: bool = True,
        timeout_seconds: float | None = None,
    ) -> Answered:
        """Asks for a claim and verifies it under the newest head.

        Args:
            question: What is asked.
            min_height: The head certifies at least this height.
            now: The claim must be of the head's own block, not of an older one.
            timeout_seconds: How long to try.

        Raises:
            LedgerError: as `fresh` does; PROOF_INVALID for an answer to another question; what the
                node refuses.
        """
        standing = await self.fresh(min_height, timeout_seconds)
        for _ in range(_OVERTAKEN_TIMES):
            try:
                return await self._ask_under(standing, question, now, timeout_seconds)
            except LedgerError as error:
                if error.code is not Code.PRUNED or not now:
                    raise
                # Meanwhile the ledger may have gone on by more heights than the node keeps.
                before, self._asked_at = standing, -FRESH_SECONDS
                standing = await self.fresh(min_height, timeout_seconds)
                if standing.size == before.size:
                    raise
        return await self._ask_under(standing, question, now, timeout_seconds)

    async def _ask_under(
        self, standing: Standing, question: Question, now: bool, timeout_seconds: float | None
    ) -> Answered:
        message = question.to_message(0)
        message.under_size = standing.size

        async def attempt(node: Node, seconds: float) -> Answered:
            raw = (await node.ledger.Prove(message, timeout=seconds)).claim
            return await self._verified(node, _answered, raw, question, standing, now)

        return await self._attempts(timeout_seconds).run(attempt)

    async def close(self) -> None:
        """Writes what is not written yet."""
        await self._keep()

    @property
    def _standing(self) -> Standing:
        if self.standing is None:
            raise LedgerError(Code.NOT_CERTIFIED)
        return self.standing

    def _serves(self, min_height: int) -> bool:
        young = time.monotonic() - self._asked_at < FRESH_SECONDS
        return young and self.standing is not None and self.standing.size > min_height

    async def _move(self, min_height: int, timeout_seconds: float | None) -> None:
        before, asked_at = self.standing, time.monotonic()
        message = head_question().to_message(before.size if before else 0)
        message.min_height, message.settled = min_height, True

        async def attempt(node: Node, seconds: float) -> tuple[bytes, Standing]:
            async with naming_truncation(node, seconds, before):
                raw = (await node.ledger.Prove(message, timeout=seconds)).bundle
                moved = await self._verified(node, light.follow, raw, self._chain_id, before)
            if moved.size <= min_height:
                said = f"{node.address} proves no head above height {min_height}"
                raise LedgerError(Code.HEIGHT_NOT_REACHED, said)
            return raw, moved

        raw, moved = await self._attempts(timeout_seconds).run(attempt)
        self.certificate = Bundle.decode(raw).head.certificate
        newer = before is None or moved.size > before.size
        if newer or not self._told:
            # The file's head too: the profile beside it may be older than that.
            await self._moved(moved)
            self._told = True
        if newer:
            self._unkept = raw
        self.standing, self._asked_at = moved, asked_at
        if time.monotonic() - self._kept_at >= _KEEP_SECONDS:
            await self._keep()

    async def _keep(self) -> None:
        if self._file is None or not self._unkept or self.standing is None:
            return
        raw = self._unkept
        await asyncio.to_thread(self._file.keep, raw, self.standing)
        # Only now: what could not be written is tried again.
        self._kept_at = time.monotonic()
        if self._unkept is raw:
            self._unkept = b""

    async def _verified(self, node: Node, check: Callable[..., Checked], *args: Any) -> Checked:
        """Checks in a thread: signatures take a while, and other calls go on meanwhile."""
        try:
            return await asyncio.to_thread(check, *args)
        except LedgerError as error:
            # It answered, so nobody else would turn away from it.
            self._nodes.leave(node)
            detail = f"{node.address}: {error.detail}" if error.detail else node.address
            raise LedgerError(error.code, detail) from error


def _answered(raw: bytes, question: Question, standing: Standing, now: bool) -> Answered:
    claim, told = light.claimed(raw, standing)
    height = standing.size - 1
    if not answers(claim, question):
        raise LedgerError(Code.PROOF_INVALID, "it proves something else than was asked")
    if now and told.header.height != height:
        said = f"it is of height {told.header.height}, not of the newest certified {height}"
        raise LedgerError(Code.HEAD_ROLLED_BACK, said)
    return Answered(claim, told.header, height)
