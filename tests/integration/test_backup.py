"""A running node is backed up while it is written to; what comes of it is a sound chain."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.integration.single_node import SingleNode
from twinledger.cli.verbs import root
from twinledger.client import Identity, Profile
from twinledger.client import operations as op
from twinledger.consensus import NodeId
from twinledger.node.auditing.audit import audit_folder
from twinledger.storage import DataFolder
from twinledger.storage.backup import restore_backup

DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    path = tmp_path_factory.mktemp("node")
    with SingleNode(path) as node:
        Identity(node.admin.identity, node.key).save(path / "admin.key")
        profile = replace(Profile.of_genesis(node.genesis), key=path / "admin.key")
        profile.save(path / "profile.toml")
        node.submit(node.transaction(op.create_twin("pump-7")))
        yield node


@contextmanager
def written_to(node: SingleNode) -> Iterator[None]:
    """Block after block, for as long as this is open."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            raw = node.transaction(op.update_twin("pump-7", op.changes_of({"flow": 1.0})))
            assert node.submit(raw, DEADLINE_S).receipt.outcome == "COMMITTED"

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(DEADLINE_S)


def reaches(node: SingleNode, height: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (node.node.foundation.stores.chain.applied_height or 0) < height:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def backed_up(node: SingleNode, out: Path) -> int:
    words = ["node", "backup", "--node", node.node_id, "--profile"]
    arguments = [*words, str(node.folder / "profile.toml"), str(out), "--json"]
    done = CliRunner().invoke(root, arguments)
    assert done.exit_code == 0, done.output
    return int(json.loads(done.stdout)["height"])


def test_a_backup_of_a_running_node_under_writes_is_a_sound_chain_without_rights(
    node: SingleNode, tmp_path: Path
) -> None:
    out, new = tmp_path / "backup", tmp_path / "new"
    with written_to(node):
        reaches(node, 40)
        first = backed_up(node, out)
        kept = {path.name: path.read_bytes() for path in (out / "blocks").iterdir()}
        reaches(node, first + 20)
        last = backed_up(node, out)
    assert 40 <= first < last
    for name, content in kept.items():
        assert (out / "blocks" / name).read_bytes() == content
    assert restore_backup(out, new, NodeId("other"), reserve_bytes=1 << 20) == last
    report = audit_folder(new)
    assert report.sound, report.findings.found
    assert report.height == last
    names = {path.name for path in out.rglob("*")}
    assert not names & {"head.mark", "log.marker", "boot", "peers.json", "keys", "folder"}
    with DataFolder.open(new) as folder:
        stores = folder.open_stores()
        assert stores.head_mark is None
        assert stores.log.hard_state.vote is None
        ours = node.node.foundation.stores.log
        assert stores.log.hash(stores.log.last_index()) == ours.hash(stores.log.last_index())
        stores.close()
