"""The node's own settings: one TOML file, checked before anything is opened."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, ValidationError

from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.chain_store import KEPT_HEIGHTS

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-\[\]:]+:[0-9]{1,5}$")]


class _Section(BaseModel):
    """A table of the file: unknown keys are errors, since a mistyped key must not pass for set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSection(_Section):
    """Who this node is and where its things lie; paths are relative to the file."""

    id: str
    data_dir: Path = Path("data")
    genesis: Path = Path("genesis.json")
    join: Path | None = None
    """The join file of a node that genesis does not name."""
    recovery: Path | None = None
    """The recovery file of a node that begins with a new epoch."""


class KeysSection(_Section):
    """Where the node's own keys lie; relative to the file."""

    folder: Path = Path("keys")


class ListenSection(_Section):
    """Where it listens."""

    client: Address
    peer: Address


class TransportSection(_Section):
    """How it talks to others."""

    insecure: bool = False
    """Plaintext, to and from whoever asks: only for a devnet on one machine."""


class PoolSection(_Section):
    """How much may wait here to be ordered."""

    max_transactions: int = Field(default=20_000, ge=1)
    max_bytes: int = Field(default=64 << 20, ge=1 << 20)


class StorageSection(_Section):
    """When the disk counts as nearly full, and how much of the past is kept."""

    min_free_mib: int = Field(default=256, ge=1)
    kept_heights: int = Field(default=KEPT_HEIGHTS, ge=0)
    """Heights before the newest whose states stay provable."""
    snapshot_every: int = Field(default=10_000, ge=0)
    """Blocks between two snapshots; 0 for none."""
    keep_blocks: int = Field(default=0, ge=0)
    """Blocks whose bodies and receipts are kept; 0 for all."""


class ConsensusSection(_Section):
    """Consensus in time: a tick, and how many of them a heartbeat and an election take."""

    tick_ms: int = Field(default=20, ge=1, le=1000)
    heartbeat_ticks: int = Field(default=3, ge=1)
    election_ticks: int = Field(default=15, ge=2)
    max_blocks_in_flight: int = Field(default=4, ge=1)
    order_within_s: float = Field(default=30.0, ge=0.1, le=3600)
    """How long a leader may take to order what it is given, before that is an alarm."""


class HeadsSection(_Section):
    """How often the newest head is signed again while nothing is executed."""

    sign_again_s: float = Field(default=10.0, ge=0.1, le=3600)


class TilesSection(_Section):
    """The history tree over HTTP, for transparency-log clients; off without an address."""

    listen: Address | None = None


class PeersSection(RootModel[dict[str, Address]]):
    """Where to dial other nodes, by node id, when it is not where the ledger says: behind a NAT."""

    root: dict[str, Address] = {}


class LogSection(_Section):
    """What is written to standard error, as JSON lines."""

    level: Annotated[str, StringConstraints(pattern="^(debug|info|warning|error)$")] = "info"


class Configuration(_Section):
    """The whole file."""

    node: NodeSection
    keys: KeysSection = KeysSection()
    listen: ListenSection
    transport: TransportSection = TransportSection()
    pool: PoolSection = PoolSection()
    storage: StorageSection = StorageSection()
    consensus: ConsensusSection = ConsensusSection()
    heads: HeadsSection = HeadsSection()
    tiles: TilesSection = TilesSection()
    peers: PeersSection = PeersSection()
    log: LogSection = LogSection()


def load(path: Path) -> Configuration:
    """Read and check a configuration file; its relative paths become absolute.

    Raises:
        LedgerError: CONFIG_INVALID, naming the key and what is wrong with it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        configuration = Configuration.model_validate(content)
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error}") from error
    except ValidationError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {_sentences(error)}") from error
    if configuration.consensus.election_ticks <= configuration.consensus.heartbeat_ticks:
        raise LedgerError(
            Code.CONFIG_INVALID,
            f"{path}: consensus.election_ticks must be greater than consensus.heartbeat_ticks",
        )
    return _with_absolute_paths(configuration, path.resolve().parent)


def _sentences(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    )


def _with_absolute_paths(configuration: Configuration, folder: Path) -> Configuration:
    node = configuration.node.model_copy(
        update={
            "data_dir": folder / configuration.node.data_dir,
            "genesis": folder / configuration.node.genesis,
            "join": folder / configuration.node.join if configuration.node.join else None,
            "recovery": folder / configuration.node.recovery
            if configuration.node.recovery
            else None,
        }
    )
    keys = KeysSection(folder=folder / configuration.keys.folder)
    return configuration.model_copy(update={"node": node, "keys": keys})
