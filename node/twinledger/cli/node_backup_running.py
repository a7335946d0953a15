"""Takes the backup of a running node, part by part as it sends them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import grpc

from twinledger.cli.connection import find_target
from twinledger.cli.node_status import caller_named, endpoints_named
from twinledger.client import Identity
from twinledger.client.failures import from_rpc
from twinledger.client.nodes import Endpoint, Node, Nodes
from twinledger.client.read_tokens import ReadTokens
from twinledger.consortium.genesis import chain_id as chain_id_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.backup_folder import BackupFolder, backup_invalid
from twinledger.v1.operator_service_pb2 import BackupRequest, BackupResponse

_PART_S: Final = 60.0
"""How long one part may take to come."""


def back_up_running(
    name: str, devnet: Path | None, profile: Path | None, key: Path | None, out: Path
) -> int:
    """Back up a running node, or add to a backup what came since; return the last height.

    Raises:
        LedgerError: NO_SUCH_NODE, CONFIG_INVALID, CONNECTION_LOST; BACKUP_INVALID, when what came
            is no backup of the profile's chain; what the node answers.
        StorageFailure: the disk refused.
    """
    trusted = find_target(devnet, None, profile).trusted
    identity = caller_named(devnet, profile, key)
    ways = endpoints_named(name, trusted)
    return asyncio.run(_fetch(ways, identity, trusted.chain_id, BackupFolder(out)))


async def _fetch(
    ways: Sequence[Endpoint], identity: Identity | None, chain_id: bytes, out: BackupFolder
) -> int:
    nodes = Nodes(ways, ReadTokens(identity, chain_id))
    try:
        taking = Taking(out, chain_id)
        await _take_all(nodes.current, taking)
        if taking.height is None:
            raise LedgerError(Code.CONNECTION_LOST, f"{nodes.current.address} ended it early")
        # A node that is behind the backup adds nothing to it.
        return max(taking.height, out.last_index)
    finally:
        await nodes.close()


async def _take_all(node: Node, taking: "Taking") -> None:
    call = node.operator.Backup(taking.request)
    try:
        parts = aiter(call)
        while (part := await asyncio.wait_for(anext(parts, None), _PART_S)) is not None:
            taking.take(part)
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error, node.address) from error
    except TimeoutError as error:
        raise LedgerError(Code.CONNECTION_LOST, f"{node.address} sends no more") from error
    finally:
        call.cancel()


class Taking:
    """Takes the parts of one backup.

    Attributes:
        request: Asks for what the backup does not have yet.
        height: Up to which height it goes, once all parts came.
    """

    def __init__(self, out: BackupFolder, chain_id: bytes) -> None:
        """Of a chain, into a backup."""
        self.request = BackupRequest(after_height=out.last_index, snapshot_id=out.snapshot_id)
        self.height: int | None = None
        self._out, self._chain_id = out, chain_id
        self._chunks = 0

    def take(self, part: BackupResponse) -> None:
        """Keep a part.

        Raises:
            LedgerError: BACKUP_INVALID, SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        match part.WhichOneof("part"):
            case "genesis":
                if chain_id_of(part.genesis) != self._chain_id:
                    raise backup_invalid("the node's genesis file is of another chain")
                self._out.begin(part.genesis)
            case "certificates":
                self._out.take_certificates(part.certificates)
            case "manifest":
                self._out.begin_snapshot(part.manifest)
            case "chunk":
                self._out.take_chunk(self._chunks, part.chunk)
                self._chunks += 1
            case "blocks":
                self._out.take_blocks(part.blocks)
            case "height":
                self.height = part.height
            case _:
                raise backup_invalid("a part of it is of no known kind")
