"""docs/formats, implemented a second time from the page alone, agrees with vectors.json.

Nothing here imports the ledger: only hashes, struct, PyNaCl and the generated stubs, which is what
a client in another language has. It is also the recipe that such a client follows to sign.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey, VerifyKey

from twinledger.v1.block_pb2 import BlockBody
from twinledger.v1.operation_pb2 import CreateTwin, Operation, PropertyChange
from twinledger.v1.read_token_pb2 import ReadToken, ReadTokenBody
from twinledger.v1.transaction_pb2 import Author, SignedTransaction, TransactionBody
from twinledger.v1.value_pb2 import Value

FILE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="ascii"))
GENESIS, BLOCKS = VECTORS["genesis"], VECTORS["blocks"]


def genesis_parts() -> tuple[bytes, list[str]]:
    """The body that is agreed on, and the lines of signatures."""
    body, lines = GENESIS["file"].encode().split(b"\n\n")
    return body + b"\n", lines.decode().splitlines()


def domain(name: str, content: bytes) -> bytes:
    return sha256(f"twinledger/v1/{name}\0".encode() + content).digest()


def sized(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


def canonical(tagged: dict[str, Any]) -> bytes:
    """The table of "Canonical values"."""
    ((kind, value),) = tagged.items()
    return ENCODERS[kind](value)


def encode_list(items: list[Any]) -> bytes:
    return b"\x08" + struct.pack(">I", len(items)) + b"".join(map(canonical, items))


def encode_map(items: dict[str, Any]) -> bytes:
    parts = [sized(k) + canonical(v) for k, v in sorted((k.encode(), v) for k, v in items.items())]
    return b"\x09" + struct.pack(">I", len(parts)) + b"".join(parts)


ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "null": lambda _value: b"\x00",
    "bool": lambda value: b"\x02" if value else b"\x01",
    "int": lambda value: b"\x03" + struct.pack(">q", int(value)),
    "double": lambda value: b"\x04" + struct.pack(">d", value),
    "string": lambda value: b"\x05" + sized(value.encode()),
    "bytes": lambda value: b"\x06" + sized(bytes.fromhex(value)),
    "timestamp": lambda value: b"\x07" + struct.pack(">q", int(value)),
    "list": encode_list,
    "map": encode_map,
}


def decoded(raw: bytes) -> dict[str, Any]:
    """The same table, read backwards: a value with its kind."""
    value, rest = read(raw)
    assert rest == b""
    return value


def read(raw: bytes) -> tuple[dict[str, Any], bytes]:
    kind, number, content = raw[0], raw[1:5], raw[5:]
    if kind < 3:
        return [{"null": True}, {"bool": False}, {"bool": True}][kind], raw[1:]
    if kind in (3, 4, 7):
        name, layout = {3: ("int", ">q"), 4: ("double", ">d"), 7: ("timestamp", ">q")}[kind]
        return {name: struct.unpack(layout, raw[1:9])[0]}, raw[9:]
    (count,) = struct.unpack(">I", number)
    if kind in (5, 6):
        text, rest = content[:count], content[count:]
        return ({"string": text.decode()} if kind == 5 else {"bytes": text.hex()}), rest
    items: list[Any] = []
    entries: dict[str, Any] = {}
    for _ in range(count):
        if kind == 9:
            (size,) = struct.unpack(">I", content[:4])
            key, content = content[4 : 4 + size].decode(), content[4 + size :]
        item, content = read(content)
        if kind == 9:
            entries[key] = item
        else:
            items.append(item)
    return ({"list": items} if kind == 8 else {"map": entries}), content


def tree(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(leaves) < 2:
        return sha256(b"".join(b"\x00" + leaf for leaf in leaves)).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


@pytest.mark.parametrize("case", VECTORS["values"])
def test_values(case: dict[str, Any]):
    assert canonical(case["value"]).hex() == case["encoded"]
    raw = bytes.fromhex(case["encoded"])
    assert canonical(decoded(raw)) == raw


@pytest.mark.parametrize("case", VECTORS["trees"])
def test_trees(case: dict[str, Any]):
    assert tree([bytes.fromhex(leaf) for leaf in case["leaves"]]).hex() == case["root"]


def test_the_chain_id():
    assert domain("genesis", genesis_parts()[0]).hex() == GENESIS["chain_id"]


def test_every_founder_signed_the_genesis_file():
    body, lines = genesis_parts()
    founders = {
        f"{member['name']}/{admin['name']}": admin["public_key"]
        for member in json.loads(body)["members"]
        for admin in member["admins"]
    }
    assert [line.split(" ")[:2] for line in lines] == [
        ["\u2014", name] for name in sorted(founders)
    ]
    for line in lines:
        _, name, signature = line.split(" ")
        message = b"twinledger/v1/sign-genesis\0" + bytes.fromhex(GENESIS["chain_id"])
        key = VerifyKey(bytes.fromhex(founders[name]))
        key.verify(message, b64decode(signature, validate=True))


def test_the_recipe_for_signing():
    case = VECTORS["signing"]
    key = SigningKey(bytes.fromhex(case["seed"]))
    created = case["create_twin"]
    value = Value(double_value=created["set"]["double_value"])
    change = PropertyChange(path=created["set"]["path"], set=value)
    body = TransactionBody(
        chain_id=bytes.fromhex(case["chain_id"]),
        authors=[Author(identity=case["identity"], public_key=bytes(key.verify_key), suite=1)],
        expires_at_us=int(case["expires_at_us"]),
        salt=bytes.fromhex(case["salt"]),
        operations=[
            Operation(create_twin=CreateTwin(twin_id=created["twin_id"], changes=[change]))
        ],
    ).SerializeToString()
    signature = key.sign(b"twinledger/v1/sign-transaction\0" + body).signature
    signed = SignedTransaction(body=body, signatures=[signature]).SerializeToString()
    assert bytes(key.verify_key).hex() == case["public_key"]
    assert body.hex() == case["body"]
    assert domain("transaction", body).hex() == case["transaction_id"]
    assert signature.hex() == case["signature"]
    assert signed.hex() == case["signed_transaction"]


def test_the_recipe_for_a_read_token():
    case = VECTORS["read_token"]
    body = ReadTokenBody(
        chain_id=bytes.fromhex(case["chain_id"]),
        node=case["node"],
        method=case["method"],
        identity=case["identity"],
        issued_at_us=int(case["issued_at_us"]),
        expires_at_us=int(case["expires_at_us"]),
    ).SerializeToString()
    key = SigningKey(bytes.fromhex(case["seed"]))
    signature = key.sign(b"twinledger/v1/read-token\0" + body).signature
    token = ReadToken(body=body, signature=signature).SerializeToString()
    assert body.hex() == case["body"]
    assert signature.hex() == case["signature"]
    assert token.hex() == case["token"]


def test_the_leaf_of_a_policy():
    """Two rules by path, then by subject, and the sign-off of handing over."""
    case = VECTORS["policy"]
    ends = {"timestamp": case["expires_at_us"]}
    rules: list[Any] = [
        ["", "everyone", 2, 1 + 4, ends],
        ["reported/level", "member:maker:device", 1, 2, {"null": True}],
    ]
    leaf = {
        "rules": tagged_list([rule_of(*rule) for rule in rules]),
        "sign_offs": tagged_list(
            [
                tagged_list(
                    [
                        {"string": ""},
                        {"int": "8"},
                        {"int": "1"},
                        tagged_list([{"string": "member:maker"}]),
                        {"null": True},
                    ]
                )
            ]
        ),
    }
    assert canonical({"map": leaf}).hex() == case["leaf"]


def rule_of(path: str, subject: str, effect: int, permissions: int, ends: Any) -> dict[str, Any]:
    fields = [{"string": path}, {"string": subject}, {"int": str(effect)}]
    return tagged_list([*fields, {"int": str(permissions)}, ends])


def tagged_list(items: list[Any]) -> dict[str, Any]:
    return {"list": items}


def test_the_signatures_in_the_blocks():
    for raw in BLOCKS[1]["transactions"][:2] + BLOCKS[2]["transactions"]:
        signed = SignedTransaction.FromString(bytes.fromhex(raw))
        body = TransactionBody.FromString(signed.body)
        message = b"twinledger/v1/sign-transaction\0" + signed.body
        for author, signature in zip(body.authors, signed.signatures, strict=True):
            VerifyKey(author.public_key).verify(message, signature)


@pytest.mark.parametrize("case", VECTORS["entries"])
def test_log_entries(case: dict[str, Any]):
    numbers = struct.pack(">QQB", case["index"], case["term"], case["kind"])
    payload = sha256(bytes.fromhex(case["payload"])).digest()
    content = bytes.fromhex(case["previous"]) + numbers + payload
    assert domain("entry", content).hex() == case["hash"]


def test_the_log_begins_with_the_chain_id_and_holds_the_blocks():
    entries = VECTORS["entries"]
    before = [GENESIS["chain_id"], *[entry["hash"] for entry in entries[:-1]]]
    assert [entry["previous"] for entry in entries] == before
    assert [entry["payload"] for entry in entries[:3]] == [block["payload"] for block in BLOCKS]
    assert [entry["index"] for entry in entries[:3]] == [block["height"] for block in BLOCKS]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_bodies(block: dict[str, Any]):
    body = BlockBody.FromString(bytes.fromhex(block["payload"]))
    assert [raw.hex() for raw in body.transactions] == block["transactions"]
    assert max(body.time_us, int(GENESIS["time_us"])) == int(block["time_us"])


def state_hash(leaves: dict[bytes, bytes], depth: int = 0) -> bytes:
    """The hash of a subtree, of its paths with their value hashes: "State tree"."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        ((path, value),) = leaves.items()
        return domain("state-leaf", path + value)
    left = {path: value for path, value in leaves.items() if not turn(path, depth)}
    right = {path: value for path, value in leaves.items() if turn(path, depth)}
    halves = state_hash(left, depth + 1) + state_hash(right, depth + 1)
    return domain("state-node", halves)


def turn(path: bytes, depth: int) -> int:
    return path[depth // 8] >> (7 - depth % 8) & 1


TWINS_OWN = ("property/", "relationship/")


def write(leaves: dict[bytes, bytes], writes: list[dict[str, Any]]) -> bytes:
    """Makes changes of the state and gives its root."""
    for change in writes:
        if change["key"].startswith(TWINS_OWN):
            continue
        path = domain("state-path", change["key"].encode())
        leaves.pop(path, None)
        if change["value"] is not None:
            leaves[path] = domain("state-value", bytes.fromhex(change["value"]))
    return state_hash(leaves)


def test_the_state_tree():
    leaves: dict[bytes, bytes] = {}
    for step in VECTORS["state_tree"]["steps"]:
        assert write(leaves, step["changes"]).hex() == step["root"]


def write_twin(leaves: dict[bytes, bytes], changes: list[dict[str, Any]]) -> bytes:
    """Makes changes of a twin's own tree and gives its root: "A twin's tree"."""
    for change in changes:
        path = domain("twin-path", change["key"].encode())
        leaves.pop(path, None)
        if change["record"] is not None:
            shown = bytes.fromhex(change["salt"]) + bytes.fromhex(change["record"])
            leaves[path] = domain("twin-value", shown)
    return state_hash(leaves)


def test_a_twins_tree():
    leaves: dict[bytes, bytes] = {}
    for step in VECTORS["twin_tree"]["steps"]:
        assert write_twin(leaves, step["changes"]).hex() == step["root"]


def own_leaf(change: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Which twin's leaf a write of the state is, and the leaf: its record without the salt."""
    kind, twin_id, rest = change["key"].split("/", 2)
    leaf = {"key": rest if kind == "property" else f"{kind}/{rest}", "record": None}
    if change["value"] is not None:
        fields = decoded(bytes.fromhex(change["value"]))["map"]
        leaf["salt"] = fields.pop("salt")["bytes"]
        leaf["record"] = canonical({"map": fields}).hex()
    return twin_id, leaf


def test_the_trees_of_the_twins_in_the_blocks():
    trees: dict[str, dict[bytes, bytes]] = {}
    heights: dict[str, int] = {}
    for block in BLOCKS:
        for change in block["writes"]:
            if change["key"].startswith(TWINS_OWN):
                twin_id, leaf = own_leaf(change)
                write_twin(trees.setdefault(twin_id, {}), [leaf])
                heights[twin_id] = block["height"]
        for change in block["writes"]:
            if change["key"].startswith("twin/"):
                twin_id = change["key"].removeprefix("twin/")
                fields = decoded(bytes.fromhex(change["value"]))["map"]
                assert fields["property_root"] == {"bytes": state_hash(trees[twin_id]).hex()}
                assert fields["property_height"] == {"int": heights[twin_id]}
    assert set(trees) == {"tank-1", "pump-7"}


def salt_of(raw: str, operation_index: int, key: str) -> str:
    signed = SignedTransaction.FromString(bytes.fromhex(raw))
    salt = TransactionBody.FromString(signed.body).salt
    content = salt + struct.pack(">I", operation_index) + key.encode()
    return domain("twin-salt", content)[:16].hex()


def test_the_salts_of_the_leaves():
    first, second = BLOCKS[1]["transactions"][0], BLOCKS[2]["transactions"][0]
    written = [
        (block["height"], change["key"], own_leaf(change)[1]["salt"])
        for block in BLOCKS
        for change in block["writes"]
        if change["key"].startswith(TWINS_OWN)
    ]
    assert written == [
        (2, "property/pump-7/reported/label", salt_of(first, 1, "reported/label")),
        (2, "property/pump-7/reported/motor/starts", salt_of(first, 1, "reported/motor/starts")),
        (2, "property/tank-1/reported/level", salt_of(first, 0, "reported/level")),
        (2, "relationship/pump-7/feeds/tank-1", salt_of(first, 2, "relationship/feeds/tank-1")),
        (3, "property/pump-7/reported/motor/starts", salt_of(second, 0, "reported/motor/starts")),
    ]


def proven_end(root: bytes, path: bytes, value: bytes | None, proof: bytes) -> int:
    """Checks a state proof as the page says and tells its end."""
    form, end, depth = struct.unpack(">BBH", proof[:4])
    assert (form, end in (1, 2, 3), depth <= 256) == (1, True, True)
    start = 4 + (depth + 7) // 8
    bits = [turn(proof[4:start], place) for place in range(depth)]
    hashes = [proof[at : at + 32] for at in range(start, len(proof), 32)]
    assert len(proof) == start + 32 * (sum(bits) + (2 if end == 3 else 0))
    assert not depth or bits[-1]
    found = bytes(32)
    if end == 1:
        assert value is not None
        found = domain("state-leaf", path + value)
    elif end == 3:
        other = hashes[-2]
        assert other != path
        assert [turn(other, place) for place in range(depth)] == [
            turn(path, place) for place in range(depth)
        ]
        found = domain("state-leaf", other + hashes[-1])
    for place in range(depth - 1, -1, -1):
        beside = hashes[sum(bits[:place])] if bits[place] else bytes(32)
        found = domain("state-node", beside + found if turn(path, place) else found + beside)
    assert found == root
    return int(end)


@pytest.mark.parametrize(("tree_of", "write"), [("state", write), ("twin", write_twin)])
def test_state_proofs(tree_of: str, write: Callable[[dict[bytes, bytes], list[Any]], bytes]):
    case = VECTORS[f"{tree_of}_tree"]
    leaves: dict[bytes, bytes] = {}
    root = [write(leaves, step["changes"]) for step in case["steps"]][-1]
    for row in case["proofs"]:
        path = domain(f"{tree_of}-path", row["key"].encode())
        assert proven_end(root, path, leaves.get(path), bytes.fromhex(row["proof"])) == row["end"]
        assert (row["end"] == 1) == (path in leaves)
    assert {row["end"] for row in case["proofs"]} == {1, 2, 3}


def inclusion(index: int, leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return b""
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return inclusion(index, leaves[:split]) + tree(leaves[split:])
    return inclusion(index - split, leaves[split:]) + tree(leaves[:split])


def consistency(first: int, leaves: list[bytes], whole: bool = True) -> bytes:
    """RFC 9162, section 2.1.4.1."""
    if first == len(leaves):
        return b"" if whole else tree(leaves)
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= split:
        return consistency(first, leaves[:split], whole) + tree(leaves[split:])
    return consistency(first - split, leaves[split:], False) + tree(leaves[:split])


def test_the_history_tree():
    case = VECTORS["history_tree"]
    leaves = [bytes.fromhex(leaf) for leaf in VECTORS["trees"][-1]["leaves"]]
    for row in case["inclusion"]:
        assert inclusion(row["index"], leaves[: row["size"]]).hex() == row["proof"]
    for row in case["consistency"]:
        assert consistency(row["first"], leaves[: row["second"]]).hex() == row["proof"]
    headers = [bytes.fromhex(block["header"]) for block in [GENESIS, *BLOCKS]]
    assert case["headers"] == {"size": len(headers), "root": tree(headers).hex()}


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


def note_line(name: str, content: bytes) -> str:
    return f"\u2014 {name} {b64encode(content).decode()}\n"


def test_the_head_its_cosignatures_and_the_certificate():
    case = VECTORS["heads"]
    headers = [bytes.fromhex(block["header"]) for block in [GENESIS, *BLOCKS]]
    origin = f"twinledger/{case['chain_id']}"
    root = b64encode(tree(headers)).decode()
    text = f"{origin}\n{len(headers)}\n{root}\n"
    assert case["checkpoint"] == text
    rows = []
    for witness in sorted(case["witnesses"], key=lambda row: row["name"]):
        key = SigningKey(bytes.fromhex(witness["seed"]))
        message = f"cosignature/v1\ntime {witness['timestamp_s']}\n{text}".encode()
        stamp = struct.pack(">Q", witness["timestamp_s"])
        content = key_id(witness["name"], 4, bytes(key.verify_key)) + stamp
        rows.append(note_line(witness["name"], content + key.sign(message).signature))
    n = len(rows)
    assert case["quorum"] == (n + (n - 1) // 3) // 2 + 1
    assert case["certificate"] == text + "\n" + "".join(rows)
    log = SigningKey(bytes.fromhex(case["log_line"]["seed"]))
    content = key_id(origin, 1, bytes(log.verify_key)) + log.sign(text.encode()).signature
    assert case["log_line"]["line"] == note_line(origin, content)


def test_the_form_of_a_snapshot_and_of_the_certificates_beside_it():
    case = VECTORS["snapshot"]
    chunk, headers = b"", [bytes.fromhex(block["header"]) for block in [GENESIS, *BLOCKS]]
    for height, header in enumerate(headers):
        key = b"h" + struct.pack(">Q", height)
        assert case["records"][height] == {"key": key.hex(), "value": header.hex()}
        chunk += struct.pack(">II", len(key), len(header)) + key + header
    assert case["chunk"] == chunk.hex()
    chunk_hash = domain("snapshot-chunk", chunk).hex()
    assert case["chunk_hash"] == chunk_hash
    fields = {
        "format": {"int": "1"},
        "chain_id": {"bytes": GENESIS["chain_id"]},
        "height": {"int": str(len(headers) - 1)},
        "term": {"int": str(case["term"])},
        "entry_hash": {"bytes": bytes(32).hex()},
        "header_hash": {"bytes": domain("header", headers[-1]).hex()},
        "configuration": {"bytes": case["configuration"]},
        "size": {"int": str(len(chunk))},
        "chunks": {"bytes": chunk_hash},
    }
    manifest = encode_map(fields)
    assert case["manifest"] == manifest.hex()
    assert case["id"] == domain("snapshot", manifest).hex()
    note = VECTORS["heads"]["certificate"].encode().hex()
    assert case["certificates"] == encode_list([{"bytes": note}]).hex()


def forked(leaf: bytes) -> list[bytes]:
    leaves = [bytes.fromhex(raw) for raw in VECTORS["trees"][-1]["leaves"]]
    return [*leaves[:3], leaf, *leaves[4:]]


def test_evidence():
    """A witness signed one tree at the smaller size and another at the larger."""
    case = VECTORS["heads"]
    seeds = {row["name"]: bytes.fromhex(row["seed"]) for row in case["witnesses"]}
    second = int(case["witnesses"][0]["timestamp_s"])
    one, two = forked(b"1"), forked(b"2")
    for row, (smaller, larger) in zip(VECTORS["evidence"], [(6, 6), (4, 7), (5, 7)], strict=True):
        key = SigningKey(seeds[row["witness"]])
        heads = [(smaller, tree(one[:smaller])), (larger, tree(two[:larger]))]
        fields: dict[str, Any] = {}
        for name, (size, root) in zip(("smaller", "larger"), sorted(heads), strict=True):
            text = f"twinledger/{case['chain_id']}\n{size}\n{b64encode(root).decode()}\n"
            signed = key.sign(f"cosignature/v1\ntime {second}\n{text}".encode()).signature
            fields |= {
                f"{name}_root": {"bytes": root.hex()},
                f"{name}_signature": {"bytes": signed.hex()},
                f"{name}_size": {"int": size},
                f"{name}_time_s": {"int": second},
            }
        within = tree(two[:smaller]) if smaller < larger else max(root for _, root in heads)
        fields |= {
            "format": {"int": 1},
            "key": {"bytes": bytes(key.verify_key).hex()},
            "origin": {"string": f"twinledger/{case['chain_id']}"},
            "path": {"bytes": consistency(smaller, two[:larger]).hex()},
            "within": {"bytes": within.hex()},
            "witness": {"string": row["witness"]},
        }
        assert canonical({"map": fields}).hex() == row["evidence"]


def test_executed_evidence_disqualifies_the_key_and_leaves_its_members_seat():
    case = VECTORS["disqualification"]
    consortium = case["before"]["map"]
    nodes = {
        f"{member}/{node}": record["map"]
        for member, content in consortium["members"]["map"].items()
        for node, record in content["map"]["nodes"]["map"].items()
    }
    (liar,) = (name for name, n in nodes.items() if n["witness_key"]["bytes"] == case["key"][9:])
    assert liar.encode() in bytes.fromhex(case["evidence"])
    nodes[liar]["disqualified"] = {"bool": True}
    consortium["set_number"] = {"int": int(consortium["set_number"]["int"]) + 1}
    assert canonical(case["before"]).hex() == case["after"]
    leaf = {
        "evidence": {"bytes": case["evidence"]},
        "height": {"int": case["height"]},
        "submitter": {"string": case["submitter"]},
    }
    assert canonical({"map": leaf}).hex() == case["leaf"]
    seats = [name for name, node in nodes.items() if node["voter"]["bool"]]
    assert sorted(case["witnesses"]) == sorted(set(seats) - {liar})
    assert case["quorum"] == (len(seats) + (len(seats) - 1) // 3) // 2 + 1


def test_headers():
    parent_hash, leaves = bytes.fromhex(GENESIS["chain_id"]), dict[bytes, bytes]()
    consortium = b""
    for block in [GENESIS, *BLOCKS]:
        root = write(leaves, block["writes"])
        written = {row["key"]: row["value"] for row in block["writes"]}
        if "consortium" in written:
            consortium = domain("consortium", bytes.fromhex(written["consortium"]))
        transactions, receipts = (
            tree([bytes.fromhex(raw) for raw in block[name]])
            for name in ("transactions", "receipts")
        )
        numbers = struct.pack(">BQQQ", 1, block["height"], block["term"], int(block["time_us"]))
        header = numbers + parent_hash + transactions + receipts + root + consortium
        assert len(header) == 185
        assert header.hex() == block["header"]
        assert transactions.hex() == block["transactions_root"]
        assert receipts.hex() == block["receipts_root"]
        assert root.hex() == block["state_root"]
        assert consortium.hex() == block["consortium_hash"]
        parent_hash = domain("header", header)
        assert parent_hash.hex() == block["header_hash"]


def transaction_ids(block: dict[str, Any]) -> list[str]:
    bodies = [
        SignedTransaction.FromString(bytes.fromhex(raw)).body
        for raw, outcome in zip(block["transactions"], block["outcomes"], strict=True)
        if outcome != "MALFORMED"
    ]
    return [domain("transaction", body).hex() for body in bodies]


def receipt(transaction_id: str, outcome: str, failed: int, *events: tuple[str, str, int]) -> str:
    told = [
        {"list": [{"string": kind}, {"string": subject}, {"int": version}]}
        for kind, subject, version in events
    ]
    fields = [{"int": 1}, {"bytes": transaction_id}, {"string": outcome}, {"int": failed}]
    return canonical({"list": [*fields, {"list": told}]}).hex()


def test_receipts():
    created, missing = transaction_ids(BLOCKS[1])
    (updated,) = transaction_ids(BLOCKS[2])
    assert BLOCKS[1]["receipts"] == [
        receipt(
            created,
            "COMMITTED",
            -1,
            ("TWIN_CREATED", "tank-1", 1),
            ("TWIN_CREATED", "pump-7", 1),
            ("RELATED", "pump-7", 2),
        ),
        receipt(missing, "TWIN_NOT_FOUND", 0),
        receipt("", "MALFORMED", -1),
    ]
    assert BLOCKS[2]["receipts"] == [
        receipt(updated, "COMMITTED", -1, ("TWIN_UPDATED", "pump-7", 3))
    ]


def origin(transaction_id: str, block: dict[str, Any], observed: dict[str, Any]) -> dict[str, Any]:
    return {
        "map": {
            "transaction": {"bytes": transaction_id},
            "authors": {"list": [{"string": "utility/admin"}]},
            "observed_at": observed,
            "block_time": {"timestamp": block["time_us"]},
            "height": {"int": block["height"]},
            "index": {"int": 0},
        }
    }


def test_the_leaves_that_an_update_writes_and_the_history_it_goes_on_with():
    created = transaction_ids(BLOCKS[1])[0]
    (updated,) = transaction_ids(BLOCKS[2])
    head = bytes(32)
    updates = [(1, created, 1, BLOCKS[1]), (2, created, 2, BLOCKS[1]), (3, updated, 0, BLOCKS[2])]
    for version, transaction_id, operation_index, block in updates:
        update = [
            {"string": "pump-7"},
            {"int": version},
            {"bytes": transaction_id},
            {"int": operation_index},
            {"int": block["height"]},
            {"timestamp": block["time_us"]},
        ]
        head = domain("history", head + canonical({"list": update}))
    assert VECTORS["history"] == {"twin_id": "pump-7", "version": 3, "head": head.hex()}
    twin = {
        "model": {"string": ""},
        "owner": {"string": "utility"},
        "version": {"int": 3},
        "history": {"bytes": head.hex()},
        "retired": {"bool": False},
        "successor": {"string": ""},
        "properties": {"int": 2},
        "property_root": decoded(bytes.fromhex(BLOCKS[2]["writes"][1]["value"]))["map"][
            "property_root"
        ],
        "property_height": {"int": 3},
    }
    observed = {"timestamp": int(GENESIS["time_us"]) + 1_500_000}
    salt = salt_of(BLOCKS[2]["transactions"][0], 0, "reported/motor/starts")
    value = {
        "value": {"int": 42},
        "origin": origin(updated, BLOCKS[2], observed),
        "salt": {"bytes": salt},
    }
    assert BLOCKS[2]["writes"] == [
        {
            "key": "property/pump-7/reported/motor/starts",
            "value": canonical({"map": value}).hex(),
        },
        {"key": "twin/pump-7", "value": canonical({"map": twin}).hex()},
    ]


def certificate_of(node: dict[str, Any]) -> dict[str, Any]:
    der = b64decode(node["certificate"], validate=True).hex()
    return {"der": {"bytes": der}, "valid_until_us": {"int": node["valid_until_us"]}}


def test_the_leaves_that_genesis_writes():
    content = json.loads(genesis_parts()[0])
    written = {row["key"]: row["value"] for row in GENESIS["writes"]}
    assert len(written) == 4
    voters = sorted(member["node"]["id"].encode() for member in content["members"])
    lists = len(voters).to_bytes(2, "big") + b"".join(bytes([len(v)]) + v for v in voters)
    everybody = b"\x01" + bytes(8) + lists + bytes(8)
    assert written["configuration"] == canonical({"bytes": everybody.hex()}).hex()
    members = {}
    for member in content["members"]:
        (admin,) = member["admins"]
        identity = {
            "public_key": {"bytes": admin["public_key"]},
            "role": {"int": 1},
            "suite": {"int": 1},
            "revoked": {"bool": False},
            "valid_from_us": {"int": 0},
            "valid_until_us": {"int": 0},
        }
        leaf = canonical({"map": identity}).hex()
        assert written[f"identity/{member['name']}/{admin['name']}"] == leaf
        node = {
            "peer_address": {"string": member["node"]["peer_address"]},
            "client_address": {"string": member["node"]["client_address"]},
            "voter": {"bool": True},
            "witness_key": {"bytes": member["node"]["witness_key"]},
            "log_key": {"bytes": member["node"]["log_key"]},
            "certificates": {"list": [{"map": certificate_of(member["node"])}]},
            "disqualified": {"bool": False},
        }
        members[member["name"]] = {
            "map": {
                "admins": {"map": {admin["name"]: {"bytes": admin["public_key"]}}},
                "nodes": {"map": {member["node"]["id"]: {"map": node}}},
            }
        }
    limits = {name: {"int": limit} for name, limit in content["limits"].items()}
    consortium = {
        "name": {"string": content["name"]},
        "limits": {"map": limits},
        "members": {"map": members},
        "epoch": {"int": 0},
        "set_number": {"int": 0},
        "rules": {"map": {name: {"int": rule} for name, rule in content["rules"].items()}},
    }
    assert written["consortium"] == canonical({"map": consortium}).hex()
