"""New keys for every node and every member of a running consortium, while clients write."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.accounts import WITHIN_S, same_head
from tests.integration.commands import answer
from twinledger.cli import key_rotation
from twinledger.cli.connection import Connection, find_target
from twinledger.cli.signing_key_rotation import rotate_signing
from twinledger.client import Code, Identity, Ledger, LedgerError, Role, connect
from twinledger.client import operations as op
from twinledger.client.governance_operations import rotate_key
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry, key_path
from twinledger.node.configuration import Configuration, load
from twinledger.node.node_keys import LOG, WITNESS


@pytest.fixture(scope="module")
def all_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    made = Devnet(create(tmp_path_factory.mktemp("rotation") / "devnet", 4))
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def devnet(all_nodes: Devnet) -> Devnet:
    """All of them up, whatever an earlier test left."""
    asyncio.run(all_nodes.up())
    return all_nodes


async def twinledger(*arguments: str | Path) -> Any:
    """Run a command beside what this loop does."""
    return await asyncio.to_thread(answer, *arguments)


async def new_keys_of_all_members(layout: Layout, ledger: Ledger) -> None:
    """Witness and log keys of every node, the admin key of every member."""
    before = await ledger.consortium()
    for node in layout.nodes:
        settings, connection = of_operator(layout, node)
        done = await asyncio.to_thread(rotate_signing, settings, connection, [WITNESS, LOG])
        assert done.taken is True
        made = Identity.generate(f"{node.member}/admin")
        change = rotate_key(made.name, made.public_key)
        await asyncio.to_thread(connection.run, lambda ledger, change=change: ledger.submit(change))
        key_path(layout.path, made.name).unlink()
        made.save(key_path(layout.path, made.name))
    after = await ledger.consortium()
    for old_member, new_member in zip(before.members, after.members, strict=True):
        for was, now in zip(old_member.nodes, new_member.nodes, strict=True):
            assert was.witness_key != now.witness_key
            assert was.log_key != now.log_key


def of_operator(layout: Layout, node: NodeEntry) -> tuple[Configuration, Connection]:
    """What `node rotate-key` works with: the node's settings, and a connection of its admin's."""
    config = layout.node_folder(node) / "node.toml"
    target = find_target(layout.path, f"{node.member}/admin", None)
    return load(config), Connection(target, timeout_seconds=120)


async def rotate(layout: Layout, node: NodeEntry, *more: str) -> Any:
    config = layout.node_folder(node) / "node.toml"
    return await twinledger(
        "node", "rotate-key", "--config", config, "--devnet", layout.path, *more
    )


class Writing:
    """Writes without a pause; a call that fails ends it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._stop, self.written = ledger, asyncio.Event(), 0
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while not self._stop.is_set():
            await self._ledger.submit(op.update_twin("busy", [op.increment_property("count", 1)]))
            self.written += 1

    async def end(self) -> int:
        self._stop.set()
        await self._task
        return self.written


def test_every_node_and_member_gets_new_keys_under_load_without_a_failed_call(devnet):
    asyncio.run(rotate_all_under_load(devnet.layout))


async def rotate_all_under_load(layout: Layout) -> None:
    shown: set[object] = set()
    first = layout.profile
    writer = Identity.generate("utility/writer")
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        await ledger.identities.admit(writer.name, writer.public_key, Role.OPERATOR)
        await ledger.submit(op.create_twin("busy"))
    async with connect(profile=layout.profile, identity=writer) as ledger:
        writing = Writing(ledger)
        await new_keys_of_all_members(layout, ledger)
        # Twice: the second change is what drops the first certificates.
        for _ in range(2):
            for node in layout.nodes:
                settings, connection = of_operator(layout, node)
                done = await asyncio.to_thread(
                    key_rotation.rotate, settings, connection, valid_days=730, drop_old=False
                )
                assert done.shown is True
                shown.add(done.certificate)
        written = await writing.end()
        # All members cosign with keys that none of them had before.
        await ledger.submit(op.create_twin("certified"), certified=True, timeout_seconds=WITHIN_S)
        twin = await ledger.twins.get("busy")
        assert [p.value for p in twin.properties] == [written]
        assert written > 0
    assert len(shown) == 8
    await same_head(layout)
    # What a client knew in the beginning counts no more; the devnet's own profile went along.
    with pytest.raises(LedgerError) as refused:
        async with connect(profile=first, timeout_seconds=WITHIN_S):
            pytest.fail("it connected")
    assert refused.value.code is Code.CERTIFICATE_MISMATCH
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        assert (await ledger.twins.get("busy")).version == written + 1


def test_a_node_that_was_away_while_all_others_changed_comes_back_with_a_fresh_profile(devnet):
    asyncio.run(come_back(devnet, devnet.layout))


async def come_back(devnet: Devnet, layout: Layout) -> None:
    away = layout.nodes[3]
    process = devnet.process(away)
    process.kill()
    for node in layout.nodes[:3]:
        await rotate(layout, node, "--drop-old")
    said = process.log.stat().st_size
    process.start()
    await until_its_log_says(layout, away, "CERTIFICATE_MISMATCH", after=said)
    process.kill()
    config = layout.node_folder(away) / "node.toml"
    command = (sys.executable, "-m", "twinledger.cli", "node", "run", "--config", str(config))
    fresh = ("--peers", str(layout.path / "profile.toml"))
    nowhere = asyncio.subprocess.DEVNULL
    returned = await asyncio.create_subprocess_exec(*command, *fresh, stderr=nowhere)
    try:
        await until_it_has_executed(layout, away, layout.profile.height)
    finally:
        returned.terminate()
        await returned.wait()
    # It has heard of everything by now and needs the file no more.
    process.start()
    await same_head(layout)


async def until_its_log_says(layout: Layout, node: NodeEntry, text: str, after: int = 0) -> None:
    log, deadline = layout.node_folder(node) / "node.log", time.monotonic() + WITHIN_S
    while text.encode() not in log.read_bytes()[after:]:
        assert time.monotonic() < deadline, f"{node.name} never says {text}"
        await asyncio.sleep(0.1)


async def until_it_has_executed(layout: Layout, node: NodeEntry, height: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    async with connect(
        node.client_address,
        profile=layout.profile,
        identity=layout.identity(),
        discover=False,
        timeout_seconds=WITHIN_S,
    ) as ledger:
        while (await ledger.status()).applied_height < height:
            assert time.monotonic() < deadline, f"{node.name} does not reach {height}"
            await asyncio.sleep(0.1)


def test_one_command_changes_until_when_a_certificate_counts(devnet):
    asyncio.run(renew(devnet.layout))


async def renew(layout: Layout) -> None:
    node = layout.nodes[0]
    before = await certificates_of(layout, node)
    done = await rotate(layout, node, "--renew", "--valid-days", "7")
    after = await certificates_of(layout, node)
    assert after[done["certificate"]] < before[done["certificate"]]
    await until_its_log_says(layout, node, "counts for 7 more days")


async def certificates_of(layout: Layout, node: NodeEntry) -> dict[str, int]:
    """The certificates of a node's record, and until when each counts, microseconds since 1970."""
    told = await twinledger("consortium", "show", "--devnet", layout.path)
    (member,) = (each for each in told["members"] if each["name"] == node.member)
    found = member["nodes"][0]["certificates"]
    return {each["fingerprint"]: each["valid_until_us"] for each in found}
