"""A devnet of real processes that encrypts nothing, and what those meet who do not know it."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.transport_keys import credential
from twinledger.cli.verbs import root
from twinledger.client import Code, LedgerError, connect_sync, operations
from twinledger.devnet.control import Devnet
from twinledger.devnet.layout import Layout


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    folder = tmp_path_factory.mktemp("insecure") / "D"
    arguments = ("devnet", "up", "--nodes", "3", "--insecure", "--dir", str(folder), "--detach")
    done = CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    yield Layout.load(folder)
    Devnet(Layout.load(folder)).down()


def test_it_works_and_says_that_it_is_insecure(layout):
    with connect_sync(profile=layout.profile, identity=layout.identity()) as ledger:
        assert ledger.submit(operations.create_twin("in-the-open")).height > 0
        assert any("Nothing is encrypted" in each for each in ledger.status().warnings)
    log = (layout.node_folder(layout.nodes[0]) / "node.log").read_text()
    said = [json.loads(line)["message"] for line in log.splitlines()]
    assert "nothing is encrypted, and nobody who connects is checked" in said


def test_a_client_that_wants_tls_is_told_that_there_is_none(layout):
    pinned = tuple(
        replace(node, certificates=(credential(node.node_id).certificate,))
        for node in layout.profile.nodes
    )
    profile = replace(layout.profile, insecure=False, nodes=pinned)
    with pytest.raises(LedgerError) as refused, connect_sync(profile=profile):
        pytest.fail("it connected")
    assert refused.value.code is Code.TLS_MISSING


def test_a_node_that_wants_tls_names_the_plaintext_peer(layout):
    """One node is set to encrypt: the two sides say what keeps them apart."""
    settings = layout.node_folder(layout.nodes[2]) / "node.toml"
    text = settings.read_text()
    assert "insecure = true" in text
    settings.write_text(text.replace("insecure = true", "insecure = false"))
    process = Devnet(layout).process(layout.nodes[2])
    process.ask_to_stop()
    process.end(time.monotonic() + 15)
    process.start()
    deadline = time.monotonic() + 90
    while not (said(layout, 2, "TLS_MISSING") and said(layout, 0, "TLS_REQUIRED")):
        assert time.monotonic() < deadline, "nobody names the plaintext peer"
        time.sleep(0.1)


def said(layout: Layout, number: int, code: str) -> bool:
    return code in (layout.node_folder(layout.nodes[number]) / "node.log").read_text()
