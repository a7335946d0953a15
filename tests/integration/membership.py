"""A devnet whose members come, go and replace their nodes, by what their own admins sign."""

import asyncio
import shutil
import time
from dataclasses import dataclass, replace

from tests.integration.single_node import free_address
from twinledger.cli.join_making import JOIN_FILE, NewMember, make_join
from twinledger.cli.node_folder import make_node_folder
from twinledger.client import Identity, Ledger
from twinledger.client.governance_operations import propose, replace_node, vote
from twinledger.devnet.control import Devnet
from twinledger.devnet.layout import NodeEntry, profile_path
from twinledger.devnet.process import PROGRAM
from twinledger.ledger.governance_operations import AdmitMember, Change, RemoveMember
from twinledger.ledger.names import MemberName
from twinledger.ledger.receipt import EventKind

WITHIN_S = 180
SLOW_TICKS = {"consensus": {"tick_ms": 60}}
"""A newcomer votes once it has caught up within an election timeout: also on a busy machine."""
VALID_DAYS = 730


@dataclass(slots=True)
class Membership:
    """A devnet and the changes of it; the layout goes along with what the ledger says."""

    devnet: Devnet
    ledger: Ledger

    async def admit(self, member: str) -> NodeEntry:
        """Have a company admitted, and start its node."""
        entry = self._entry(member, f"{member}-1")
        join_file = self._make_join(entry)
        folder = self.devnet.layout.node_folder(entry)
        key = self.devnet.layout.key_file(f"{member}/admin")
        shutil.copy(folder / f"{member}.admin.key", key)
        await self.decide(AdmitMember(join_file))
        await self._start(entry)
        return entry

    async def remove(self, member: str) -> NodeEntry:
        """Have a member voted out; its node's process goes on until `end`."""
        await self.decide(RemoveMember(MemberName(member)), voters_not=member)
        (gone,) = (node for node in self.devnet.layout.nodes if node.member == member)
        kept = tuple(node for node in self.devnet.layout.nodes if node != gone)
        self.devnet = Devnet(replace(self.devnet.layout, nodes=kept))
        await self._refresh()
        return gone

    async def replace(self, *olds: NodeEntry, suffix: str) -> list[NodeEntry]:
        """Have members replace their nodes, all in one transaction that only they sign."""
        news = [self._entry(old.member, f"{old.member}-{suffix}") for old in olds]
        operations = [
            replace_node(old.name, self._make_join(new, self._admin(old.member)))
            for old, new in zip(olds, news, strict=True)
        ]
        authors = [self._admin(old.member) for old in olds]
        await self.ledger.submit(*operations, authors=authors, timeout_seconds=WITHIN_S)
        kept = tuple(node for node in self.devnet.layout.nodes if node not in olds)
        self.devnet = Devnet(replace(self.devnet.layout, nodes=kept))
        for new in news:
            await self._start(new)
        return news

    async def voting(self, *entries: NodeEntry) -> None:
        """Wait until exactly the devnet's nodes are on the ledger, and these vote."""
        wanted = {node.name for node in self.devnet.layout.nodes}
        deadline = time.monotonic() + WITHIN_S
        while True:
            found = await self.ledger.consortium(timeout_seconds=WITHIN_S)
            votes = {node.node_id: node.voter for m in found.members for node in m.nodes}
            if set(votes) == wanted and all(votes[entry.name] for entry in entries):
                return
            assert time.monotonic() < deadline, f"{votes}, not {wanted}"
            await asyncio.sleep(0.2)

    def end(self, entry: NodeEntry) -> None:
        """End the process of a node that belongs no more."""
        process = self.devnet.process(entry)
        process.ask_to_stop()
        process.end(time.monotonic() + 30)

    def _entry(self, member: str, name: str) -> NodeEntry:
        return NodeEntry(name, member, free_address(), free_address())

    def _admin(self, member: str) -> Identity:
        return self.devnet.layout.identity(f"{member}/admin")

    def _make_join(self, entry: NodeEntry, admin: Identity | None = None) -> bytes:
        addresses = (entry.peer_address, entry.client_address)
        new = NewMember(entry.member, entry.name, "admin", *addresses, VALID_DAYS)
        folder = self.devnet.layout.node_folder(entry)
        make_join(folder, new, None, admin)
        return (folder / JOIN_FILE).read_bytes()

    async def _start(self, entry: NodeEntry) -> None:
        layout = self.devnet.layout
        self.devnet = Devnet(replace(layout, nodes=(*layout.nodes, entry)))
        await self._refresh()
        folder = layout.node_folder(entry)
        make_node_folder(folder, entry.name, layout.genesis, (None, None), folder / JOIN_FILE)
        peers = ("--peers", str(profile_path(layout.path)))
        self.devnet.process(entry).start((*PROGRAM, *peers))

    async def _refresh(self) -> None:
        now = await self.ledger.consortium(timeout_seconds=WITHIN_S)
        layout = self.devnet.layout
        fresh = layout.profile.with_nodes(now.trusted_nodes, now.height)
        fresh.save(profile_path(layout.path))

    async def decide(self, change: Change, voters_not: str = "") -> None:
        """Have the members propose a change and vote for it."""
        members = [m for m in self.devnet.layout.members if m != voters_not]
        planned = (await self.ledger.governed(timeout_seconds=WITHIN_S)).plan(change)
        made = await self.ledger.submit(
            propose(planned.ground, planned.change),
            authors=[self._admin(members[0])],
            timeout_seconds=WITHIN_S,
        )
        number = int(made.events[0].subject)
        for member in members[1:]:
            (open_one,) = (p for p in await self.ledger.proposals() if p.number == number)
            voted = await self.ledger.submit(
                vote(number, open_one.plan, approve=True),
                authors=[self._admin(member)],
                timeout_seconds=WITHIN_S,
            )
            if voted.events[0].kind == EventKind.PROPOSAL_PASSED:
                return
        raise AssertionError(f"proposal {number} did not pass")
