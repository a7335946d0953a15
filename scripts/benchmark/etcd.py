"""Three etcd processes on this machine, and a client for the two calls that are needed of them.

The client writes and reads its messages by hand (etcd's rpc.proto): key and value are fields 1 and
2 of a PutRequest; of a StatusResponse only the header's member id and the leader are read.
"""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio

from .load import KEYS, VALUE_BYTES, Measurement, closed_loop

NODES = 3
_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_POLL_SECONDS = 0.1
_CALL_SECONDS = 30.0


_PROGRAM = shutil.which("etcd")


def installed() -> bool:
    """Whether this machine has etcd."""
    return _PROGRAM is not None


def version() -> str:
    """What etcd calls itself."""
    told = subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return told.stdout.splitlines()[0]


def _program() -> str:
    if _PROGRAM is None:
        raise FileNotFoundError("etcd is not installed")
    return _PROGRAM


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[str]:
    """Three nodes that store in `folder`; gives the address of the one that leads."""
    ports = _free_ports(2 * NODES)
    clients, peers = ports[:NODES], ports[NODES:]
    processes = [_start(folder, number, clients, peers) for number in range(NODES)]
    try:
        yield await _await_leader([f"{_HOST}:{port}" for port in clients])
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((_HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _start(
    folder: Path, number: int, clients: list[int], peers: list[int]
) -> "subprocess.Popen[bytes]":
    client, peer = (f"http://{_HOST}:{ports[number]}" for ports in (clients, peers))
    members = ",".join(f"n{i}=http://{_HOST}:{port}" for i, port in enumerate(peers))
    settings = {
        "name": f"n{number}",
        "data-dir": str(folder / f"n{number}"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": members,
        "logger": "zap",
        "log-level": "error",
    }
    arguments = (f"--{name}={value}" for name, value in settings.items())
    return subprocess.Popen([_program(), *arguments])  # noqa: S603 - our own words


async def _await_leader(addresses: list[str]) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for address in addresses:
            if await _leads(address):
                return address
        await asyncio.sleep(_POLL_SECONDS)
    raise TimeoutError(f"etcd has no leader after {_START_SECONDS:g} s")


async def _leads(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        status = channel.unary_unary("/etcdserverpb.Maintenance/Status", bytes, bytes)
        try:
            fields = dict(_fields(await status(b"", timeout=1.0)))
        except grpc.aio.AioRpcError:
            return False
    header = fields.get(1, b"")
    member = dict(_fields(header)).get(2) if isinstance(header, bytes) else None
    return member is not None and member == fields.get(4)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message that has only numbers and byte strings."""
    position = 0
    while position < len(message):
        tag, position = _read_number(message, position)
        value, position = _read_number(message, position)
        if tag & 7 == 2:  # noqa: PLR2004 - the wire type of what has a length
            yield tag >> 3, message[position : position + value]
            position += value
        else:
            yield tag >> 3, value


def _read_number(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the mark of the last byte
            return number, position


def _number(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - seven bits a byte
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def put_request(key: bytes, value: bytes) -> bytes:
    """A serialized PutRequest."""
    return b"\x0a" + _number(len(key)) + key + b"\x12" + _number(len(value)) + value


async def measure(address: str, in_flight: int, seconds: float, warm_up: float) -> Measurement:
    """Drives Put in a closed loop."""
    requests = [put_request(b"bench-%04d" % key, bytes(VALUE_BYTES)) for key in range(KEYS)]
    async with grpc.aio.insecure_channel(address) as channel:
        put = channel.unary_unary("/etcdserverpb.KV/Put", bytes, bytes)

        async def send(number: int) -> None:
            await put(requests[number % KEYS], timeout=_CALL_SECONDS)

        return await closed_loop(send, in_flight, seconds, warm_up)
