"""A node serves its log over HTTP: an ordinary client follows it, and strangers learn nothing."""

import asyncio
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.benchmark.chain import ADMIN, BLOCK_US, TIME_US, Chain, admin_of
from tests.integration.single_node import free_address
from tests.integration.test_state_sync import (
    Runner,
    eventually,
    folder_for,
    member_with_keys,
    with_the_chain_of,
)
from tests.unit.node.tiles.tlog_client import TlogClient, leaf_hash
from twinledger.cli.verbs import root
from twinledger.client import Identity, Profile, Role
from twinledger.client import operations as op
from twinledger.client.certificates import host_names, to_pem
from twinledger.consensus import EntryKind
from twinledger.ledger.block import encode_body
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.read_token import TILES_METHOD, make_token
from twinledger.ledger.transaction import Signer
from twinledger.node.tiles.listener import Listener, listen

BLOCKS = 300
OPERATOR = Signer(IdentityName("utility/operator"), SigningKey.load(b"operator".ljust(32, b"-")))


@dataclass
class Site:
    """Where a running node serves tiles, and what an honest client knows of it."""

    address: str
    certificate: bytes
    chain_id: bytes
    runner: Runner

    def get(
        self, path: str, *headers: tuple[str, str], method: str = "GET"
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        with self.connected() as connection:
            connection.putrequest(method, f"/{path}")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        host, _, port = self.address.partition(":")
        context = ssl.create_default_context(cadata=to_pem(self.certificate).decode())
        connection = http.client.HTTPConnection(host, int(port))
        plain = socket.create_connection((host, int(port)), 60)
        name = host_names(self.certificate)[0]
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        try:
            yield connection
        finally:
            connection.close()

    def bearer(
        self,
        signer: Signer = ADMIN,
        *,
        node: str = "utility-1",
        method: str = TILES_METHOD,
        chain_id: bytes | None = None,
        age_s: int = 0,
    ) -> tuple[str, str]:
        now_us = time.time_ns() // 1000 - age_s * 1_000_000
        made = chain_id or self.chain_id
        token = make_token(signer.key, signer.identity, made, node, method, now_us)
        return "Authorization", "Bearer " + urlsafe_b64encode(token).decode().rstrip("=")


def story(tmp_path: Path, check: Callable[[Site], None]) -> None:
    """Runs a check beside a node that has certified its chain."""

    async def run() -> None:
        made = member_with_keys(tmp_path / "utility", "utility")
        chain = Chain.create(tmp_path / "made", members=[made])
        chain.grow(BLOCKS)
        raw = chain.sign(
            BLOCKS + 1, op.admit_identity(OPERATOR.identity, OPERATOR.key.public_key, Role.OPERATOR)
        )
        body = encode_body(TIME_US + (BLOCKS + 1) * BLOCK_US, [raw])
        chain.extend([(EntryKind.BLOCK, body)])
        chain.close()
        address = free_address()
        extra = f'[tiles]\nlisten = "{address}"'
        runner = folder_for(tmp_path / "utility", "utility", chain, [made], extra)
        with_the_chain_of(runner, tmp_path / "made")
        await runner.start()
        try:
            await eventually(lambda: runner.live.parts.feed.certified_height >= BLOCKS)
            shown = made.nodes[0].certificates[0].der
            site = Site(address, shown, chain.genesis.chain_id, runner)
            await asyncio.to_thread(check, site)
        finally:
            await runner.stop()

    asyncio.run(run())


def test_an_ordinary_client_follows_the_log_and_whoever_may_not_read_blocks_learns_nothing(
    tmp_path: Path,
) -> None:
    def check(site: Site) -> None:
        follows_the_log(site)
        strangers_learn_nothing(site)
        answers_are_named_and_say_how_long_they_hold(site)
        the_command_makes_a_token_that_works(site, tmp_path)

    story(tmp_path, check)


def follows_the_log(site: Site) -> None:
    def fetch(path: str) -> bytes:
        status, _, content = site.get(path, site.bearer())
        assert status == 200, content
        return content

    live = site.runner.live
    log_key = live.foundation.keys.log.public_key
    log = TlogClient(fetch, f"twinledger/{site.chain_id.hex()}", log_key)
    size, expected = log.checkpoint()
    assert size > BLOCKS
    assert log.root(size) == expected
    entries = log.entries(size)
    chain = live.foundation.stores.chain
    assert entries == [chain.header_bytes(height) for height in range(size)]
    assert [leaf_hash(entry) for entry in entries] == log.hashes(0, size)


def strangers_learn_nothing(site: Site) -> None:
    nobody = Signer(ADMIN.identity, SigningKey.generate())
    refused: dict[str, list[tuple[tuple[str, str], ...]]] = {
        "TOKEN_MISSING": [()],
        "TOKEN_REFUSED": [
            (("Authorization", "Bearer AAAA"),),
            (("Authorization", "Bearer \u00e4"),),
            (("Authorization", "Basic AAAA"),),
            (("Authorization", "Bearer " + "A" * 4000),),
            (site.bearer(), site.bearer()),
            (site.bearer(nobody),),
            (site.bearer(admin_of("stranger")),),
            (site.bearer(node="utility-2"),),
            (site.bearer(chain_id=bytes(32)),),
            (site.bearer(method="/twinledger.v1.LedgerService/GetBlock"),),
        ],
        "TOKEN_EXPIRED": [(site.bearer(age_s=120),)],
    }
    for code, attempts in refused.items():
        for headers in attempts:
            for path in ("checkpoint", "tile/0/000", "tile/entries/000", "no/such/path"):
                status, answer, content = site.get(path, *headers)
                assert (status, content.split(b"\n")[0].decode()) == (401, code)
                assert answer["WWW-Authenticate"] == "Bearer"
                assert answer["Cache-Control"] == "no-store"
    for path in ("checkpoint", "tile/0/000", "no/such/path"):
        status, _, content = site.get(path, site.bearer(OPERATOR))
        assert (status, content.split(b"\n")[0]) == (403, b"ACCESS_DENIED")


def answers_are_named_and_say_how_long_they_hold(site: Site) -> None:
    status, answer, _ = site.get("checkpoint", site.bearer())
    assert (status, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer["Cache-Control"] == "private, no-cache"
    status, answer, content = site.get("tile/0/000", site.bearer())
    assert (status, len(content), answer["Content-Type"]) == (200, 8192, "application/octet-stream")
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    for path in ("tile/0/999", "tile/0/000.p/0", "else", ""):
        status, _, content = site.get(path, site.bearer())
        assert (status, content.split(b"\n")[0]) == (404, b"TILE_NOT_FOUND")
    assert site.get("checkpoint", site.bearer(), method="POST")[0] == 405
    assert not answered(site, ("X-Long", "x" * 300_000))


def answered(site: Site, *headers: tuple[str, str]) -> bool:
    """Whether a request with more headers gets the checkpoint; it may be hung up on instead."""
    try:
        return site.get("checkpoint", site.bearer(), *headers)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def the_command_makes_a_token_that_works(site: Site, tmp_path: Path) -> None:
    genesis = site.runner.live.foundation.genesis
    Identity(ADMIN.identity, ADMIN.key).save(tmp_path / "admin.key")
    profile = replace(Profile.of_genesis(genesis), key=tmp_path / "admin.key")
    profile.save(tmp_path / "profile.toml")
    words = ["node", "tiles-token", "utility-1", "--profile", str(tmp_path / "profile.toml")]
    pem = tmp_path / "node.pem"
    done = CliRunner().invoke(root, [*words, "--json", "--certificate", str(pem)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert site.get("checkpoint", ("Authorization", f"Bearer {told['token']}"))[0] == 200
    assert pem.read_bytes() == to_pem(site.certificate)
    assert told["host_name"] == "utility-1.twinledger"
    name, key_id, key = told["vkey"].split("+", 2)
    content = b64decode(key)
    assert name == told["origin"] == f"twinledger/{site.chain_id.hex()}"
    assert content[1:] == site.runner.live.foundation.keys.log.public_key
    assert key_id == sha256(name.encode() + b"\n" + content).hexdigest()[:8]
    assert CliRunner().invoke(root, [*words[:2], "nobody", *words[3:]]).exit_code == 1


def test_a_node_without_the_port_loads_no_http_server() -> None:
    """In a process of its own: this one has it."""
    code = "import sys, twinledger.node.main; print(any(m in sys.modules for m in sys.argv[1:]))"
    words = [sys.executable, "-c", code, "hypercorn", "starlette"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.strip() == b"False"


def test_a_listener_holds_so_many_connections_and_takes_others_when_some_go() -> None:
    address = free_address()
    listener = listen(address)
    listener.most = 2
    host, port = address.split(":")

    def dial() -> socket.socket:
        return socket.create_connection((host, int(port)), 10)

    def accept(listener: Listener) -> socket.socket:
        listener.setblocking(True)
        return listener.accept()[0]

    clients = [dial() for _ in range(3)]
    kept = [accept(listener) for _ in range(2)]
    with pytest.raises(BlockingIOError):
        accept(listener)
    assert clients[2].recv(1) == b"", "the third was hung up on"
    kept[0].close()
    kept[0].close()
    clients.append(dial())
    kept.append(accept(listener))
    assert listener.open_connections == 2
    for each in (*clients, *kept, listener):
        each.close()
