"""Why a node may be on another way than the head that a client keeps: a recovery cut that off.

A node cannot tell it: it is asked from a size, and answers with its own history. So a client whose
head is on no node's way has that node prove its newest head from genesis, and looks whether a
quorum of the members opened an epoch that goes on from below. It learns why, and never goes on:
what was certified is not given up because others did.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc.aio

from twinledger.client.attempts import Deadline
from twinledger.client.failures import end_if_cancelled, from_rpc
from twinledger.client.nodes import Node
from twinledger.client.proofs import head as head_question
from twinledger.ledger.checkpoint import epoch_of, head_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs import light
from twinledger.proofs.standing import Standing
from twinledger.v1 import ledger_service_pb2 as pb

_OTHER_WAY: Final = frozenset({Code.HEAD_CONFLICT, Code.PROOF_NOT_ANCHORED})
"""What it looks like where the new epoch is as long as the head; while it is shorter, the node
says HEIGHT_NOT_REACHED like any that is behind."""


@asynccontextmanager
async def naming_truncation(
    node: Node, seconds: float, known: Standing | None
) -> AsyncIterator[None]:
    """Around what a node is asked, and verified, from a head.

    Args:
        node: The node.
        seconds: How long it may take together.
        known: The head; None when the chain alone is known.

    Raises:
        LedgerError: PROOF_TRUNCATED in the place of what was raised inside, when that is why; all
            else as it was.
    """
    deadline = Deadline(seconds)
    try:
        yield
    except (grpc.aio.AioRpcError, LedgerError) as error:
        if known is None:
            raise
        found = await _truncation(node, deadline, known, _code(error, node))
        if found is None:
            raise
        raise LedgerError(found.code, f"{node.address}: {found.detail}") from error


async def _truncation(
    node: Node, deadline: Deadline, known: Standing, code: Code
) -> LedgerError | None:
    try:
        if code is Code.HEIGHT_NOT_REACHED:
            if not await _is_of_later_epoch(node, deadline, known):
                return None
        elif code not in _OTHER_WAY:
            return None
        message = head_question().to_message(0)
        raw = (await node.ledger.Prove(message, timeout=deadline.remaining)).bundle
        return await asyncio.to_thread(light.truncation, raw, known)
    except grpc.aio.AioRpcError:
        end_if_cancelled()
        return None
    except LedgerError:
        return None  # it proves nothing: what the client met first stands


async def _is_of_later_epoch(node: Node, deadline: Deadline, known: Standing) -> bool:
    """Whether a node says so; it is not believed, but asked for more."""
    answer = await node.ledger.GetHead(pb.GetHeadRequest(), timeout=deadline.remaining)
    if not answer.certificate:
        return False
    return epoch_of(head_of(answer.certificate).origin) > known.consortium.epoch


def _code(error: grpc.aio.AioRpcError | LedgerError, node: Node) -> Code:
    return error.code if isinstance(error, LedgerError) else from_rpc(error, node.address).code
