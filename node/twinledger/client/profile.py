"""A profile: which consortium is meant, and the nodes of it that a client trusts.

A TOML file. `devnet up` and `consortium profile` write it, and whoever hands it on hands on trust:
it is the only thing that tells a node of the consortium from any other server.
"""

import base64
import binascii
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from twinledger.client.atomic_file import replace_file
from twinledger.consortium.genesis import Genesis
from twinledger.ledger.errors import Code, LedgerError

_TOP: Final = frozenset({"chain_id", "height", "insecure", "key", "nodes"})
_NODE: Final = frozenset({"id", "client_address", "peer_address", "certificates"})
_CHAIN_ID_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TrustedNode:
    """A node of the consortium.

    Attributes:
        node_id: Its id.
        client_address: Where clients reach it, host:port.
        peer_address: Where other nodes reach it, host:port.
        certificates: What it may show, DER, the newest last.
    """

    node_id: str
    client_address: str
    peer_address: str
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a client trusts.

    Attributes:
        chain_id: The chain that is meant, 32 bytes.
        nodes: The nodes, in the order they are tried.
        height: The ledger had these records at this height.
        insecure: Whether nothing is encrypted and nobody checked: a devnet on one machine.
        key: The file of the key that signs, if the profile names one.
    """

    chain_id: bytes
    nodes: tuple[TrustedNode, ...]
    height: int = 0
    insecure: bool = False
    key: Path | None = None

    @classmethod
    def load(cls, path: str | Path) -> "Profile":
        """Reads a profile; `key` is relative to the file.

        Raises:
            LedgerError: CONFIG_INVALID, naming the key and what is wrong with it.
        """
        path = Path(path)
        try:
            return _read(tomllib.loads(path.read_text(encoding="utf-8")), path.resolve().parent)
        except OSError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error}") from error

    @classmethod
    def of_genesis(cls, genesis: Genesis, *, insecure: bool = False) -> "Profile":
        """The nodes that a genesis file names: whom to trust before anything has happened."""
        nodes = tuple(
            TrustedNode(
                record.node_id,
                record.client_address,
                record.peer_address,
                tuple(each.der for each in record.certificates),
            )
            for _, record in genesis.nodes
        )
        return cls(genesis.chain_id, nodes, insecure=insecure)

    def save(self, path: str | Path) -> None:
        """Writes the file; one that is there is replaced as a whole.

        Raises:
            LedgerError: CONFIG_INVALID when it cannot be written.
        """
        folder = Path(path).resolve().parent
        inside = self.key is not None and self.key.is_relative_to(folder)
        # A key beside the file is found there wherever both are moved to.
        kept = replace(self, key=self.key.relative_to(folder)) if inside and self.key else self
        try:
            replace_file(Path(path), kept.to_toml().encode())
        except OSError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error

    def to_toml(self) -> str:
        """The file's text."""
        top: dict[str, object] = {"chain_id": self.chain_id.hex(), "height": self.height}
        if self.insecure:
            top["insecure"] = True
        if self.key is not None:
            top["key"] = str(self.key)
        tables = [_lines(top)]
        for node in self.nodes:
            table: dict[str, object] = {
                "id": node.node_id,
                "client_address": node.client_address,
                "peer_address": node.peer_address,
                "certificates": [base64.b64encode(der).decode() for der in node.certificates],
            }
            tables.append("[[nodes]]\n" + _lines(table))
        return "\n".join(tables)

    def with_nodes(self, nodes: Iterable[TrustedNode], height: int) -> "Profile":
        """The profile with the records of a later height; one of an earlier height changes nothing.

        The only way by which trust moves on. Whoever calls it answers for the records: a client
        takes them from what a certified head commits to, never from what a node merely says.
        """
        return self if height < self.height else replace(self, nodes=tuple(nodes), height=height)

    def with_certificates(
        self, node_id: str, certificates: Iterable[bytes], height: int
    ) -> "Profile":
        """The profile after a block at `height` gave one node these certificates (DER)."""
        shown = tuple(certificates)
        nodes = (
            replace(node, certificates=shown) if node.node_id == node_id else node
            for node in self.nodes
        )
        return self.with_nodes(nodes, height)


def _lines(table: dict[str, object]) -> str:
    # Strings, whole numbers, true and lists of strings are written alike in JSON and TOML.
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def _read(content: dict[str, Any], folder: Path) -> Profile:
    _only(content, _TOP, "")
    chain_id = _hex(content.get("chain_id"))
    insecure, key = content.get("insecure", False), content.get("key")
    height, nodes = content.get("height", 0), content.get("nodes")
    if type(insecure) is not bool:
        raise ValueError("insecure is true or false")
    if type(height) is not int or height < 0:
        raise ValueError("height is a whole number")
    if key is not None and not isinstance(key, str):
        raise ValueError("key is the name of a file")
    if not isinstance(nodes, list) or not nodes:
        raise ValueError("nodes is a list of at least one")
    found = tuple(_node(node, f"nodes[{i}]", insecure) for i, node in enumerate(nodes))
    return Profile(chain_id, found, height, insecure, folder / key if key else None)


def _node(content: Any, where: str, insecure: bool) -> TrustedNode:
    if not isinstance(content, dict):
        raise ValueError(f"{where} is a table")  # noqa: TRY004 - a fault of the file
    _only(content, _NODE, f"{where}.")
    texts = [content.get(key) for key in ("id", "client_address", "peer_address")]
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"{where} needs id, client_address and peer_address")
    certificates = content.get("certificates", [])
    if not isinstance(certificates, list) or (not certificates and not insecure):
        raise ValueError(f"{where}.certificates is a list of at least one")
    found = tuple(_der(each, f"{where}.certificates") for each in certificates)
    node_id, client_address, peer_address = map(str, texts)
    return TrustedNode(node_id, client_address, peer_address, found)


def _only(content: dict[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(content.keys() - known)
    if unknown:
        raise ValueError(f"unknown key {where}{unknown[0]}")


def _hex(value: Any) -> bytes:
    if isinstance(value, str) and len(value) == 2 * _CHAIN_ID_BYTES:
        return bytes.fromhex(value)
    raise ValueError("chain_id is 64 hex digits")


def _der(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error) as error:
        raise ValueError(f"{where} is base64: {error}") from error
