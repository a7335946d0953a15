"""A consortium of four in memory: blocks executed, heads certified, everything kept for ever."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tests.unit.consortium.governed import join_with
from tests.unit.consortium.liars import evidence_against
from tests.unit.execution.chain import START_US, Chain, MemoryState, member, node, signer
from tests.unit.ledger.trees import MemoryHistory
from twinledger.client.governance_operations import submit_evidence
from twinledger.consensus import EntryKind
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.governed import load_configuration
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium, consortium_hash
from twinledger.consortium.recovery.file import Fork, RecoveryFile, draft
from twinledger.consortium.recovery.opening import configuration_of
from twinledger.consortium.recovery.statement import (
    SignedStatement,
    StatedHead,
    Statement,
    build_statement,
)
from twinledger.consortium.witnesses import certify, witness_set
from twinledger.execution.execute import genesis_block
from twinledger.execution.results import Execution
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import HeadSigner, cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.history_tree import consistency_proof, inclusion_proof, root
from twinledger.ledger.merkle import EMPTY_ROOT
from twinledger.ledger.names import MemberName, TwinId
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_proof import End, StateProof
from twinledger.ledger.state_prover import prove
from twinledger.ledger.state_tree import update
from twinledger.ledger.state_tree_page import Branch
from twinledger.proofs.builder import Builder
from twinledger.twins.records import Twin, twin_leaf
from twinledger.twins.state_keys import (
    LeafPlace,
    leaf_place,
    leaf_record_key,
    properties_prefix,
    relationships_prefix,
    twin_key,
)
from twinledger.twins.tree import TwinLeaf, prove_leaf

NAMES = ["maker", "plant", "regulator", "utility"]


class Proven(NamedTuple):
    value: bytes | None
    proof: StateProof


class Whole(NamedTuple):
    twin: Proven
    leaves: Sequence[TwinLeaf]


class Part(NamedTuple):
    twin: Proven
    leaf: TwinLeaf | None
    proof: StateProof | None


class Place(NamedTuple):
    version: int
    height: int
    transaction_index: int
    operation_index: int
    transaction_id: bytes


class KeepingState(MemoryState):
    """Nothing is ever pruned."""

    def take(self, execution: Execution) -> None:
        super().take(replace(execution, tree=replace(execution.tree, stale=())))


def witness_key(node_id: str) -> HeadSigner:
    return signer(f"{node_id} witness").key


def four_members(name: str = "four") -> Genesis:
    members = [member(each, 7000 + 10 * n) for n, each in enumerate(NAMES)]
    genesis = Genesis.parse(build(name, START_US, members))
    for each in NAMES:
        genesis = genesis.signed_by(signer(f"{each}/admin"))
    return genesis


class World(Chain):
    """The chain and the book of certificates of one honest node, to build proofs from."""

    def __init__(self, name: str = "four") -> None:
        self.genesis = four_members(name)
        self.state = KeepingState()
        self._salt = 0
        self.history = MemoryHistory()
        self.blocks: list[Execution] = []
        self.states: list[dict[bytes, bytes]] = []
        self.pruned_below = 0
        self._changes: list[tuple[int, bytes]] = []
        self._members: list[tuple[int, bytes]] = []
        self.newest = genesis_block(self.genesis)
        self._take(self.newest)

    def append(self, *transactions: bytes, time_us: int | None = None):
        self.newest = self.execute(
            self.payload(*transactions, time_us=time_us or self.now_us + 1000)
        )
        self._take(self.newest)
        return []

    def _take(self, execution: Execution) -> None:
        self.state.take(execution)
        self.blocks.append(execution)
        self.states.append(dict(self.state.leaves))
        self.history.append(execution.header_bytes)

    @property
    def consortium(self) -> Consortium:
        return Consortium.decode(self.state.leaves[CONSORTIUM_KEY])

    def replace_voter(self, name: str, node_id: str) -> None:
        """A block in which a member replaces its voting node; the set before certifies it."""
        before = self.consortium
        found = before.member(MemberName(name))
        assert found is not None
        changed = replace(found, nodes=(node(node_id, 9000 + len(self.blocks)),))
        after = replace(before.with_member(changed), set_number=before.set_number + 1)
        self.write_consortium(after)
        self.note_change()

    def disqualify(self, name: str, node_id: str) -> None:
        """A block with evidence against a witness; the set before, with the liar, certifies it."""
        evidence = evidence_against(name, self.genesis.chain_id, node_id=node_id)
        self.append(self.sign(submit_evidence(evidence.encode())))
        self.note_change()

    def note_change(self) -> None:
        """The newest block changed the witnesses: the book keeps its certificate."""
        self._changes.append((self.size, self.certificate(self.size)))
        self._members.append((self.size - 1, self.consortium.encode()))

    def recover(self, by: Sequence[str] = NAMES[:3], *, lost: int = 2) -> RecoveryFile:
        """The newest block is the newest that is certified; the quorum is lost, and a new epoch
        opens with fresh nodes. `lost` heights above were signed by the one survivor."""
        epoch, chain_id = self.consortium.epoch + 1, self.genesis.chain_id
        builder, size = self.builder(), self.size
        head = StatedHead(size, root(self.history, size))
        survivor = self.consortium.member(MemberName("utility"))
        assert survivor is not None
        (of_survivor,) = survivor.nodes
        said = Statement(
            chain_id,
            epoch - 1,
            survivor.name,
            of_survivor.node_id,
            size - 1 + lost,
            size - 1 + lost,
            StatedHead(size + lost, b"l" * 32) if lost else head,
            head,
        )
        log = signer(f"{of_survivor.node_id} log").key
        statement = SignedStatement.parse(build_statement(said, {"log_key": log}))
        proof = builder.bundle(builder.head_claim())
        fork = Fork(size - 1, self.newest.header_hash, head.root, proof)
        brought = [self._fresh(name, epoch, n) for n, name in enumerate(NAMES)]
        file = draft(chain_id, epoch, fork, [statement], brought)
        for name in by:
            file = file.with_signature(signer(f"{name}/admin"))
        target = configuration_of(load_configuration(self.state), file)
        self.newest = self.execute(target.encode(), kind=EntryKind.CONFIGURATION)
        self._take(self.newest)
        self._members.append((self.size - 1, self.consortium.encode()))
        return file

    def _fresh(self, name: str, epoch: int, place: int) -> JoinFile:
        port = 20_000 + 100 * epoch + 2 * place
        joining = replace(member(name, port), nodes=(node(f"{name}-e{epoch}", port),))
        return JoinFile.parse(join_with(joining))

    def write_consortium(self, consortium: Consortium) -> None:
        parent, leaf = self.newest, consortium.encode()
        height = parent.header.height + 1
        tree = update(
            self.state,
            Branch(parent.header.state_root, height - 1),
            height,
            {CONSORTIUM_KEY: leaf},
        )
        header = BlockHeader(
            height,
            1,
            parent.header.time_us,
            parent.header_hash,
            EMPTY_ROOT,
            EMPTY_ROOT,
            tree.root,
            consortium_hash(leaf),
        )
        self.newest = Execution(
            header, header.encode(), header.hash(), (), (), {CONSORTIUM_KEY: leaf}, tree, (), ()
        )
        self._take(self.newest)

    # What a builder reads of a chain.

    @property
    def size(self) -> int:
        return len(self.blocks)

    def header_bytes(self, height: int) -> bytes:
        return self.blocks[height].header_bytes

    def inclusion(self, height: int, size: int) -> tuple[bytes, ...]:
        return inclusion_proof(self.history, height, size)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        return consistency_proof(self.history, first, second)

    def history_root(self, size: int) -> bytes:
        return root(self.history, size)

    def state_at(self, key: bytes, height: int) -> Proven:
        branch = Branch(self.blocks[height].header.state_root, height)
        proof = prove(self.state, branch, key)
        value = self.states[height].get(key)
        assert (proof.end is End.LEAF) == (value is not None)
        return Proven(value, proof)

    def twin(self, twin_id: TwinId, height: int) -> Whole:
        prefixes = (properties_prefix(twin_id), relationships_prefix(twin_id))
        leaves = [
            twin_leaf(place.key, raw)
            for key, raw in self.states[height].items()
            if key.startswith(prefixes) and (place := leaf_place(key))
        ]
        return Whole(self.state_at(twin_key(twin_id), height), sorted(leaves))

    def twin_property(self, twin_id: TwinId, key: bytes, height: int) -> Part:
        found = self.state_at(twin_key(twin_id), height)
        if found.value is None:
            return Part(found, None, None)
        proof = prove_leaf(self.state, twin_id, Twin.decode(twin_id, found.value).tree, key)
        raw = self.states[height].get(leaf_record_key(LeafPlace(twin_id, key)) or b"")
        return Part(found, None if raw is None else twin_leaf(key, raw), proof)

    def transactions(self, height: int) -> Sequence[bytes]:
        if height < self.pruned_below:
            raise LedgerError(Code.PRUNED, f"the oldest body it keeps is {self.pruned_below}")
        return self.blocks[height].transactions

    def receipts(self, height: int) -> Sequence[bytes]:
        """Receipts go with bodies."""
        self.transactions(height)
        return self.blocks[height].receipts

    def updates(self, twin_id: str, after_version: int, limit: int) -> Sequence[Place]:
        found = [
            Place(
                each.version,
                height,
                each.transaction_index,
                each.operation_index,
                Receipt.decode(block.receipts[each.transaction_index]).transaction_id,
            )
            for height, block in enumerate(self.blocks)
            for each in block.updates
            if each.twin_id == twin_id and each.version > after_version
        ]
        return found[:limit]

    def location(self, transaction_id: bytes) -> Place | None:
        return next(
            (
                Place(0, height, each.transaction_index, 0, transaction_id)
                for height, block in enumerate(self.blocks)
                for each in block.consumed
                if each.transaction_id == transaction_id
            ),
            None,
        )

    # The book of certificates.

    def certificate(
        self, size: int, *, without: Sequence[str] = (), at_s: int | None = None
    ) -> bytes:
        """The head of a size, signed by the set before its newest block."""
        before, after = (
            Consortium.decode(self.states[height][CONSORTIUM_KEY])
            for height in (max(size - 2, 0), size - 1)
        )
        # Those who were there before a recovery certify nothing any more.
        certifying = before if before.epoch == after.epoch else after
        witnesses, origin = witness_set(certifying), origin_of(self.genesis.chain_id, after.epoch)
        head = Checkpoint(origin, size, root(self.history, size))
        seconds = self.now_us // 1_000_000 if at_s is None else at_s
        signed = [
            cosign(witness_key(each.name.partition("/")[2]), each.name, head, seconds)
            for each in witnesses.witnesses
            if each.member not in without
        ]
        return certify(witnesses, head, signed).encode()

    @property
    def book(self) -> "Book":
        return Book(self._changes, self._members)

    def builder(self, size: int | None = None, *, without: Sequence[str] = ()) -> Builder:
        """Proofs under the newest head, or under an older one."""
        certificate = self.certificate(size or self.size, without=without)
        return Builder(View(self), self.book, certificate, self.genesis.body)


@dataclass
class Book:
    all_changes: list[tuple[int, bytes]]
    all_members: list[tuple[int, bytes]]

    def changes(self, after_size: int = 0) -> Iterator[tuple[int, bytes]]:
        return iter([each for each in self.all_changes if each[0] > after_size])

    def members(self) -> Iterator[tuple[int, bytes]]:
        return iter(self.all_members)


@dataclass
class View:
    """The world's chain under the names that a builder uses; `state` is the chain's own."""

    world: World

    def __getattr__(self, name: str):
        return getattr(self.world, name)

    def state(self, key: bytes, height: int) -> Proven:
        return self.world.state_at(key, height)
