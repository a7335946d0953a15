"""The port that serves tiles. Imported only by a node that has one: it brings an HTTP server."""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from twinledger.client.certificates import to_pem
from twinledger.client.channels import Credential
from twinledger.node.services.door import Door
from twinledger.node.tiles.answers import Tiles
from twinledger.node.tiles.application import application
from twinledger.node.tiles.listener import Listener, listen

Shown = Callable[[], Sequence[Credential]]
"""What this node shows now, the first being its newest."""

_REQUESTS_OF_A_CONNECTION: Final = 10_000
_IDLE_S: Final = 20
_HANDSHAKE_S: Final = 10
_GRACE_S: Final = 0.5
_HEADERS_MAX: Final = 8 << 10

_log = logging.getLogger("twinledger.node.tiles")
_log.setLevel(logging.WARNING)


class TileServer:
    """Open from `open` until `run` is cancelled."""

    def __init__(self, address: str, tiles: Tiles, door: Door, shown: Shown | None) -> None:
        """`shown` is None where nothing is encrypted."""
        self._address = address
        self._application: Any = application(tiles, door)
        self._shown = shown
        self._listener: Listener | None = None

    def open(self) -> None:
        """Take the port.

        Raises:
            LedgerError: ADDRESS_IN_USE.
        """
        self._listener = listen(self._address)

    async def run(self) -> None:
        """Serve until cancelled."""
        stop = asyncio.Event()
        config = _Config(self._listener or listen(self._address), self._shown)
        serving = asyncio.create_task(
            serve(self._application, config, shutdown_trigger=stop.wait), name="tiles"
        )
        try:
            await asyncio.shield(serving)
        finally:
            stop.set()
            await serving

    def close(self) -> None:
        """Give the port back, if `run` has not."""
        if self._listener is not None:
            self._listener.close()


class _Config(Config):
    """A server of one port that is open already, with what the node shows now."""

    def __init__(self, listener: Listener, shown: Shown | None) -> None:
        super().__init__()
        self._listener, self._shown = listener, shown
        self.accesslog, self.errorlog = None, _log
        self.alpn_protocols = ["http/1.1"]
        self.include_server_header = False
        self.h11_max_incomplete_size = _HEADERS_MAX
        self.keep_alive_max_requests = _REQUESTS_OF_A_CONNECTION
        self.keep_alive_timeout = _IDLE_S
        self.read_timeout = _IDLE_S
        self.ssl_handshake_timeout = _HANDSHAKE_S
        self.graceful_timeout = _GRACE_S

    @property
    def ssl_enabled(self) -> bool:
        return self._shown is not None

    def create_sockets(self) -> Sockets:
        mine: list[Any] = [self._listener]
        return Sockets(mine, [], []) if self.ssl_enabled else Sockets([], mine, [])

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return None if self._shown is None else shown_context(self._shown)


def shown_context(shown: Shown) -> ssl.SSLContext:
    """A context that shows at each handshake what the node shows then: certificates change."""
    current = list[Any]()

    def choose(
        connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext
    ) -> None:
        connection.context = newest()

    def newest() -> ssl.SSLContext:
        credential = shown()[0]
        if not current or current[0] != credential:
            current[:] = [credential, _context(credential)]
        found: ssl.SSLContext = current[1]
        return found

    context = _context(shown()[0])
    context.sni_callback = choose
    return context


def _context(credential: Credential) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # Python takes keys from files only. This one is in memory: a sealed key never gets to a disk.
    place = os.memfd_create("transport")
    try:
        os.write(place, credential.key + b"\n" + to_pem(credential.certificate))
        context.load_cert_chain(f"/proc/self/fd/{place}")
    finally:
        os.close(place)
    return context
