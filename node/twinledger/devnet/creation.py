"""Makes a devnet's folder: members, keys, ports, a genesis file, and each node's own folder."""

import json
import os
import random
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from twinledger.client.identity import Identity
from twinledger.client.profile import Profile
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member
from twinledger.devnet.layout import (
    DEFAULT_IDENTITY,
    FILE_NAME,
    Layout,
    NodeEntry,
    genesis_path,
    key_path,
    node_folder,
    node_keys_folder,
    profile_path,
)
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.transaction import Signer
from twinledger.node.node_keys import CERTIFICATE_VALIDITY_US, NodeKeys
from twinledger.storage import DataFolder

HOST: Final = "127.0.0.1"
NODES_MAX: Final = 20

_MEMBERS: Final = (
    "utility",
    "maintenance",
    "sensors",
    "regulator",
    "insurer",
    "builder",
    "auditor",
)

# Below the range from which Linux takes the ports of outgoing connections: a port from that range
# could be taken by any client while its node is down, and the node could not come back.
_PORTS: Final = range(10_000, 32_000)

PORTS_VARIABLE: Final = "TWINLEDGER_DEVNET_PORTS"
"""Names other ports, FIRST-LAST: whoever makes devnets side by side keeps them apart by it."""

_PORTS_END: Final = 1 << 16

_given: Final[set[int]] = set()
"""Ports that this process gave away: a node that is down must find its own free when it is back."""

Settings: TypeAlias = Mapping[str, Mapping[str, bool | int | str]]
"""Sections and keys of node.toml beside [node] and [listen]."""


def create(
    path: str | Path,
    node_count: int = 4,
    *,
    name: str = "devnet",
    settings: Settings | None = None,
    insecure: bool = False,
) -> Layout:
    """Makes a devnet of `node_count` members with one node each, and starts nothing.

    With `insecure` nothing that its nodes and clients say is encrypted.

    Raises:
        LedgerError: CONFIG_INVALID when the folder is in use, or for a silly number of nodes.
    """
    path = Path(path).resolve()
    if not 1 <= node_count <= NODES_MAX:
        raise LedgerError(Code.CONFIG_INVALID, f"a devnet has 1 to {NODES_MAX} nodes")
    _claim(path)
    ports = iter(free_ports(2 * node_count))
    nodes = tuple(
        NodeEntry(f"{member}-1", member, f"{HOST}:{next(ports)}", f"{HOST}:{next(ports)}")
        for member in _member_names(node_count)
    )
    genesis = _genesis(path, name, nodes)
    genesis_path(path).write_bytes(genesis.raw)
    settings = {**(settings or {}), "transport": {"insecure": insecure}}
    for node in nodes:
        _make_node(path, node, genesis.raw, settings)
    Profile.of_genesis(genesis, insecure=insecure).save(profile_path(path))
    layout = Layout(path, genesis.chain_id, nodes)
    layout.save()
    return layout


def _claim(path: Path) -> None:
    if (path / FILE_NAME).exists():
        raise LedgerError(Code.CONFIG_INVALID, f"{path} holds a devnet already")
    if path.exists() and any(path.iterdir()):
        raise LedgerError(Code.CONFIG_INVALID, f"{path} is not empty and holds no devnet")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error


def _member_names(count: int) -> list[str]:
    more = (f"member-{number}" for number in range(len(_MEMBERS) + 1, count + 1))
    return [*_MEMBERS, *more][:count]


def _genesis(path: Path, name: str, nodes: tuple[NodeEntry, ...]) -> Genesis:
    """Makes every member's keys, and the genesis file that all of their admins signed."""
    now_us = time.time_ns() // 1000
    admins = [Identity.generate(f"{node.member}/{DEFAULT_IDENTITY}") for node in nodes]
    members = [
        _member(path, node, admin, now_us) for node, admin in zip(nodes, admins, strict=True)
    ]
    genesis = Genesis.parse(build(name, now_us, members))
    for admin in admins:
        admin.save(key_path(path, admin.name))
        genesis = genesis.signed_by(Signer(IdentityName(admin.name), admin.key))
    return genesis


def _member(path: Path, node: NodeEntry, admin: Identity, now_us: int) -> Member:
    keys = NodeKeys.create(node_keys_folder(path, node.name), f"{node.member}/{node.name}")
    record = keys.record(
        NodeId(node.name),
        node.peer_address,
        node.client_address,
        valid_until_us=now_us + CERTIFICATE_VALIDITY_US,
    )
    admins = (Admin(DEFAULT_IDENTITY, admin.public_key),)
    return Member(MemberName(node.member), admins, (record,))


def _make_node(path: Path, node: NodeEntry, raw: bytes, settings: Settings) -> None:
    folder = node_folder(path, node.name)
    folder.mkdir(parents=True, exist_ok=True)
    DataFolder.create(folder / "data", raw, NodeId(node.name))
    sections: Settings = {
        "node": {"id": node.name, "data_dir": "data", "genesis": "../../genesis.json"},
        "listen": {"client": node.client_address, "peer": node.peer_address},
        **settings,
    }
    (folder / "node.toml").write_text(toml_of(sections), encoding="utf-8")


def toml_of(sections: Settings) -> str:
    """The text of a settings file; numbers and plain ASCII text need no more than JSON's form."""
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


def free_ports(count: int) -> list[int]:
    """Ports nothing listens on now, in random order so that two devnets seldom want the same.

    Raises:
        LedgerError: CONFIG_INVALID when the variable names no ports, ADDRESS_IN_USE.
    """
    ports = _allowed_ports()
    found: list[int] = []
    for port in random.sample(ports, len(ports)):
        if len(found) == count:
            break
        if port not in _given and _is_free(port):
            found.append(port)
    if len(found) < count:
        raise LedgerError(Code.ADDRESS_IN_USE, f"fewer than {count} ports are free on {HOST}")
    _given.update(found)
    return found


def _allowed_ports() -> range:
    named = os.environ.get(PORTS_VARIABLE)
    if named is None:
        return _PORTS
    first, _, last = named.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < _PORTS_END):
        said = f"{PORTS_VARIABLE}={named}: it takes two ports, as in 10000-10999"
        raise LedgerError(Code.CONFIG_INVALID, said)
    return range(int(first), int(last) + 1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server binds: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
