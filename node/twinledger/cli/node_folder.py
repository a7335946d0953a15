"""Makes a node's folder for `node init`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from twinledger.cli.files import read_file
from twinledger.client.nodes import Endpoint
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.node.configuration import load
from twinledger.node.node_keys import check_public_keys, public_transports
from twinledger.storage import DataFolder

Nodes: TypeAlias = Sequence[tuple[MemberName, Node]]

_CONFIG = """\
# A twinledger node. Paths are relative to this file; what is left out has its default.
[node]
id = {id}
data_dir = "data"
genesis = "genesis.json"
{join}
[keys]
folder = "keys"

[listen]
client = {client}
peer = {peer}
"""


def make_node_folder(
    folder: Path,
    node_id: str,
    genesis: Path,
    listen: tuple[str | None, str | None],
    join: Path | None = None,
) -> Path:
    """Writes node.toml, genesis.json and an empty data folder; returns the first one's path.

    `join` is the join file of a node that the genesis file does not name.

    Raises:
        LedgerError: CONFIG_INVALID when the folder holds a node or no keys, NO_SUCH_NODE,
            KEY_MISMATCH; GENESIS_NOT_SIGNED and the other codes of genesis files.
    """
    config = new_config(folder)
    raw = read_file(genesis, Code.GENESIS_INVALID)
    found = Genesis.parse(raw)
    found.require_signed()
    record = _record(_joining(join), node_id) if join else _founding(found, node_id)
    check_public_keys(folder / "keys", record)
    line = f"join = {json.dumps(str(join.resolve()))}\n" if join else ""
    text = config_text(record, listen, line)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "genesis.json").write_bytes(raw)
        DataFolder.create(folder / "data", raw, NodeId(node_id))
        config.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{folder}: {error.strerror}") from error
    return config


def new_config(folder: Path) -> Path:
    """The settings file of a node that is about to be made.

    Raises:
        LedgerError: CONFIG_INVALID, when the folder holds a node.
    """
    config = folder / "node.toml"
    if config.exists():
        raise LedgerError(Code.CONFIG_INVALID, f"{config} exists: this folder holds a node")
    return config


def config_text(record: Node, listen: tuple[str | None, str | None], line: str) -> str:
    """The text of a settings file, with one line that says how the node begins."""
    client, peer = listen
    return _CONFIG.format(
        id=json.dumps(record.node_id),
        client=json.dumps(client or record.client_address),
        peer=json.dumps(peer or record.peer_address),
        join=line,
    )


def own_endpoints(config: Path) -> list[Endpoint]:
    """The ways to the node of a settings file, by the certificates in its own folder.

    Raises:
        LedgerError: CONFIG_INVALID, KEY_EXPOSED.
    """
    settings = load(config)
    address, node_id = settings.listen.client, settings.node.id
    if settings.transport.insecure:
        return [Endpoint(address, None, node_id)]
    return [Endpoint(address, shown, node_id) for shown in public_transports(settings.keys.folder)]


def _joining(path: Path) -> Nodes:
    member = JoinFile.parse(read_file(path, Code.JOIN_INVALID)).member
    return [(member.name, node) for node in member.nodes]


def _founding(found: Genesis, node_id: str) -> Node:
    try:
        return _record(found.nodes, node_id)
    except LedgerError as error:
        said = f"{error.detail}; a newcomer names its join file besides: --join"
        raise LedgerError(error.code, said) from error


def _record(nodes: Nodes, node_id: str) -> Node:
    for _, node in nodes:
        if node.node_id == node_id:
            return node
    known = ", ".join(node.node_id for _, node in nodes)
    raise LedgerError(Code.NO_SUCH_NODE, f"{node_id}; the file names {known}")
