"""What lies where in a devnet's folder.

devnet.json            which nodes there are; written last, it makes the folder valid
genesis.json           the chain's first bytes
profile.toml           what its clients trust: its nodes and their certificates
keys/MEMBER.NAME.key   one key file for each identity made here
nodes/NODE/node.toml   the node's settings
nodes/NODE/keys/       what it signs with
nodes/NODE/data/       what it stores
nodes/NODE/node.log    what it says
nodes/NODE/node.pid    its process, while it runs
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from twinledger.client.identity import Identity
from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.client.profile import Profile
from twinledger.ledger.errors import Code, LedgerError

FORMAT: Final = 1
FILE_NAME: Final = "devnet.json"
DEFAULT_IDENTITY: Final = "admin"
"""Each member's first identity, which the genesis file names."""


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """One node, as devnet.json has it."""

    name: str
    member: str
    client_address: str
    peer_address: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A devnet's folder.

    Attributes:
        path: The folder, absolute.
        chain_id: The chain its nodes keep, 32 bytes.
        nodes: Its nodes, in the order they were made.
    """

    path: Path
    chain_id: bytes
    nodes: tuple[NodeEntry, ...]

    @property
    def genesis(self) -> Path:
        """The genesis file."""
        return genesis_path(self.path)

    @property
    def profile(self) -> Profile:
        """What clients trust, as `devnet up`, `status` and `restart` last kept it."""
        return Profile.load(profile_path(self.path))

    @property
    def members(self) -> tuple[str, ...]:
        """The members, in the order of their nodes."""
        return tuple(dict.fromkeys(node.member for node in self.nodes))

    @property
    def client_addresses(self) -> tuple[str, ...]:
        """Where clients reach the nodes."""
        return tuple(node.client_address for node in self.nodes)

    def node(self, name: str) -> NodeEntry:
        """The node of this name.

        Raises:
            LedgerError: NO_SUCH_NODE, naming those there are.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise LedgerError(Code.NO_SUCH_NODE, f"{name}; there are {known}")

    def node_folder(self, node: NodeEntry) -> Path:
        """Where a node's files lie."""
        return node_folder(self.path, node.name)

    def key_file(self, identity: str) -> Path:
        """Where the key of an identity (member/name) lies."""
        return key_path(self.path, identity)

    def identity(
        self, name: str | None = None, ask: AskPassphrase = passphrase_of_environment
    ) -> Identity:
        """Loads an identity; the first member's admin when none is named.

        Raises:
            LedgerError: CONFIG_INVALID when there is no such key, or its file holds another's;
                KEY_LOCKED when it is sealed and `ask` gets no passphrase that opens it.
        """
        wanted = name or f"{self.members[0]}/{DEFAULT_IDENTITY}"
        file = self.key_file(wanted)
        found = Identity.load(file, ask)
        if found.name != wanted:
            raise LedgerError(Code.CONFIG_INVALID, f"{file} is the key of {found.name}")
        return found

    def save(self) -> None:
        """Writes devnet.json."""
        content = {
            "format": FORMAT,
            "chain_id": self.chain_id.hex(),
            "nodes": [asdict(node) for node in self.nodes],
        }
        (self.path / FILE_NAME).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Layout":
        """Reads a devnet's folder.

        Raises:
            LedgerError: CONFIG_INVALID or FORMAT_UNKNOWN.
        """
        path = Path(path).resolve()
        file = path / FILE_NAME
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            said = f"{path} is no devnet: {FILE_NAME}: {error.strerror}"
            raise LedgerError(Code.CONFIG_INVALID, said) from error
        except ValueError as error:
            raise LedgerError(Code.CONFIG_INVALID, f"{file} is not JSON: {error}") from error
        return cls(path, *_read(file, content))


def genesis_path(folder: Path) -> Path:
    """The genesis file of the devnet in `folder`."""
    return folder / "genesis.json"


def profile_path(folder: Path) -> Path:
    """The profile of the devnet in `folder`."""
    return folder / "profile.toml"


def key_path(folder: Path, identity: str) -> Path:
    """The key file of an identity (member/name) of the devnet in `folder`."""
    return folder / "keys" / f"{identity.replace('/', '.')}.key"


def node_folder(folder: Path, node: str) -> Path:
    """The folder of a node of the devnet in `folder`."""
    return folder / "nodes" / node


def node_keys_folder(folder: Path, node: str) -> Path:
    """Where the keys of a node of the devnet in `folder` lie."""
    return node_folder(folder, node) / "keys"


def _read(file: Path, content: Any) -> tuple[bytes, tuple[NodeEntry, ...]]:
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise LedgerError(Code.FORMAT_UNKNOWN, f"{file} has format {version}, not {FORMAT}")
    try:
        nodes = tuple(NodeEntry(**node) for node in content["nodes"])
        return bytes.fromhex(content["chain_id"]), nodes
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{file}: {error!r}") from error
