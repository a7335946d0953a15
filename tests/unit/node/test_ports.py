"""A port tells gRPC what it shows only when that changed, and bears any number of strangers."""

import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from twinledger.node.ports import Showing, Shown

CONNECTIONS = 400
AT_ONCE = 16

SERVER = """
import asyncio
from tests.transport_keys import credential
from twinledger.node.ports import credentials_for_clients, listen, new_server

async def serve(address):
    server, shown = new_server(), credential("utility-1")
    listen(server, address, credentials_for_clients(lambda: [shown]))
    await server.start()
    print("up", flush=True)
    await server.wait_for_termination()

asyncio.run(serve({address!r}))
"""


def test_what_a_port_shows_is_told_once_and_again_when_it_changed():
    shown = Shown([(b"key", b"certificate")], b"roots")
    showing = Showing(lambda: shown)
    assert showing() is not None
    assert showing() is None
    shown = shown._replace(roots=b"other roots")
    assert showing() is not None
    assert showing() is None


def test_hundreds_of_strangers_who_connect_at_once_do_not_end_a_node():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    program = SERVER.format(address=f"{address[0]}:{address[1]}")
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "up\n"
            with ThreadPoolExecutor(AT_ONCE) as strangers:
                greeted = list(strangers.map(greet, [address] * CONNECTIONS))
            assert server.poll() is None, "it died"
            assert all(greeted)
        finally:
            server.kill()


def greet(address: tuple[str, int]) -> bool:
    """Connect and go again; return whether TLS came about."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection(address, timeout=60) as plain,
            context.wrap_socket(plain) as secure,
        ):
            return secure.version() is not None
    except OSError:
        return False
