"""The recovery file as docs/formats describes it, on hashes and an Ed25519 library alone."""

import base64
import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import VerifyKey

from tests.unit.proofs.test_corruption import REFERENCE

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "bundles.json"
CASE: dict[str, Any] = json.loads(PAGE.read_text())["recovery"]
FILE = base64.b64decode(CASE["file"])
BODY, LINES = FILE.partition(b"\n\n")[0] + b"\n", FILE.partition(b"\n\n")[2]
CONTENT = json.loads(BODY)


def leaf(name: str) -> Any:
    value, _ = REFERENCE.read_value(bytes.fromhex(CASE[name]))
    return value


def signed(text: bytes) -> list[tuple[str, bytes]]:
    rows = [row.split(" ") for row in text.decode().splitlines()]
    return [(name, base64.b64decode(signature)) for _, name, signature in rows]


def test_the_id_and_who_signed_it():
    recovery_id = sha256(b"twinledger/v1/recovery\0" + BODY).digest()
    assert recovery_id.hex() == CASE["id"]
    members = leaf("consortium_before")["members"]
    assert len(signed(LINES)) == 3
    for name, signature in signed(LINES):
        member, admin = name.split("/")
        key = VerifyKey(members[member]["admins"][admin])
        key.verify(b"twinledger/v1/sign-recovery\0" + recovery_id, signature)


def test_the_statement_and_what_may_be_lost():
    (text,) = CONTENT["statements"]
    body, _, lines = text.encode().partition(b"\n\n")
    said = json.loads(body)
    node = leaf("consortium_before")["members"][said["member"]]["nodes"][said["node"]]
    ((name, signature),) = signed(lines)
    assert name == "log_key"
    message = b"twinledger/v1/sign-statement\0" + body + b"\n"
    VerifyKey(node["log_key"]).verify(message, signature)
    reaches = max(said["committed_height"], said["signed"]["size"] - 1)
    fork = said["certified"]["size"] - 1
    assert CONTENT["fork"]["height"] == fork
    assert CONTENT["may_be_lost"] == {"first": fork + 1, "last": reaches}


def test_the_consortium_of_the_new_epoch_follows_from_the_file():
    before, after = leaf("consortium_before"), leaf("consortium_after")
    assert after["epoch"] == before["epoch"] + 1 == CONTENT["epoch"]
    assert after["set_number"] == before["set_number"] + 1
    for text in CONTENT["members"]:
        joining = json.loads(text.encode().partition(b"\n\n")[0])
        node = joining["node"]
        found = after["members"][joining["name"]]
        assert found["admins"] == before["members"][joining["name"]]["admins"]
        assert list(found["nodes"]) == [node["id"]]
        assert found["nodes"][node["id"]]["witness_key"].hex() == node["witness_key"]
        assert found["nodes"][node["id"]]["voter"] is True


def nodes(names: list[str]) -> bytes:
    coded = b"".join(bytes([len(name)]) + name.encode() for name in sorted(names))
    return struct.pack(">H", len(names)) + coded


def test_the_log_entry_that_opens_the_epoch():
    before = bytes.fromhex(CASE["configuration_before"])
    count, at = struct.unpack_from(">H", before, 9)[0], 11
    voted = []
    for _ in range(count):
        voted.append(before[at + 1 : at + 1 + before[at]].decode())
        at += 1 + before[at]
    fresh = [n for m in leaf("consortium_after")["members"].values() for n in m["nodes"]]
    warrant = struct.pack(">Q", CONTENT["fork"]["height"])
    lists = nodes(fresh) + 3 * nodes([]) + nodes(voted)
    assert CASE["entry_payload"] == (b"\x02" + warrant + lists + FILE).hex()


def test_the_header_of_the_opening_block_commits_to_the_new_consortium():
    consortium = bytes.fromhex(CASE["consortium_after"])
    expected = sha256(b"twinledger/v1/consortium\0" + consortium).digest()
    assert bytes.fromhex(CASE["header"])[-32:] == expected
