"""A small TCP proxy for each ordered pair of nodes, so that a test can cut the wire between them.

A node sends to another on the stream it dialled itself, so cutting the link from A to B stops A's
messages to B and leaves B's to A alone: a one-way cut. A cut link is silent, as a lost cable is: it
keeps its connections open and moves no byte, and what waited flows when the link heals.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

from twinledger.devnet.layout import Layout

CHUNK = 64 << 10


class Link:
    """The way from one node to another."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._delay_s = 0.0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._pipes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listening)

    async def stop(self) -> None:
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def cut(self) -> None:
        self._whole.clear()

    def heal(self) -> None:
        self._whole.set()
        self._delay_s = 0.0

    def slow(self, seconds: float) -> None:
        self._delay_s = seconds

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()  # the node is down: its dialler sees a refused connection, as it should
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pipe = asyncio.create_task(self._pipe(source, sink))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._whole.wait()
                await asyncio.sleep(self._delay_s)
                sink.write(data)
                await sink.drain()
        sink.close()


class Links:
    """All links of a devnet. Enter before the nodes start; their settings are made to use them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._links: dict[tuple[str, str], Link] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        for node in self._layout.nodes:
            lines = [
                f'"{far}" = "{link.address}"'
                for (near, far), link in self._links.items()
                if near == node.name
            ]
            with (self._layout.node_folder(node) / "node.toml").open("a") as settings:
                settings.write("\n[peers]\n" + "\n".join(lines) + "\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def cut(self, near: str, far: str) -> None:
        """Silence what `near` sends to `far`."""
        self._loop.call_soon_threadsafe(self._links[near, far].cut)

    def slow(self, near: str, far: str, seconds: float) -> None:
        """Delay what passes between the two on near's stream."""
        self._loop.call_soon_threadsafe(self._links[near, far].slow, seconds)

    def isolate(self, name: str) -> None:
        """Silence a node in both directions."""
        for near, far in self._links:
            if name in (near, far):
                self.cut(near, far)

    def heal(self) -> None:
        """Make everything whole and fast again."""
        for link in self._links.values():
            self._loop.call_soon_threadsafe(link.heal)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        nodes = self._layout.nodes
        for near in nodes:
            for far in nodes:
                if near is not far:
                    link = self._links[near.name, far.name] = Link(far.peer_address)
                    await link.start()

    async def _stop(self) -> None:
        await asyncio.gather(*(link.stop() for link in self._links.values()))
