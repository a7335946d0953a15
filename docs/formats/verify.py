# One plain file for readers of the page: no types, and the page's numbers as they stand there.
# ruff: noqa: ANN001, ANN201, B905, C408, D103, E501, INP001, N818, PLR2004, PLW2901, PTH123, RUF007, T201
"""Verifies a twinledger proof bundle: the standard library and PyNaCl, nothing else.

    python verify.py FILE CHAIN_ID            begins at genesis
    python verify.py FILE --trusted-head FILE begins at a head that was verified before

It is written from README.md beside it and shares nothing with twinledger. It says PROVEN or the name
of what is wrong, exits 0 or 1, and leaves telling what is proven to `twinledger verify`.
"""

import base64
import binascii
import json
import re
import struct
import sys
from hashlib import sha256

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

MAX_BYTES, MAX_NOTE, MAX_LINES, MAX_DEPTH = 16 << 20, 65_536, 128, 16
FIRST_LINE = b"twinledger-proof/v1\n"


class Refused(Exception):
    """What is wrong, by the name that docs/errors.md has for it."""


def need(condition, name):
    if not condition:
        raise Refused(name)


def domain(name, content):
    return sha256(f"twinledger/v1/{name}\0".encode() + content).digest()


# Canonical values. Timestamps are ("timestamp", microseconds), so that they are no ints.


def read_value(raw, at=0, depth=0):
    need(at < len(raw), "PROOF_MALFORMED")
    kind, at = raw[at], at + 1
    if kind <= 2:
        return (None, False, True)[kind], at
    if kind in (3, 4, 7):
        need(at + 8 <= len(raw), "PROOF_MALFORMED")
        (number,) = struct.unpack_from(">d" if kind == 4 else ">q", raw, at)
        need(kind != 4 or abs(number) < float("inf"), "PROOF_MALFORMED")
        return ("timestamp", number) if kind == 7 else number, at + 8
    need(kind in (5, 6, 8, 9), "PROOF_MALFORMED")
    count, at = read_size(raw, at)
    if kind in (5, 6):
        need(at + count <= len(raw), "PROOF_MALFORMED")
        content = raw[at : at + count]
        return text(content) if kind == 5 else content, at + count
    need(depth < MAX_DEPTH, "PROOF_MALFORMED")
    items, previous = [], None
    for _ in range(count):
        if kind == 9:
            size, at = read_size(raw, at)
            key, at = raw[at : at + size], at + size
            need(at <= len(raw) and (previous is None or key > previous), "PROOF_MALFORMED")
            previous = key
        item, at = read_value(raw, at, depth + 1)
        items.append((text(key), item) if kind == 9 else item)
    return dict(items) if kind == 9 else items, at


def read_size(raw, at):
    need(at + 4 <= len(raw), "PROOF_MALFORMED")
    return struct.unpack_from(">I", raw, at)[0], at + 4


def text(raw):
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refused("PROOF_MALFORMED") from None


def encoded(value):
    """Of what a history is made of: strings, ints, bytes, timestamps."""
    if isinstance(value, list):
        return b"\x08" + struct.pack(">I", len(value)) + b"".join(map(encoded, value))
    if isinstance(value, tuple):
        return b"\x07" + struct.pack(">q", value[1])
    if isinstance(value, int):
        return b"\x03" + struct.pack(">q", value)
    content = value.encode() if isinstance(value, str) else value
    return (
        (b"\x05" if isinstance(value, str) else b"\x06") + struct.pack(">I", len(content)) + content
    )


# The form of a bundle: a map's fields, a list of one form in [...], a form or null in (..., None).

BLOCK = {"header": bytes, "path": bytes}
TWIN = {"block": BLOCK, "record": bytes, "proof": bytes}
LEAF = {"key": bytes, "salt": bytes, "record": bytes}
UPDATE = {"transaction": bytes, "operation": int, "height": int, "time": "timestamp"}
OUTCOME = {
    "transaction": bytes,
    "transaction_path": bytes,
    "receipt": bytes,
    "receipt_path": bytes,
    "sides": int,
}
CLAIMS = {
    "head": {"block": BLOCK, "consortium": bytes},
    "twin": {"id": str, "twin": TWIN, "leaves": [LEAF]},
    "property": {"id": str, "twin": TWIN, "key": bytes, "leaf": (LEAF, None), "proof": bytes},
    "absent": {"id": str, "block": BLOCK, "proof": bytes},
    "history": {
        "id": str,
        "twin": TWIN,
        "leaves": [LEAF],
        "updates": [UPDATE],
        "transactions": [{"body": bytes, "signatures": [bytes]}],
    },
    "silence": {"id": str, "first": TWIN, "last": TWIN},
    "transaction": {"block": BLOCK, **OUTCOME},
    "block": {"block": BLOCK, "transactions": [bytes], "receipts": [bytes]},
    "state": {
        "block": BLOCK,
        "values": [{"key": bytes, "value": (bytes, None), "proof": bytes}],
    },
    "parts": {
        "block": BLOCK,
        "twins": [
            {
                "id": str,
                "record": bytes,
                "proof": bytes,
                "leaves": [{"leaf": LEAF, "proof": bytes}],
            }
        ],
    },
    "transactions": {"blocks": [{"block": BLOCK, "transactions": [OUTCOME]}]},
}
CHANGE = {
    "header": bytes,
    "path": bytes,
    "consortium": bytes,
    "certificate": bytes,
    "consistency": bytes,
}
RECOVERY = {"recovery": bytes, "consistency": bytes}
HEAD = {"certificate": bytes, "consistency": bytes}


def check_form(value, form):
    if isinstance(form, dict):
        need(type(value) is dict and value.keys() == form.keys(), "PROOF_MALFORMED")
        for key, part in form.items():
            check_form(value[key], part)
    elif isinstance(form, list):
        need(type(value) is list, "PROOF_MALFORMED")
        for item in value:
            check_form(item, form[0])
    elif isinstance(form, tuple):
        if value is not None:
            check_form(value, form[0])
    elif form == "timestamp":
        need(type(value) is tuple, "PROOF_MALFORMED")
    else:
        need(type(value) is form, "PROOF_MALFORMED")


def read_bundle(raw):
    need(len(raw) <= MAX_BYTES and raw.startswith(FIRST_LINE), "PROOF_MALFORMED")
    content = raw[len(FIRST_LINE) :]
    bundle, end = read_value(content)
    need(end == len(content), "PROOF_SURPLUS")
    need(
        type(bundle) is dict and bundle.keys() == {"anchor", "changes", "head", "claim"},
        "PROOF_MALFORMED",
    )
    anchor, claim = bundle["anchor"], bundle["claim"]
    need(type(anchor) is dict and type(claim) is dict, "PROOF_MALFORMED")
    check_form(anchor, {"genesis": bytes} if "genesis" in anchor else {"size": int, "root": bytes})
    need(type(bundle["changes"]) is list, "PROOF_MALFORMED")
    for change in bundle["changes"]:
        need(type(change) is dict, "PROOF_MALFORMED")
        check_form(change, RECOVERY if "recovery" in change else CHANGE)
    check_form(bundle["head"], HEAD)
    kind = claim.get("kind")
    need(type(kind) is str and kind in CLAIMS, "PROOF_MALFORMED")
    check_form(claim, {"kind": str, **CLAIMS[kind]})
    return bundle


# RFC 9162: inclusion and consistency in the history tree.


def leaf_hash(leaf):
    return sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return sha256(b"\x01" + left + right).digest()


def hashes(raw, name):
    need(len(raw) % 32 == 0 and len(raw) <= 64 * 32, name)
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]


def climb(node, last, path, start, name):
    """Both ways of the RFC's algorithms: what is found from the node up, and of left parts alone."""
    old = new = start
    for beside in path:
        need(last > 0, name)
        if node & 1 or node == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        node, last = node >> 1, last >> 1
    need(last == 0, name)
    return old, new


def check_inclusion(head, shown):
    """The block's height, having checked that the head's tree holds its header."""
    name = "PROOF_INCLUSION"
    need(len(shown["header"]) == 185 and shown["header"][0] == 1, name)
    header = struct.unpack(">BQQQ32s32s32s32s32s", shown["header"])
    need(header[1] < head["size"], name)
    path = hashes(shown["path"], name)
    _, root = climb(header[1], head["size"] - 1, path, leaf_hash(shown["header"]), name)
    need(root == head["root"], name)
    return dict(
        height=header[1],
        transactions=header[5],
        receipts=header[6],
        state=header[7],
        consortium=header[8],
    )


def check_consistency(before, head, raw):
    name = "PROOF_CONSISTENCY"
    path = hashes(raw, name)
    if before is None:
        return need(not path, name)
    first, second = before["size"], head["size"]
    need(first <= second, name)
    if first == second:
        return need(not path and before["root"] == head["root"], name)
    if first & (first - 1) == 0:
        path = [before["root"], *path]
    need(path, name)
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    need((before["root"], head["root"]) == climb(node, last, path[1:], path[0], name), name)
    return None


# Certificates: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature.


def unbase64(content):
    try:
        raw = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("CERTIFICATE_INVALID") from None
    need(base64.b64encode(raw).decode() == content, "CERTIFICATE_INVALID")
    return raw


def read_note(raw):
    """The head's three lines as they were signed, what they say, and the signature lines."""
    name = "CERTIFICATE_INVALID"
    need(len(raw) <= MAX_NOTE, name)
    try:
        note = raw.decode()
    except UnicodeDecodeError:
        raise Refused(name) from None
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), name)
    signed, separator, tail = note.rpartition("\n\n")
    need(separator and tail.endswith("\n"), name)
    checkpoint = re.fullmatch(r"([!-*,-~]{1,255})\n([1-9][0-9]{0,18})\n([ -~]*)", signed)
    need(checkpoint, name)
    head = {"origin": checkpoint[1], "size": int(checkpoint[2]), "root": unbase64(checkpoint[3])}
    need(head["size"] < 1 << 63 and len(head["root"]) == 32, name)
    lines = []
    for row in tail[:-1].split("\n"):
        line = re.fullmatch("\u2014 ([!-*,-~]{1,255}) ([ -~]*)", row)
        need(line, name)
        lines.append((line[1], unbase64(line[2])))
    need(len(lines) <= MAX_LINES, name)
    return (signed + "\n").encode(), head, lines


def verifies(key, message, signature):
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


def check_certificate(raw, witnesses, quorum, origin):
    name = "CERTIFICATE_INVALID"
    signed, head, lines = read_note(raw)
    need(head["origin"] == origin, name)
    names = [line[0] for line in lines]
    need(all(one < other for one, other in zip(names, names[1:])), name)
    for witness, content in lines:
        need(witness in witnesses and len(content) == 4 + 8 + 64, name)
        key = witnesses[witness]
        need(content[:4] == sha256(witness.encode() + b"\n\x04" + key).digest()[:4], name)
        (seconds,) = struct.unpack(">Q", content[4:12])
        message = b"cosignature/v1\ntime %d\n" % seconds + signed
        need(seconds < 1 << 63 and verifies(key, message, content[12:]), name)
    need(len(lines) >= quorum, "QUORUM_MISSING")
    return head


# Who may certify.


def witness_set(members, own_quorum):
    """Names and keys of the members' voting nodes, and how many must sign.

    A disqualified key is no witness any more, but its seat is counted for the quorum.
    """
    found, seats = {}, 0
    for member, nodes in members:
        seats += sum(voter for _, _, voter, _ in nodes)
        able = [(node, key) for node, key, voter, out in nodes if voter and not out]
        need(len(able) <= 1, "PROOF_MEMBERS")
        for node, key in able:
            need(type(key) is bytes and len(key) == 32, "PROOF_MEMBERS")
            need(key not in found.values(), "PROOF_MEMBERS")
            found[f"{member}/{node}"] = key
    quorum = own_quorum or (seats + (seats - 1) // 3) // 2 + 1
    need(quorum > 0, "PROOF_MEMBERS")
    return {"witnesses": found, "quorum": quorum}


def set_of_genesis(body):
    """The hash of these bytes was checked, or is told: what they hold is read only then."""
    try:
        content = json.loads(body)
        members = [
            (m["name"], [(m["node"]["id"], bytes.fromhex(m["node"]["witness_key"]), True, False)])
            for m in content["members"]
        ]
        own = content.get("rules", {}).get("certificate_quorum", 0)
        need(content["format"] == 1 and members and type(own) is int, "PROOF_MEMBERS")
        return witness_set(members, own)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("PROOF_MEMBERS") from None


def set_of_record(raw, header):
    """Of the consortium's record, to which a header commits."""
    need(domain("consortium", raw) == header["consortium"], "PROOF_MEMBERS")
    record, _ = read_value(raw)
    fields = "witness_key", "voter", "disqualified"
    members = [
        (member, [(n, *map(node.__getitem__, fields)) for n, node in m["nodes"].items()])
        for member, m in record["members"].items()
    ]
    found = witness_set(members, record["rules"]["certificate_quorum"])
    numbers = {"number": record["set_number"], "epoch": record["epoch"]}
    return {**found, **numbers, "record": record}


def origin_of(chain, epoch):
    return f"twinledger/{chain.hex()}" + (f"/epoch-{epoch}" if epoch else "")


# The way from the anchor to the head.


def at_genesis(body):
    found = {**set_of_genesis(body), "number": 0, "epoch": 0}
    return {"chain": domain("genesis", body), "head": None, "set": found, "before": None}


def certified(standing, shown):
    origin = origin_of(standing["chain"], standing["set"]["epoch"])
    found = standing["set"]
    head = check_certificate(shown["certificate"], found["witnesses"], found["quorum"], origin)
    check_consistency(standing["head"], head, shown["consistency"])
    return head


def follow(standing, change):
    """One change of the witnesses: the set before certified the head that ends at it."""
    head = certified(standing, change)
    header = check_inclusion(head, change)
    need(header["height"] == head["size"] - 1, "PROOF_MEMBERS")
    found = set_of_record(change["consortium"], header)
    need(found["number"] == standing["set"]["number"] + 1, "PROOF_MEMBERS")
    need(found["epoch"] == standing["set"]["epoch"], "PROOF_MEMBERS")
    return {**standing, "head": head, "set": found, "before": standing["set"]}


# Recoveries: across the loss of a quorum into a new epoch.


def recover(standing, shown):
    """The members' admins signed where the new epoch begins; the file proves that head itself."""
    name = "PROOF_RECOVERY"
    body, lines = signed_file(shown["recovery"], name)
    try:
        content = json.loads(body)
        need(content["chain_id"] == standing["chain"].hex(), name)
        fork = content["fork"]
        at = verify(base64.b64decode(fork["proof"]), standing["chain"])
        size, root = fork["height"] + 1, bytes.fromhex(fork["root"])
        need(at is not None and (size, root) == (at["head"]["size"], at["head"]["root"]), name)
        need(content["epoch"] == at["set"]["epoch"] + 1, name)
        check_signers(domain("recovery", body), lines, at["set"], name)
        joining = [json.loads(text.encode().partition(b"\n\n")[0]) for text in content["members"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused):
        raise Refused(name) from None
    fresh = [
        (m["name"], [(m["node"]["id"], bytes.fromhex(m["node"]["witness_key"]), True, False)])
        for m in joining
    ]
    found = witness_set(fresh, at["set"]["record"]["rules"]["certificate_quorum"])
    need(standing["set"]["epoch"] < content["epoch"], name)
    need(standing["head"] is None or standing["head"]["size"] <= size, "PROOF_TRUNCATED")
    check_consistency(standing["head"], at["head"], shown["consistency"])
    numbers = {"number": at["set"]["number"] + 1, "epoch": content["epoch"]}
    return {**standing, "head": at["head"], "set": {**found, **numbers}, "before": None}


def signed_file(raw, name):
    """Its body, and the name and signature of each line."""
    body, empty, rest = raw.partition(b"\n\n")
    need(empty and len(raw) <= 1 << 20, name)
    lines = []
    for row in rest.splitlines(keepends=True):
        line = re.fullmatch(rb"\xe2\x80\x94 ([!-~]+) ([A-Za-z0-9+/]{86}==)\n", row)
        need(line, name)
        signature = base64.b64decode(line[2])
        need(base64.b64encode(signature) == line[2], name)
        lines.append((line[1].decode(), signature))
    names = [line[0] for line in lines]
    need(all(one < other for one, other in zip(names, names[1:])), name)
    return body + b"\n", lines


def check_signers(recovery_id, lines, found, name):
    """Exactly a quorum of the members that certified the fork, one admin for each."""
    certifying = {witness.partition("/")[0] for witness in found["witnesses"]}
    signing = [line[0].partition("/")[0] for line in lines]
    need(len(set(signing)) == len(signing) == found["quorum"], name)
    for (line, signature), member in zip(lines, signing):
        admins = found["record"]["members"][member]["admins"]
        message = b"twinledger/v1/sign-recovery\0" + recovery_id
        need(member in certifying, name)
        need(verifies(admins[line.partition("/")[2]], message, signature), name)


def certified_last(standing, shown, changed):
    try:
        head = certified(standing, shown)
    except Refused:
        # The trusted head itself, when its newest block changed the witnesses.
        if changed or standing["before"] is None:
            raise
        head = certified({**standing, "set": standing["before"], "head": None}, shown)
        if head != standing["head"]:
            raise
        return head
    need(not changed or head["size"] > standing["head"]["size"], "PROOF_MEMBERS")
    return head


def start(anchor, chain, trusted):
    if "genesis" not in anchor:
        need(trusted and (chain is None or chain == trusted["chain"]), "PROOF_NOT_ANCHORED")
        expected = (trusted["head"]["size"], trusted["head"]["root"])
        need((anchor["size"], anchor["root"]) == expected, "PROOF_NOT_ANCHORED")
        return trusted
    need(trusted is None, "PROOF_NOT_ANCHORED")
    found = domain("genesis", anchor["genesis"])
    need(chain is None or found == chain, "PROOF_WRONG_CHAIN")
    return at_genesis(anchor["genesis"])


# State proofs, of the state tree and of a twin's own tree.


def turn(path, depth):
    return path[depth // 8] >> (7 - depth % 8) & 1


def check_state(root, path, value_hash, raw, name):
    """That the tree has this leaf, or with no value hash that it has none at the path."""
    need(len(raw) >= 4, name)
    form, end, depth = struct.unpack_from(">BBH", raw)
    need(form == 1 and end in (1, 2, 3) and depth <= 256, name)
    start_at = 4 + (depth + 7) // 8
    need(len(raw) >= start_at, name)
    flags = "".join(f"{byte:08b}" for byte in raw[4:start_at])
    need("1" not in flags[depth:], name)
    kept = flags[:depth].count("1")
    need(len(raw) == start_at + 32 * (kept + 2 * (end == 3)), name)
    need(not depth or flags[depth - 1] == "1", name)
    found = [raw[at : at + 32] for at in range(start_at, len(raw), 32)]
    need(bytes(32) not in found[:kept], name)
    need((end == 1) == (value_hash is not None), name)
    if end == 1:
        reached = domain("state-leaf", path + value_hash)
    elif end == 2:
        reached = bytes(32)
    else:
        other = found[kept]
        need(other != path, name)
        need(all(turn(other, place) == turn(path, place) for place in range(depth)), name)
        reached = domain("state-leaf", other + found[kept + 1])
    for place in range(depth - 1, -1, -1):
        beside = bytes(32)
        if flags[place] == "1":
            kept -= 1
            beside = found[kept]
        halves = beside + reached if turn(path, place) else reached + beside
        reached = domain("state-node", halves)
    need(reached == root, name)


def tree_root(leaves):
    """Of a twin's tree: a list of (path, value hash), sorted, no path twice; without recursion."""
    level = [(256, path, domain("state-leaf", path + value), True) for path, value in leaves]
    stack = []
    for place, (depth, path, found, single) in enumerate(level):
        following = level[place + 1][1] if place + 1 < len(level) else None
        parting = -1 if following is None else common(path, following)
        while stack and stack[-1][0] > parting:
            fork, left_path, left, left_single = stack.pop()
            left = raised(left, left_path, left_single, 0, fork + 1)
            right = raised(found, path, single, depth, fork + 1)
            depth, found, single = fork, domain("state-node", left + right), False
        if following is not None:
            found = raised(found, path, single, depth, parting + 1)
            stack.append((parting, path, found, single))
    return raised(found, path, single, depth, 0) if level else bytes(32)


def raised(found, path, single, depth, to):
    """The hash of the same leaves further up, where nothing stands beside them."""
    while not single and depth > to:
        depth -= 1
        halves = bytes(32) + found if turn(path, depth) else found + bytes(32)
        found = domain("state-node", halves)
    return found


def common(one, other):
    return 256 - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


def twin_path(key):
    return domain("twin-path", key)


def twin_value(leaf):
    need(len(leaf["salt"]) == 16, "PROOF_PROPERTY")
    return domain("twin-value", leaf["salt"] + leaf["record"])


# The claims.


def state_path(twin_id):
    need(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", twin_id), "PROOF_STATE")
    return domain("state-path", b"twin/" + twin_id.encode())


def shown_twin(twin_id, shown, head):
    header = check_inclusion(head, shown["block"])
    value_hash = domain("state-value", shown["record"])
    check_state(header["state"], state_path(twin_id), value_hash, shown["proof"], "PROOF_STATE")
    return header, read_value(shown["record"])[0]


def whole_twin(claim, head):
    _, twin = shown_twin(claim["id"], claim["twin"], head)
    name = "PROOF_PROPERTY"
    keys = [leaf["key"] for leaf in claim["leaves"]]
    need(all(one < other for one, other in zip(keys, keys[1:])), name)
    leaves = sorted((twin_path(leaf["key"]), twin_value(leaf)) for leaf in claim["leaves"])
    need(tree_root(leaves) == twin["property_root"], name)
    return twin


def check_head(claim, head):
    header = check_inclusion(head, claim["block"])
    need(header["height"] == head["size"] - 1, "PROOF_INCLUSION")
    set_of_record(claim["consortium"], header)


def check_property(claim, head):
    _, twin = shown_twin(claim["id"], claim["twin"], head)
    leaf, value_hash = claim["leaf"], None
    if leaf is not None:
        need(leaf["key"] == claim["key"], "PROOF_PROPERTY")
        value_hash = twin_value(leaf)
    path = twin_path(claim["key"])
    check_state(twin["property_root"], path, value_hash, claim["proof"], "PROOF_PROPERTY")


def check_absent(claim, head):
    header = check_inclusion(head, claim["block"])
    check_state(header["state"], state_path(claim["id"]), None, claim["proof"], "PROOF_STATE")


def check_silence(claim, head):
    before, first = shown_twin(claim["id"], claim["first"], head)
    after, last = shown_twin(claim["id"], claim["last"], head)
    need(before["height"] < after["height"], "PROOF_SILENCE")
    same = all(first[part] == last[part] for part in ("version", "history"))
    need(same, "PROOF_SILENCE")


def check_history(claim, head):
    twin = whole_twin(claim, head)
    name = "PROOF_HISTORY"
    need(claim["updates"] and len(claim["updates"]) == twin["version"], name)
    found = bytes(32)
    for version, update in enumerate(claim["updates"], start=1):
        parts = [update[part] for part in ("transaction", "operation", "height", "time")]
        found = domain("history", found + encoded([claim["id"], version, *parts]))
    need(found == twin["history"], name)
    shown = [domain("transaction", each["body"]) for each in claim["transactions"]]
    expected = dict.fromkeys(update["transaction"] for update in claim["updates"])
    need(shown == [each for each in expected if each in set(shown)], name)
    for each in claim["transactions"]:
        check_signatures(each["body"], each["signatures"], name)


def check_transaction(claim, head):
    check_outcome(claim, check_inclusion(head, claim["block"]))


def check_outcome(claim, header):
    """A transaction and its receipt under the roots of its block."""
    name, sides = "PROOF_TRANSACTION", claim["sides"]
    for part in ("transaction", "receipt"):
        path = hashes(claim[f"{part}_path"], name)
        need(len(path) <= 32 and 0 <= sides < 1 << len(path), name)
        found = leaf_hash(claim[part])
        for place, beside in enumerate(path):
            pair = (beside, found) if sides >> place & 1 else (found, beside)
            found = node_hash(*pair)
        need(found == header[f"{part}s"], name)
    _, transaction_id, outcome, _, _ = read_value(claim["receipt"])[0]
    fields = protobuf(claim["transaction"], name)
    body = b"".join(content for number, content in fields if number == 1)
    need(transaction_id == domain("transaction", body), name)
    if outcome == "COMMITTED":
        check_signatures(body, [content for number, content in fields if number == 2], name)


def ascending(items, name):
    need(all(one < other for one, other in zip(items, items[1:])), name)


def root_over(leaves):
    level = [leaf_hash(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else sha256(b"").digest()


def check_block(claim, head):
    header = check_inclusion(head, claim["block"])
    for part in ("transactions", "receipts"):
        need(root_over(claim[part]) == header[part], "PROOF_TRANSACTION")


def check_values(claim, head):
    header, name = check_inclusion(head, claim["block"]), "PROOF_STATE"
    ascending([each["key"] for each in claim["values"]], name)
    for each in claim["values"]:
        need(not each["key"].startswith((b"property/", b"relationship/")), name)
        value = each["value"]
        value_hash = None if value is None else domain("state-value", value)
        path = domain("state-path", each["key"])
        check_state(header["state"], path, value_hash, each["proof"], name)


def check_parts(claim, head):
    header = check_inclusion(head, claim["block"])
    ascending([each["id"].encode() for each in claim["twins"]], "PROOF_STATE")
    for each in claim["twins"]:
        path, value_hash = state_path(each["id"]), domain("state-value", each["record"])
        check_state(header["state"], path, value_hash, each["proof"], "PROOF_STATE")
        property_root = read_value(each["record"])[0]["property_root"]
        ascending([shown["leaf"]["key"] for shown in each["leaves"]], "PROOF_PROPERTY")
        for shown in each["leaves"]:
            path, value_hash = twin_path(shown["leaf"]["key"]), twin_value(shown["leaf"])
            check_state(property_root, path, value_hash, shown["proof"], "PROOF_PROPERTY")


def check_transactions(claim, head):
    headers = [check_inclusion(head, each["block"]) for each in claim["blocks"]]
    name = "PROOF_TRANSACTION"
    need(headers, name)
    ascending([header["height"] for header in headers], name)
    for header, each in zip(headers, claim["blocks"]):
        for shown in each["transactions"]:
            check_outcome(shown, header)
        # From left to right in the tree: by the turns from the root down.
        levels = [len(shown["receipt_path"]) // 32 for shown in each["transactions"]]
        sides = [shown["sides"] for shown in each["transactions"]]
        ascending([f"{s:0{n}b}" if n else "" for s, n in zip(sides, levels)], name)


CHECKS = {
    "head": check_head,
    "twin": whole_twin,
    "property": check_property,
    "absent": check_absent,
    "silence": check_silence,
    "history": check_history,
    "transaction": check_transaction,
    "block": check_block,
    "state": check_values,
    "parts": check_parts,
    "transactions": check_transactions,
}


# Transactions: as much of protobuf as finds authors and their keys.


def protobuf(raw, name):
    """The fields of a message: number and content, of those that have a length."""
    fields, at = [], 0
    while at < len(raw):
        tag, at = varint(raw, at, name)
        size = {0: 0, 1: 8, 5: 4}.get(tag & 7)
        need(size is not None or tag & 7 == 2, name)
        if size is None or size == 0:
            number, at = varint(raw, at, name)
            size = number if tag & 7 == 2 else 0
        if tag & 7 == 2:
            fields.append((tag >> 3, raw[at : at + size]))
        at += size
    need(at == len(raw), name)
    return fields


def varint(raw, at, name):
    found = shift = 0
    while True:
        need(at < len(raw) and shift < 64, name)
        found |= (raw[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not raw[at - 1] & 0x80:
            return found, at


def check_signatures(body, signatures, name):
    authors = [protobuf(content, name) for number, content in protobuf(body, name) if number == 2]
    need(authors and len(authors) == len(signatures), name)
    for author, signature in zip(authors, signatures):
        keys = [content for number, content in author if number == 2]
        need(keys and len(keys[-1]) == 32 and len(signature) == 64, name)
        message = b"twinledger/v1/sign-transaction\0" + body
        need(verifies(keys[-1], message, signature), name)


# The entry.


def verify(raw, chain=None, trusted=None):
    """Returns where a verifier of a head then stands; for other claims nothing."""
    bundle = read_bundle(raw)
    standing = start(bundle["anchor"], chain, trusted)
    for change in bundle["changes"]:
        standing = (recover if "recovery" in change else follow)(standing, change)
    head = certified_last(standing, bundle["head"], bool(bundle["changes"]))
    claim = bundle["claim"]
    CHECKS[claim["kind"]](claim, head)
    moved = moved_on(standing, claim, head) if claim["kind"] == "head" else None
    need(chain is not None or trusted is not None, "PROOF_NOT_ANCHORED")
    return moved


def moved_on(standing, claim, head):
    found = set_of_record(claim["consortium"], check_inclusion(head, claim["block"]))
    need(found["number"] - standing["set"]["number"] in (0, 1), "PROOF_MEMBERS")
    need(found["epoch"] == standing["set"]["epoch"], "PROOF_MEMBERS")
    return {**standing, "head": head, "set": found, "before": standing["set"]}


def trusted_head(raw):
    """Where a verifier stands that trusts the head in a file that was verified before."""
    bundle = read_bundle(raw)
    anchor, claim = bundle["anchor"], bundle["claim"]
    need(claim["kind"] == "head", "PROOF_NOT_ANCHORED")
    if "genesis" in anchor:
        return verify(raw, domain("genesis", anchor["genesis"]))
    _, head, _ = read_note(bundle["head"]["certificate"])
    check_head(claim, head)
    found = set_of_record(claim["consortium"], check_inclusion(head, claim["block"]))
    chain = re.fullmatch(r"twinledger/([0-9a-f]{64})(?:/epoch-[0-9]+)?", head["origin"])
    need(chain, "CERTIFICATE_INVALID")
    need(
        head["origin"] == origin_of(bytes.fromhex(chain[1]), found["epoch"]),
        "CERTIFICATE_INVALID",
    )
    return {"chain": bytes.fromhex(chain[1]), "head": head, "set": found, "before": None}


def read_file(path):
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def main(arguments):
    try:
        if arguments[1] == "--trusted-head":
            verify(read_file(arguments[0]), None, trusted_head(read_file(arguments[2])))
        else:
            verify(read_file(arguments[0]), bytes.fromhex(arguments[1]))
    except Refused as refused:
        print(f"NOT PROVEN: {refused}")
        return 1
    except (IndexError, ValueError, OSError) as error:
        print(f"{error}\n{__doc__}")
        return 2
    print("PROVEN")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
