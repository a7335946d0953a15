"""What a node stands on: settings, keys, data folder, the genesis file and both stores, open."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.client.profile import Profile
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, chain_id
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, load_consortium
from twinledger.consortium.nodes import Node as NodeRecord
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.execution.execute import genesis_block, limits_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import MemberName
from twinledger.node.configuration import Configuration
from twinledger.node.node_keys import AskOnce, HeldTransports, NodeKeys
from twinledger.node.node_records import NodeRecords
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.storage import DataFolder, PeerMemory, Shown, Stores
from twinledger.v1.peer_service_pb2 import PeerHello

Nodes: TypeAlias = Sequence[tuple[MemberName, NodeRecord]]


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
    held: HeldTransports
    """What it can show to others, also when that changes."""
    records: NodeRecords
    """Who the others are, and what they show."""
    stores: Stores
    memory: PeerMemory
    ledger_epoch: int
    """The epoch of the chain when it was opened; when another begins it is opened again."""
    arriving: RecoveryFile | None
    """The recovery that this node begins with, until its own chain has the block of it."""

    @classmethod
    def open(
        cls,
        folder: DataFolder,
        configuration: Configuration,
        ask: AskPassphrase = passphrase_of_environment,
        given: Profile | None = None,
    ) -> Self:
        """Open keys and stores; an empty chain gets the block of genesis.

        `given` holds node records of a later height than this node may have reached.

        Raises:
            LedgerError: CONFIG_INVALID, GENESIS_MISMATCH, GENESIS_INVALID, DATA_DAMAGED;
                KEY_MISMATCH, KEY_EXPOSED, KEY_LOCKED; WRONG_CHAIN for what is given.
            StorageFailure: the disk refused.
        """
        genesis = _read_genesis(folder, configuration)
        if given is not None and given.chain_id != folder.chain_id:
            raise LedgerError(Code.WRONG_CHAIN, f"the profile is of {given.chain_id.hex()}")
        once = AskOnce(ask)
        stores = folder.open_stores(kept_heights=configuration.storage.kept_heights)
        try:
            if stores.chain.applied_height is None:
                stores.chain.apply(genesis_block(genesis))
            consortium = _consortium(stores)
            arriving = _arriving(configuration, consortium, folder.chain_id)
            nodes = opened_nodes(arriving) if arriving else consortium.nodes
            member, record = _record_of(nodes, folder, configuration)
            keys = NodeKeys.load(configuration.keys.folder, record, once)
            if stores.head_mark is not None:
                folder.next_signer.take_over(stores.head_mark, keys.witness.public_key)
        except BaseException:
            stores.close()
            raise
        return cls(
            folder=folder,
            configuration=configuration,
            genesis=genesis,
            member=member,
            keys=keys,
            held=HeldTransports(configuration.keys.folder, once, keys.transports),
            records=NodeRecords(
                folder.node_id,
                [node for _, node in nodes],
                arriving.fork.height + 1 if arriving else stores.chain.applied_height or 0,
                insecure=configuration.transport.insecure,
                given=given,
            ),
            stores=stores,
            memory=folder.peer_memory(),
            ledger_epoch=consortium.epoch,
            arriving=arriving,
        )

    @property
    def epoch(self) -> int:
        """The newest epoch that this node knows of."""
        return self.arriving.epoch if self.arriving else self.ledger_epoch

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
            epoch=self.epoch,
            **self._signed(),
        )

    def check_greeting(self, node_id: NodeId, hello: PeerHello) -> None:
        """Refuse a node that shows less than it did before.

        Raises:
            LedgerError: PEER_REGRESSED.
        """
        signed_size = hello.signed_size if hello.HasField("signed_size") else None
        shown = Shown(hello.boot, hello.height, signed_size, hello.signed_root.hex())
        self.memory.check(node_id, shown)

    def _signed(self) -> dict[str, Any]:
        """The newest head it signed, unless it may not sign."""
        if self.stores.head_mark is None:
            return {}
        mark = self.stores.head_mark.mark
        return {"signed_size": mark.size, "signed_root": mark.root if mark.size else b""}


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


def _consortium(stores: Stores) -> Consortium:
    with stores.chain.snapshot() as state:
        return load_consortium(state)


def _arriving(
    configuration: Configuration, consortium: Consortium, chain_id: bytes
) -> RecoveryFile | None:
    """The recovery that this node begins with, while its own chain does not have it yet."""
    path = configuration.node.recovery
    if path is None:
        return None
    try:
        recovery = RecoveryFile.parse(path.read_bytes())
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    if recovery.chain_id != chain_id:
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, f"{path} is of another chain")
    return recovery if recovery.epoch > consortium.epoch else None


def opened_nodes(recovery: RecoveryFile) -> Nodes:
    """The nodes that begin an epoch, with their members."""
    return [(each.member.name, node) for each in recovery.members for node in each.member.nodes]


def _record_of(
    nodes: Nodes, folder: DataFolder, configuration: Configuration
) -> tuple[MemberName, NodeRecord]:
    """This node's record: the ledger's, or while that has none the join file's."""
    joining = configuration.node.join
    for member, record in (*nodes, *(_joining(joining) if joining else ())):
        if record.node_id == folder.node_id:
            return member, record
    said = f"the ledger has no node {folder.node_id}"
    if joining is None:
        said += ", or not any more; one that comes new names its join file in node.toml"
    raise LedgerError(Code.CONFIG_INVALID, said)


def _joining(path: Path) -> Nodes:
    try:
        member = JoinFile.parse(path.read_bytes()).member
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    return [(member.name, record) for record in member.nodes]
