"""What a node stands on: settings, keys, data folder, the genesis file and both stores, open."""

from dataclasses import dataclass
from typing import Self

from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.consortium.genesis import Genesis, chain_id
from twinledger.consortium.members import load_consortium
from twinledger.consortium.nodes import Node as NodeRecord
from twinledger.execution.execute import genesis_block, limits_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import MemberName
from twinledger.node.configuration import Configuration
from twinledger.node.node_keys import NodeKeys
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.storage import DataFolder, PeerMemory, Stores
from twinledger.v1.peer_service_pb2 import PeerHello


@dataclass(frozen=True, slots=True)
class Foundation:
    """Everything that was there before the node, checked against each other."""

    folder: DataFolder
    configuration: Configuration
    genesis: Genesis
    member: MemberName
    """Who runs this node."""
    keys: NodeKeys
    """What this node signs with, and proves itself to others with."""
    stores: Stores
    memory: PeerMemory

    @classmethod
    def open(
        cls,
        folder: DataFolder,
        configuration: Configuration,
        ask: AskPassphrase = passphrase_of_environment,
    ) -> Self:
        """Open keys and stores; an empty chain gets the block of genesis.

        Raises:
            LedgerError: CONFIG_INVALID, GENESIS_MISMATCH, GENESIS_INVALID, DATA_DAMAGED;
                KEY_MISMATCH, KEY_EXPOSED, KEY_LOCKED.
            StorageFailure: the disk refused.
        """
        genesis = _read_genesis(folder, configuration)
        keys = NodeKeys.load(configuration.keys.folder, ask)
        stores = folder.open_stores(kept_heights=configuration.storage.kept_heights)
        try:
            if stores.chain.applied_height is None:
                stores.chain.apply(genesis_block(genesis))
            member, record = _record_of(stores, folder)
            keys.check(record)
        except BaseException:
            stores.close()
            raise
        return cls(folder, configuration, genesis, member, keys, stores, folder.peer_memory())

    def limits(self) -> Limits:
        """Return the limits that the next block is executed by."""
        return limits_of(self.stores.chain)

    def hello(self) -> PeerHello:
        """What this node greets others with now."""
        return PeerHello(
            node_id=self.folder.node_id,
            chain_id=self.folder.chain_id,
            protocol_version=PROTOCOL_VERSION,
            boot=self.folder.boot,
            height=self.stores.log.last_index(),
        )


def _read_genesis(folder: DataFolder, configuration: Configuration) -> Genesis:
    path = configuration.node.genesis
    try:
        given = path.read_bytes()
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    if chain_id(given) != folder.chain_id:
        raise LedgerError(
            Code.GENESIS_MISMATCH, f"{path} is not the genesis this data folder was made with"
        )
    if configuration.node.id != folder.node_id:
        raise LedgerError(
            Code.CONFIG_INVALID,
            f"the data folder belongs to {folder.node_id}, not to {configuration.node.id}",
        )
    return Genesis.parse(given)


def _record_of(stores: Stores, folder: DataFolder) -> tuple[MemberName, NodeRecord]:
    with stores.chain.snapshot() as state:
        nodes = load_consortium(state).nodes
    for member, record in nodes:
        if record.node_id == folder.node_id:
            return member, record
    raise LedgerError(Code.CONFIG_INVALID, f"the ledger has no node {folder.node_id}")
