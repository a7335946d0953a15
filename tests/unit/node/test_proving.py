"""What a node proves to whom: to a device no more than it may read, whatever it asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.execution.chain import MAKER, START_US, UTILITY, Chain, signer
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import admit, create, put_rule, relate, set_, update
from tests.unit.proofs.world import Book, witness_key
from tests.unit.storage.test_twin_proofs import StoredState
from tests.unit.storage.writing import chain as entries
from tests.unit.storage.writing import persist
from twinledger.client import Question
from twinledger.client import proofs as ask
from twinledger.consortium.identities import find_identity
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium
from twinledger.consortium.witnesses import Certificate, certify, witness_set
from twinledger.execution.results import Execution
from twinledger.ledger.access import Permission
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.operations import Role
from twinledger.ledger.state_proof import End, StateProof
from twinledger.ledger.transaction import Signer, parse
from twinledger.node.heads import Heads
from twinledger.node.proving import Proving
from twinledger.node.services.audiences import Audience
from twinledger.node.services.door import Caller, Door
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.claims import Claim
from twinledger.proofs.verify import verify
from twinledger.storage.chain_proofs import ChainProofs

DEVICE, OTHER = signer("maker/sensor"), signer("maker/other")
AUDITOR = signer("maker/auditor")
RULE = (Permission.READ, Permission.WRITE)
SECRET = b"s3cret"
HIDDEN = b"vault-1"


class StoredBodies(StoredState):
    """Keeps the blocks' bodies as well: proofs of transactions need them."""

    payload: bytes = b""

    def take(self, execution: Execution) -> None:
        if execution.header.height:
            self.log.write(persist(*entries(self.log, [self.payload])))
        self.store.apply(execution)
        self.leaves |= {key: value for key, value in execution.writes.items() if value is not None}


@dataclass
class Ledger(Chain):
    """One node's stores, certified up to their newest block, and its proving."""

    folder: Path
    ids: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.stored = self.state = StoredBodies(self.folder, self.genesis.chain_id)
        self.state.take(self.newest)

    def commit(self, *operations: Any, by: Signer = UTILITY) -> bytes:
        """One transaction in a block of its own, which must have its effect; returns its id."""
        raw = self.sign(*operations, by=[by])
        self.stored.payload = self.payload(raw)
        (receipt,) = self.append(raw)
        assert receipt.outcome == "COMMITTED"
        return parse(raw, self.genesis.limits).id

    @property
    def certificate(self) -> Certificate:
        consortium = Consortium.decode(self.state.leaves[CONSORTIUM_KEY])
        proofs = ChainProofs(self.stored.store)
        origin = origin_of(self.genesis.chain_id, consortium.epoch)
        head = Checkpoint(origin, proofs.size, proofs.history_root(proofs.size))
        witnesses = witness_set(consortium)
        signed = [
            cosign(witness_key(each.name.partition("/")[2]), each.name, head, START_US // 10**6)
            for each in witnesses.witnesses
        ]
        return certify(witnesses, head, signed)

    def ask(self, who: Signer, question: Question, certificate: Certificate | None = None) -> Claim:
        """The claim of the answer, which must hold, and hold nothing hidden from a device.

        The newest certificate that the node knows is one of its newest block unless it is named.
        """
        store = self.stored.store
        door = Door(store, self.genesis.chain_id, "utility-1", "utility", lambda: START_US)
        record = find_identity(store, who.identity)
        assert record is not None
        newest = certificate or self.certificate
        heads = cast("Heads", SimpleNamespace(certificate=newest, book=Book([], [])))
        proving = Proving(store, heads, self.genesis.body)
        raw = proving.prove(question.to_message(0), Caller(door, record, Audience.JUDGED)).bundle
        verify(raw, self.genesis.chain_id)
        if who in (DEVICE, OTHER):
            assert SECRET not in raw
            assert HIDDEN not in raw
        return Bundle.decode(raw).claim


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A twin of which a device reads `reported/flow`, one that it reads whole, a hidden one."""
    made = Ledger(tmp_path_factory.mktemp("proving"))
    for who, role in ((DEVICE, Role.DEVICE), (OTHER, Role.DEVICE), (AUDITOR, Role.AUDITOR)):
        made.commit(admit(who.identity, who.key.public_key, role), by=MAKER)
    made.ids = [
        made.commit(
            create("vault-1", set_("level", 1.0)),
            create("pump-7", set_("flow", 1.0), set_("label", SECRET.decode())),
            create("open-1", set_("a", 1.0), set_("b", 2.0)),
            relate("pump-7", "guards", "vault-1"),
        ),
        made.commit(
            put_rule("pump-7", f"identity:{DEVICE.identity}", *RULE, path="reported/flow"),
            put_rule("open-1", "everyone", Permission.READ),
        ),
    ]
    made.ids.append(made.commit(update("pump-7", set_("flow", 2.0)), by=DEVICE))
    made.ids.append(made.commit(update("open-1", set_("a", 3.0))))
    made.ids.append(
        made.commit(update("pump-7", set_("flow", 3.0), set_("label", SECRET.decode())))
    )
    yield made
    made.stored.close()


HEIGHTS = {"mixed": 4, "rules": 5, "own": 6, "open": 7, "half": 8}


def keys_of(claim: Any) -> dict[str, list[bytes]]:
    return {each.id: [leaf.leaf.key for leaf in each.leaves] for each in claim.twins}


def test_a_device_gets_proven_what_it_may_read(ledger: Ledger):
    claim: Any = ledger.ask(DEVICE, ask.twin_property("pump-7", "reported/flow"))
    assert claim.leaf is not None
    whole: Any = ledger.ask(DEVICE, ask.twin("open-1"))
    assert [leaf.key for leaf in whole.leaves] == [b"reported/a", b"reported/b"]
    state: Any = ledger.ask(DEVICE, ask.state([b"consortium", b"twin/pump-7"]))
    assert all(each.value for each in state.values)


@pytest.mark.parametrize("key", ["reported/label", "desired/x", "relationship/guards/vault-1"])
def test_a_hidden_path_is_refused_whether_it_is_there_or_not(ledger: Ledger, key: str):
    with refused(Code.ACCESS_DENIED, "hidden"):
        ledger.ask(DEVICE, ask.twin_property("pump-7", key))


def test_a_twin_with_a_hidden_part_is_not_proven_whole(ledger: Ledger):
    for question in (ask.twin("pump-7"), ask.history("pump-7")):
        with refused(Code.ACCESS_DENIED, "hidden"):
            ledger.ask(DEVICE, question)
    assert keys_of(ledger.ask(DEVICE, ask.readable_twin("pump-7"))) == {
        "pump-7": [b"reported/flow"]
    }


def test_parts_leave_out_what_is_hidden_as_what_is_not_there(ledger: Ledger):
    asked = ["reported/flow", "reported/label", "relationship/guards/vault-1", "desired/no"]
    wanted = {"pump-7": asked, "vault-1": ["reported/level"], "never": ["reported/x"]}
    assert keys_of(ledger.ask(DEVICE, ask.parts(wanted))) == {"pump-7": [b"reported/flow"]}
    assert keys_of(ledger.ask(AUDITOR, ask.parts(wanted)))["vault-1"] == [b"reported/level"]


@pytest.mark.parametrize(
    "question",
    [
        ask.twin,
        ask.readable_twin,
        ask.history,
        ask.updates,
        lambda twin: ask.silence(twin, 1),
        lambda twin: ask.twin_property(twin, "reported/level"),
    ],
)
def test_a_hidden_twin_is_refused_as_one_that_was_never_there(ledger: Ledger, question: Any):
    said = []
    for twin in ("vault-1", "never-1"):
        with pytest.raises(LedgerError) as caught:
            ledger.ask(DEVICE, question(twin))
        said.append((caught.value.code, caught.value.detail.replace(twin, "it")))
    assert said[0] == said[1]
    assert said[0][0] is Code.TWIN_NOT_FOUND


def test_that_a_twin_is_not_there_is_proven_to_who_sees_every_twin_alone(ledger: Ledger):
    for twin in ("vault-1", "never-1"):
        with refused(Code.ACCESS_DENIED):
            ledger.ask(DEVICE, ask.absent(twin))
    with refused(Code.TWIN_EXISTS):
        ledger.ask(DEVICE, ask.absent("pump-7"))
    assert ledger.ask(AUDITOR, ask.absent("never-1")).kind == "absent"


@pytest.mark.parametrize(
    "key",
    [
        b"twin/vault-1",
        b"twin/never-1",
        b"policy/pump-7",
        b"policy/vault-1",
        b"policy/never-1",
        b"recovery/0000000001",
        b"\xff",
    ],
)
def test_a_value_that_is_not_shown_to_a_device_is_refused(ledger: Ledger, key: bytes):
    for keys in ([key], [b"consortium", key]):
        with refused(Code.ACCESS_DENIED):
            ledger.ask(DEVICE, ask.state(keys))


def ends(ledger: Ledger, questions: Sequence[Question]) -> list[End | None]:
    """How the proof of each absence ends; None for one that is refused."""
    found: list[End | None] = []
    for question in questions:
        claim: Any = ledger.ask(AUDITOR, question)
        (proof,) = [each.proof for each in getattr(claim, "values", [claim])]
        end = StateProof.decode(proof).end
        if end is End.OTHER_LEAF:
            with refused(Code.ACCESS_DENIED, "something else"):
                ledger.ask(DEVICE, question)
            found.append(None)
        else:
            assert ledger.ask(DEVICE, question) == claim
            found.append(end)
    return found


def test_an_absence_is_proven_to_a_device_only_where_no_neighbour_shows(ledger: Ledger):
    numbers = range(40)
    names = [f"identity/maker/none-{number}".encode() for number in numbers]
    inside = [ask.twin_property("pump-7", f"reported/flow/{number}") for number in numbers]
    for questions in ([ask.state([name]) for name in names], inside):
        found = ends(ledger, questions)
        assert None in found
        assert set(found) != {None}


def test_one_neighbour_among_many_values_is_refused(ledger: Ledger):
    names = [f"identity/maker/none-{number}".encode() for number in range(40)]
    with refused(Code.ACCESS_DENIED, "something else"):
        ledger.ask(DEVICE, ask.state([b"consortium", *names]))


def test_a_transaction_is_proven_to_its_author_and_to_who_reads_all_of_it(ledger: Ledger):
    mixed, rules, own, of_open, half = ledger.ids
    for who, asked in (
        (DEVICE, mixed),
        (DEVICE, half),
        (OTHER, mixed),
        (OTHER, rules),
        (OTHER, bytes(32)),
    ):
        with refused(Code.TRANSACTION_NOT_FOUND, asked.hex()):
            ledger.ask(who, ask.transaction(asked))
    assert ledger.ask(DEVICE, ask.transaction(own)).kind == "transaction"
    assert ledger.ask(DEVICE, ask.transaction(of_open)).kind == "transaction"
    assert ledger.ask(OTHER, ask.transaction(of_open)).kind == "transaction"
    with refused(Code.TRANSACTION_NOT_FOUND):
        ledger.ask(OTHER, ask.transaction(own))
    for asked in ledger.ids:
        assert ledger.ask(AUDITOR, ask.transaction(asked)).kind == "transaction"


def shown(claim: Any) -> dict[int, int]:
    """By height: how many transactions each block of a claim shows."""
    return {
        BlockHeader.decode(each.block.header).height: len(each.transactions)
        for each in claim.blocks
    }


def test_updates_leave_out_the_transactions_that_are_hidden(ledger: Ledger):
    assert set(shown(ledger.ask(DEVICE, ask.updates("pump-7"))).items()) >= {
        (HEIGHTS["mixed"], 0),
        (HEIGHTS["own"], 1),
    }
    assert shown(ledger.ask(DEVICE, ask.updates("open-1")))[HEIGHTS["open"]] == 1
    assert set(shown(ledger.ask(AUDITOR, ask.updates("pump-7"))).values()) == {1}


@pytest.mark.parametrize(
    ("who", "place", "count"),
    [
        (DEVICE, "mixed", 0),
        (DEVICE, "rules", 1),  # each of these rules means it
        (OTHER, "rules", 0),
        (DEVICE, "own", 1),
        (DEVICE, "half", 0),
        (OTHER, "own", 0),
        (OTHER, "open", 1),
        (AUDITOR, "mixed", 1),
    ],
)
def test_a_block_shows_the_transactions_that_one_may_see(
    ledger: Ledger, who: Signer, place: str, count: int
):
    claim = ledger.ask(who, ask.block_transactions(HEIGHTS[place], [0, 1]))
    assert shown(claim) == {HEIGHTS[place]: count}


def test_a_whole_block_is_for_those_who_read_everything(ledger: Ledger):
    with refused(Code.ACCESS_DENIED):
        ledger.ask(DEVICE, ask.block(HEIGHTS["open"]))
    assert ledger.ask(AUDITOR, ask.block(HEIGHTS["mixed"])).kind == "block"


def test_a_node_far_beyond_the_newest_certified_head_says_wait_and_not_that_it_is_gone(
    tmp_path: Path,
):
    """As one does that catches up: certificates reach it later than blocks."""
    behind = Ledger(tmp_path)
    behind.commit(create("pump-7", set_("flow", 1.0)))
    known = behind.certificate
    behind.ask(UTILITY, ask.head(), known)
    while behind.stored.store.trees.oldest_height <= known.checkpoint.height:
        behind.commit(update("pump-7", set_("flow", 2.0)))
    for question in (ask.head(), ask.twin("pump-7")):
        with refused(Code.NOT_CERTIFIED, f"it knows {known.checkpoint.height} as certified"):
            behind.ask(UTILITY, question, known)
    behind.ask(UTILITY, ask.head())
    with refused(Code.PRUNED):
        behind.ask(UTILITY, ask.twin("pump-7", at=1))
    behind.stored.close()
