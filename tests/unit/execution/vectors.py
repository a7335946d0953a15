"""Writes docs/formats/vectors.json: a worked case of every format, for other implementations.

    python -m tests.unit.execution.vectors > docs/formats/vectors.json

Bytes are in hex. Canonical values are written with their kind, {"int": "5"}, so that no JSON parser
rounds them. Tests hold the file to this script, and an implementation of docs/formats that shares
nothing with ours to the file.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.unit.consortium.governed import World
from tests.unit.consortium.liars import evidence_against
from tests.unit.execution.chain import START_US, UTILITY, Chain
from tests.unit.ledger.heads import CHAIN_ID, NOW_S, ORIGIN, head_of, signed_head, witness_key
from tests.unit.ledger.trees import MemoryHistory, MemoryPages
from tests.unit.ledger.wire import create, increment, put_rule, put_sign_off, relate, set_, update
from tests.unit.twins.pages import TwinPages
from twinledger.consensus import EntryKind, Index, Term
from twinledger.consensus.types import entry_hash
from twinledger.consortium.disqualifying import PREFIX
from twinledger.consortium.rules import default_quorum
from twinledger.consortium.witnesses import Witness, WitnessSet, certify, witness_set
from twinledger.execution.results import Execution
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.canonical import CanonicalValue, Timestamp, decode, encode
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import cosign, log_line
from twinledger.ledger.evidence import find_evidence
from twinledger.ledger.governance_operations import SubmitEvidence
from twinledger.ledger.header import header_hash
from twinledger.ledger.history_proof import encode_way
from twinledger.ledger.history_tree import consistency_proof, inclusion_proof, root
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.names import MemberName, TwinId
from twinledger.ledger.read_token import ReadToken, make_token
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_prover import prove
from twinledger.ledger.transaction import parse, sign
from twinledger.storage.chain_records import header_key
from twinledger.storage.set_certificates import encode_certificates
from twinledger.storage.snapshot_format import Manifest, chunk_hash, encode_chunks
from twinledger.twins.reading import load_twin

VALUES: list[CanonicalValue] = [
    None,
    False,
    True,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    1.5,
    -0.0,
    5e-324,
    "",
    "Grüße, 世界 \U0001f4a7",
    b"",
    b"\x00\xff",
    Timestamp(1_795_305_600_000_000),
    Timestamp(-1),
    [],
    [1, [2.0, None], "three"],
    {},
    {"b": 1, "a": {"c": [True]}, "": b"empty key", "\U00010000": 2, "\uff61": 1},
]
ASKED = [b"twin/a", b"twin/6", b"twin/7", b"absent/1", b""]
CHANGES: list[dict[bytes, bytes | None]] = [
    {},
    {b"twin/a": encode("first")},
    {b"twin/a": encode("second"), b"twin/b": encode("b"), b"consortium": encode({})},
    {b"twin/%d" % n: encode(n) for n in range(12)},
    {b"twin/b": None, b"twin/7": None, b"never there": None},
]
NAMES, LOG = ["maker/maker-1", "regulator/r", "utility/utility-1"], "log"
WITNESSES = WitnessSet(
    tuple(
        Witness(MemberName(name.partition("/")[0]), name, witness_key(name).public_key)
        for name in NAMES
    ),
    default_quorum(len(NAMES)),
)
TWIN_ASKED = [b"reported/flow", b"relationship/feeds/tank", b"reported/6", b"reported/absent", b""]
ZERO, ONE, TWO = bytes(16), b"\1" * 16, bytes(range(16))
TWIN_CHANGES: list[dict[bytes, tuple[bytes, bytes] | None]] = [
    {b"reported/flow": (ZERO, encode({"value": 13.0}))},
    {b"reported/flow": (ONE, encode({"value": 13.0})), b"desired/flow": (ZERO, encode({}))},
    {
        b"relationship/feeds/tank": (TWO, encode({"origin": {}})),
        **{b"reported/%d" % n: (bytes([n]) * 16, encode(n)) for n in range(8)},
    },
    {b"desired/flow": None, b"reported/6": None, b"never/there": None},
]
LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW"]


SEED = UTILITY.identity.encode().ljust(32, b".")

TAGS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda _value: {"null": True},
    bool: lambda value: {"bool": value},
    int: lambda value: {"int": str(value)},
    float: lambda value: {"double": value},
    str: lambda value: {"string": value},
    bytes: lambda value: {"bytes": value.hex()},
    Timestamp: lambda value: {"timestamp": str(value.us)},
    list: lambda value: {"list": [tagged(item) for item in value]},
    dict: lambda value: {"map": {key: tagged(item) for key, item in value.items()}},
}


def tagged(value: CanonicalValue) -> Any:
    """A canonical value with its kind, as JSON can carry it."""
    return TAGS[type(value)](value)


def vectors() -> dict[str, Any]:
    """Every worked case."""
    chain = Chain()
    genesis = executed(chain.newest)
    blocks = [  # the first is what a new leader leaves
        block(chain, b"", term=1),
        block(
            chain, chain.payload(*first_transactions(chain), time_us=START_US + 1_000_000), term=1
        ),
        block(
            chain, chain.payload(second_transaction(chain), time_us=START_US + 2_000_000), term=3
        ),
    ]
    return {
        "values": [{"value": tagged(value), "encoded": encode(value).hex()} for value in VALUES],
        "trees": [
            {"leaves": [leaf.hex() for leaf in LEAVES[:n]], "root": tree_hash(LEAVES[:n]).hex()}
            for n in range(len(LEAVES) + 1)
        ],
        "state_tree": state_tree(),
        "twin_tree": twin_tree(),
        "history_tree": history_tree([genesis, *blocks]),
        "heads": heads([genesis, *blocks]),
        "evidence": evidence(),
        "snapshot": snapshot([genesis, *blocks], chain),
        "disqualification": disqualification(),
        "genesis": {
            "file": chain.genesis.raw.decode(),
            "chain_id": chain.genesis.chain_id.hex(),
            **genesis,
        },
        "policy": policy(),
        "signing": signing(chain),
        "read_token": read_token(chain),
        "blocks": blocks,
        "entries": entries(chain, blocks),
        "history": history(chain),
    }


def state_tree() -> dict[str, Any]:
    """The empty tree, the single leaf, a change, deletions; then what proves each kind of end."""
    tree, steps = MemoryPages(), []
    for changes in CHANGES:
        done = tree.change(changes)
        rows = [
            {"key": key.decode(), "value": value and value.hex()} for key, value in changes.items()
        ]
        steps.append({"changes": rows, "root": done.root.hex()})
    proofs = {key: prove(tree, tree.root, key) for key in ASKED}
    return {
        "steps": steps,
        "proofs": [
            {"key": key.decode(), "end": proof.end.value, "proof": proof.encode().hex()}
            for key, proof in proofs.items()
        ],
    }


def twin_tree() -> dict[str, Any]:
    """The same for a twin's own tree, with the salts that hide its records."""
    tree, steps = TwinPages(), []
    for changes in TWIN_CHANGES:
        tree.change(changes)
        rows = [
            {
                "key": key.decode(),
                "salt": to and to[0].hex(),
                "record": to and to[1].hex(),
            }
            for key, to in changes.items()
        ]
        steps.append({"changes": rows, "root": tree.root.hash.hex()})
    proofs = {key: tree.proof(key) for key in TWIN_ASKED}
    return {
        "steps": steps,
        "proofs": [
            {"key": key.decode(), "end": proof.end.value, "proof": proof.encode().hex()}
            for key, proof in proofs.items()
        ],
    }


def history_tree(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Every proof of the leaves of `trees`, and the tree of this chain."""
    tree, size = MemoryHistory.of(LEAVES), len(LEAVES)
    headers = MemoryHistory.of(bytes.fromhex(row["header"]) for row in blocks)
    return {
        "inclusion": [
            {
                "index": index,
                "size": size,
                "proof": encode_way(inclusion_proof(tree, index, size)).hex(),
            }
            for index in range(size)
        ],
        "consistency": [
            {
                "first": first,
                "second": size,
                "proof": encode_way(consistency_proof(tree, first, size)).hex(),
            }
            for first in range(1, size + 1)
        ],
        "headers": {"size": headers.size, "root": root(headers, headers.size).hex()},
    }


def heads(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """The head of this chain, what is signed under it, and a certificate."""
    tree = MemoryHistory.of(bytes.fromhex(row["header"]) for row in blocks)
    checkpoint = Checkpoint(ORIGIN, tree.size, root(tree, tree.size))
    made = [cosign(witness_key(name), name, checkpoint, NOW_S + n) for n, name in enumerate(NAMES)]
    return {
        "chain_id": CHAIN_ID.hex(),
        "checkpoint": checkpoint.encode().decode(),
        "log_line": {
            "seed": witness_key(LOG).seed.hex(),
            "line": log_line(witness_key(LOG), checkpoint).encode().decode(),
        },
        "quorum": WITNESSES.quorum,
        "witnesses": [
            {"name": name, "seed": witness_key(name).seed.hex(), "timestamp_s": NOW_S + n}
            for n, name in enumerate(NAMES)
        ],
        "certificate": certify(WITNESSES, checkpoint, made).encode().decode(),
    }


def snapshot(blocks: list[dict[str, Any]], chain: Chain) -> dict[str, Any]:
    """The form of a snapshot, of a few records, and of the certificates that go with it."""
    rows = enumerate(bytes.fromhex(row["header"]) for row in blocks)
    records = [(header_key(height), header) for height, header in rows]
    (chunk,) = encode_chunks(records)
    note = heads(blocks)["certificate"].encode()
    newest = records[-1][1]
    manifest = Manifest(
        chain_id=chain.genesis.chain_id,
        height=len(records) - 1,
        term=3,
        entry_hash=bytes(32),
        header_hash=header_hash(newest),
        configuration=b"as consensus encodes it",
        size=len(chunk),
        chunks=(chunk_hash(chunk),),
    )
    return {
        "records": [{"key": key.hex(), "value": value.hex()} for key, value in records],
        "chunk": chunk.hex(),
        "chunk_hash": chunk_hash(chunk).hex(),
        "term": manifest.term,
        "configuration": manifest.configuration.hex(),
        "manifest": manifest.encode().hex(),
        "id": manifest.id.hex(),
        "certificates": encode_certificates([note]).hex(),
    }


def evidence() -> list[dict[str, Any]]:
    """A witness that signed two trees: at one size, and at two."""
    one, two = (MemoryHistory.of([*LEAVES[:3], other, *LEAVES[4:]]) for other in (b"1", b"2"))
    made = []
    for smaller, larger in ((6, 6), (4, 7), (5, 7)):
        pair = [
            signed_head(NAMES[0], head_of(tree, n)) for tree, n in ((one, smaller), (two, larger))
        ]
        made.append(find_evidence(two, witness_key(NAMES[0]).public_key, *pair))
    return [{"witness": found.witness, "evidence": found.encode().hex()} for found in made if found]


def disqualification() -> dict[str, Any]:
    """What executed evidence leaves in the state, of a consortium of four."""
    world = World.of(4)
    before, raw = world.consortium, evidence_against("d", world.chain_id).encode()
    world.act("b", SubmitEvidence(raw))
    (key,) = [key for key, _ in world.scan(PREFIX)]
    return {
        "chain_id": world.chain_id.hex(),
        "before": tagged(decode(before.encode())),
        "evidence": raw.hex(),
        "height": world.height,
        "submitter": "b/admin",
        "after": world.consortium.encode().hex(),
        "key": key.decode(),
        "leaf": world.leaves[key].hex(),
        "witnesses": [witness.name for witness in witness_set(world.consortium).witnesses],
        "quorum": witness_set(world.consortium).quorum,
    }


def first_transactions(chain: Chain) -> list[bytes]:
    tank = create("tank-1", set_("level", 3.5), model="dtmi:example:Tank;1")
    pump = create("pump-7", set_("motor/starts", 41), set_("label", "P7"))
    return [
        chain.sign(tank, pump, relate("pump-7", "feeds", "tank-1")),
        chain.sign(update("pump-8", set_("flow", 13.0))),
        b"no transaction",
    ]


def second_transaction(chain: Chain) -> bytes:
    change = increment("motor/starts", 1)
    return chain.sign(update("pump-7", change, expected=2, observed=START_US + 1_500_000))


def block(chain: Chain, payload: bytes, term: int) -> dict[str, Any]:
    """Executes the next block, keeps it, and tells its payload and what became of it."""
    chain.newest = chain.execute(payload, term)
    chain.state.take(chain.newest)
    return {"payload": payload.hex(), **executed(chain.newest)}


def executed(execution: Execution) -> dict[str, Any]:
    header = execution.header
    return {
        "height": header.height,
        "term": header.term,
        "time_us": str(header.time_us),
        "transactions": [raw.hex() for raw in execution.transactions],
        "receipts": [raw.hex() for raw in execution.receipts],
        "outcomes": [Receipt.decode(raw).outcome for raw in execution.receipts],
        "writes": [
            {"key": key.decode(), "value": None if value is None else value.hex()}
            for key, value in execution.writes.items()
        ],
        "transactions_root": header.transactions_root.hex(),
        "receipts_root": header.receipts_root.hex(),
        "state_root": header.state_root.hex(),
        "consortium_hash": header.consortium_hash.hex(),
        "header": execution.header_bytes.hex(),
        "header_hash": execution.header_hash.hex(),
    }


def signing(chain: Chain) -> dict[str, Any]:
    """What a client on bare stubs follows: the fields, then the bytes they must come to."""
    salt, expires = bytes(range(16)), START_US + 60_000_000
    operation = create("pump-9", set_("flow", 13.0))
    raw = sign(chain.genesis.chain_id, [UTILITY], [operation], expires, salt)
    transaction = parse(raw, DEFAULT_LIMITS)
    return {
        "seed": SEED.hex(),
        "public_key": UTILITY.key.public_key.hex(),
        "identity": UTILITY.identity,
        "chain_id": chain.genesis.chain_id.hex(),
        "expires_at_us": str(expires),
        "salt": salt.hex(),
        "create_twin": {"twin_id": "pump-9", "set": {"path": "flow", "double_value": 13.0}},
        "body": transaction.body.hex(),
        "transaction_id": transaction.id.hex(),
        "signature": transaction.signatures[0].hex(),
        "signed_transaction": raw.hex(),
    }


def policy() -> dict[str, Any]:
    """The leaf of a twin with two rules and a sign-off."""
    chain, ends = Chain(), START_US + 3_600_000_000
    chain.submit(create("tank-1"))
    chain.submit(
        put_rule("tank-1", "member:maker:device", Permission.WRITE, path="reported/level"),
        put_rule(
            "tank-1",
            "everyone",
            *(Permission.READ, Permission.RELATE),
            effect=Effect.REVOKE,
            expires=ends,
        ),
        put_sign_off("tank-1", 1, ["member:maker"], Permission.TRANSFER),
    )
    leaf = chain.state.get(b"policy/tank-1") or b""
    return {"key": "policy/tank-1", "leaf": leaf.hex(), "expires_at_us": str(ends)}


def read_token(chain: Chain) -> dict[str, Any]:
    """What a caller on bare stubs follows: the fields, then the bytes they must come to."""
    method = "/twinledger.v1.TwinService/GetTwin"
    chain_id, node = chain.genesis.chain_id, "utility-1"
    raw = make_token(UTILITY.key, UTILITY.identity, chain_id, node, method, START_US)
    token = ReadToken.parse(raw)
    return {
        "seed": SEED.hex(),
        "chain_id": chain_id.hex(),
        "node": node,
        "method": method,
        "identity": UTILITY.identity,
        "issued_at_us": str(token.issued_at_us),
        "expires_at_us": str(token.expires_at_us),
        "body": token.body.hex(),
        "signature": token.signature.hex(),
        "token": raw.hex(),
    }


def entries(chain: Chain, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rolling hash over the log of this chain, with a configuration entry at its end."""
    logged = [(EntryKind.BLOCK, row["term"], row["payload"]) for row in blocks]
    logged.append((EntryKind.CONFIGURATION, 3, "0102"))
    previous, rows = chain.genesis.chain_id, []
    for index, (kind, term, payload) in enumerate(logged, start=1):
        found = entry_hash(previous, Index(index), Term(term), kind, bytes.fromhex(payload))
        row = {"index": index, "term": term, "kind": kind.value, "payload": payload}
        rows.append({**row, "previous": previous.hex(), "hash": found.hex()})
        previous = found
    return rows


def history(chain: Chain) -> dict[str, Any]:
    """The head that the updates of pump-7 lead to."""
    twin = load_twin(chain.state, TwinId("pump-7"))
    return {"twin_id": twin.twin_id, "version": twin.version, "head": twin.history_head.hex()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n")
