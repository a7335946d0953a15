"""A consortium of honest nodes and one hostile member, in this process.

The honest are real nodes: real ports, real LevelDB, one event loop in a thread of its own. The
hostile member runs no node; its keys are the test's (`hostile_member`).
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.integration.single_node import free_address
from twinledger.client import Identity, Ledger, Profile, connect
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member
from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import Signer
from twinledger.node.configuration import load
from twinledger.node.node_keys import CERTIFICATE_VALIDITY_US, NodeKeys
from twinledger.node.running import Node
from twinledger.storage import DataFolder

T = TypeVar("T")
HONEST = ("a", "b", "c")
HOSTILE = "h"
PATIENCE_S = 90
SIGN_AGAIN_S = 0.2
NEVER = 1_000_000_000
"""Ticks that no test lives to see."""


def node_id_of(member: str) -> NodeId:
    return NodeId(f"{member}-1")


class Honest:
    """One real node."""

    def __init__(self, member: str, folder: Path) -> None:
        self.member, self.folder = member, folder
        self.stop = asyncio.Event()

    async def start(self) -> None:
        self.data = DataFolder.open(self.folder / "data", min_free_bytes=1 << 20)
        self.node = await Node.start(self.data, load(self.folder / "node.toml"))
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self.node.run_until(self.stop)
        finally:
            await self.node.close()
            self.data.close()

    @property
    def height(self) -> int:
        """The last executed height."""
        return self.node.parts.feed.height

    @property
    def log_height(self) -> int:
        return int(self.node.parts.replica.core.last_index)

    @property
    def leader(self) -> NodeId | None:
        """Whom it follows."""
        return self.node.parts.replica.core.leader

    @property
    def certificate(self) -> Certificate | None:
        return self.node.parts.heads.certificate

    @property
    def certified_size(self) -> int:
        """The size of the newest certified head; 0 before the first."""
        return self.certificate.checkpoint.size if self.certificate else 0

    @property
    def accused(self) -> set[str]:
        """Whom this node's evidence names."""
        found = self.node.parts.heads.keeper.suspicions.evidence.values()
        return {evidence.witness for evidence in found}

    @property
    def suspects(self) -> list[str]:
        """Who signed another history than this node's, and is not convicted."""
        return list(self.node.parts.heads.keeper.suspicions.suspect_names)

    def head(self, size: int) -> Checkpoint:
        """The head of a size that it executed."""
        return self.node.parts.heads.keeper.own.head(size)

    def outcomes(self, height: int) -> list[str]:
        """What became of the transactions of a block."""
        block = self.node.foundation.stores.chain.block(height)
        return [Receipt.decode(raw).outcome for raw in block.receipts]


class Consortium:
    """Starts the honest nodes when entered, stops them when left.

    With `elections` off none of them ever campaigns: who leads is whoever says so.
    """

    def __init__(self, folder: Path, *, elections: bool) -> None:
        self._ticks = "" if elections else f"election_ticks = {NEVER}\n"
        self.keys: dict[str, NodeKeys] = {}
        self.admins: dict[str, Signer] = {}
        members = [self._member(name, folder) for name in (*HONEST, HOSTILE)]
        genesis = Genesis.parse(build("hostile", time.time_ns() // 1000, members, Limits()))
        for admin in self.admins.values():
            genesis = genesis.signed_by(admin)
        self.genesis = genesis
        self.honest = {name: self._honest(name, folder / name) for name in HONEST}
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def _member(self, name: str, folder: Path) -> Member:
        node_id = node_id_of(name)
        (folder / name).mkdir()
        keys = self.keys[name] = NodeKeys.create(folder / name / "keys", f"{name}/{node_id}")
        admin = Signer(IdentityName(f"{name}/admin"), SigningKey.generate())
        self.admins[name] = admin
        until_us = time.time_ns() // 1000 + CERTIFICATE_VALIDITY_US
        node = keys.record(node_id, free_address(), free_address(), valid_until_us=until_us)
        return Member(MemberName(name), (Admin("admin", admin.key.public_key),), (node,))

    def _honest(self, name: str, folder: Path) -> Honest:
        node = self.record(name)
        (folder / "genesis.json").write_bytes(self.genesis.raw)
        (folder / "node.toml").write_text(
            f'[node]\nid = "{node.node_id}"\n[listen]\nclient = "{node.client_address}"\n'
            f'peer = "{node.peer_address}"\n[storage]\nmin_free_mib = 1\n'
            f"[heads]\nsign_again_s = {SIGN_AGAIN_S}\n[consensus]\n{self._ticks}"
        )
        raw = self.genesis.raw
        DataFolder.create(folder / "data", raw, node.node_id, reserve_bytes=1 << 20)
        return Honest(name, folder)

    def record(self, name: str) -> Any:
        """A member's node as genesis has it."""
        member = self.genesis.consortium.member(MemberName(name))
        assert member is not None
        return member.nodes[0]

    def __enter__(self) -> Self:
        self._thread.start()
        for honest in self.honest.values():
            self.run(honest.start())
        return self

    def __exit__(self, *_: object) -> None:
        for honest in self.honest.values():
            self.loop.call_soon_threadsafe(honest.stop.set)
        try:
            for honest in self.honest.values():
                self.run(_ended(honest.running))
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(30)
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of a coroutine in the nodes' loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until the nodes are as wanted."""

        async def waiting() -> None:
            async with asyncio.timeout(PATIENCE_S - 5):
                while not holds():  # noqa: ASYNC110 - what is waited for sets no event
                    await asyncio.sleep(0.02)

        try:
            self.run(waiting())
        except TimeoutError:
            raise AssertionError(f"never: {what}") from None

    def as_client(self, work: Callable[[Ledger], Awaitable[T]], member: str = "a") -> T:
        """What a member's admin gets done at the honest nodes."""
        admin = self.admins[member]
        trusted = Profile.of_genesis(self.genesis)
        hostile = node_id_of(HOSTILE)
        up = tuple(node for node in trusted.nodes if node.node_id != hostile)
        profile = replace(trusted, nodes=up)

        async def working() -> T:
            async with connect(
                profile=profile, identity=Identity(admin.identity, admin.key), discover=False
            ) as ledger:
                return await work(ledger)

        return self.run(working())

    def check_no_conflict(self) -> None:
        """No two certified heads are of two histories: each holder has the smaller in its own."""
        holders = [each for each in self.honest.values() if each.certificate]
        for one in holders:
            for other in holders:
                assert one.certificate is not None
                assert other.certificate is not None
                head = one.certificate.checkpoint
                if head.size <= other.certificate.checkpoint.size:
                    assert other.head(head.size) == head, "two certified heads conflict"

    def witnesses_of(self, member: str) -> Sequence[str]:
        """The witnesses that an honest node counts now, by name."""
        found = self.honest[member].node.parts.heads.keeper.gathering.witnesses
        return [witness.name for witness in found.witnesses]


async def _ended(running: asyncio.Task[None]) -> None:
    await running
