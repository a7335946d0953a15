"""The genesis file: what it says, and every fault it may have."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.execution.chain import START_US, member, signer, two_members
from tests.unit.ledger.refusals import refused
from twinledger.consortium.genesis import Genesis, build, chain_id
from twinledger.consortium.members import Consortium, load_consortium
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import DEFAULT_LIMITS, RANGES, Limits
from twinledger.ledger.operations import Role

GOOD = json.loads(two_members().body)
OTHER_KEY = signer("other").key.public_key.hex()


def test_a_built_file_is_read_back():
    genesis = two_members(replace(DEFAULT_LIMITS, max_operations=7))
    assert genesis.name == "two members"
    assert genesis.time_us == START_US
    assert genesis.limits == replace(DEFAULT_LIMITS, max_operations=7)
    assert genesis.members == (member("maker", 7100), member("utility", 7000))
    assert [(owner, node.node_id) for owner, node in genesis.nodes] == [
        ("maker", "maker-1"),
        ("utility", "utility-1"),
    ]
    assert [(a.identity, a.role, a.revoked) for a in genesis.admins] == [
        ("maker/admin", Role.ADMIN, False),
        ("utility/admin", Role.ADMIN, False),
    ]


def test_the_chain_id_is_the_hash_of_the_very_bytes():
    genesis = two_members()
    assert genesis.chain_id == sha256(b"twinledger/v1/genesis\0" + genesis.body).digest()
    spaced = b" " + genesis.body
    assert chain_id(spaced) != genesis.chain_id
    assert Genesis.parse(spaced).consortium == genesis.consortium


def test_signatures_do_not_change_the_chain_id():
    genesis = two_members()
    assert genesis.raw.startswith(genesis.body + b"\n\xe2\x80\x94 maker/admin ")
    assert chain_id(genesis.body) == chain_id(genesis.raw) == genesis.chain_id


def test_the_limits_of_the_page_are_the_defaults():
    content = edited(lambda top: top.update(limits={"max_lifetime_us": 5_000_000}))
    assert Genesis.parse(content).limits == replace(DEFAULT_LIMITS, max_lifetime_us=5_000_000)
    assert Genesis.parse(edited(lambda top: top.update(limits={}))).limits == Limits()


def test_every_limit_has_a_range_that_holds_its_default():
    assert RANGES.keys() == {limit.name for limit in fields(Limits)}
    for name, (least, most) in RANGES.items():
        assert least <= getattr(DEFAULT_LIMITS, name) <= most


def test_the_order_of_the_members_in_the_file_does_not_change_the_state():
    turned = Genesis.parse(edited(lambda top: top["members"].reverse()))
    assert turned.writes() == two_members().writes()
    assert turned.chain_id != two_members().chain_id


def test_the_consortium_is_in_the_state_that_genesis_writes():
    writes = two_members().writes()
    assert Consortium.decode(writes[b"consortium"]) == two_members().consortium
    assert set(writes) == {
        b"configuration",
        b"consortium",
        b"identity/utility/admin",
        b"identity/maker/admin",
    }


def edited(edit: Callable[[dict[str, Any]], object]) -> bytes:
    content = json.loads(json.dumps(GOOD))
    edit(content)
    return json.dumps(content).encode() + b"\n"


def at(*path: str | int, value: Any) -> bytes:
    """The file with one place changed; a value of ... removes it."""

    def edit(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        if value is ...:
            del content[path[-1]]
        else:
            content[path[-1]] = value

    return edited(edit)


ADMIN = ("members", 0, "admins", 0)
NODE = ("members", 0, "node")
BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is not JSON"),
    "no JSON": (b"{", "is not JSON"),
    "no UTF-8": (b'{"a": "\xff"}', "is not UTF-8"),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "is not UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "is not JSON"),
    "endless nesting": (b"[" * 100_000, "nests too deeply"),
    "an endless number": (b"[" + b"9" * 5_000 + b"]", "is not JSON"),
    "NaN": (b'{"format": NaN}', "NaN is no JSON"),
    "a key twice": (b'{"format": 1, "format": 1}', "stands twice"),
    "a list": (b"[]", "the file is not an object"),
    "too large": (b" " * 1_048_577, "more than 1048576 bytes"),
    "an unknown key": (at("colour", value=1), "unknown key 'colour'"),
    "no format": (at("format", value=...), "lacks format"),
    "no name": (at("name", value=...), "lacks name"),
    "no time": (at("time_us", value=...), "lacks time_us"),
    "no limits": (at("limits", value=...), "lacks limits"),
    "no members": (at("members", value=...), "lacks members"),
    "another format": (at("format", value=2), "format 2 is unknown"),
    "format true": (at("format", value=True), "format is not a whole number"),
    "an empty name": (at("name", value=""), "name is not 1 to 128"),
    "a name with a line break": (at("name", value="a\n"), "name is not 1 to 128"),
    "a number as name": (at("name", value=1), "name is not 1 to 128"),
    "a time before 1970": (at("time_us", value=-1), "time_us is not a whole number from 0"),
    "a time with a fraction": (at("time_us", value=1.0), "time_us is not a whole number"),
    "a time beyond 64 bits": (at("time_us", value=2**63), "time_us is not a whole number"),
    "limits in a list": (at("limits", value=[]), "limits is not an object"),
    "an unknown limit": (at("limits", "max_fun", value=1), "unknown key 'max_fun'"),
    "a limit too low": (at("limits", "max_operations", value=0), "limits.max_operations is not"),
    "a limit too high": (at("limits", "max_value_depth", value=13), "limits.max_value_depth is"),
    "a limit as text": (at("limits", "max_authors", value="8"), "limits.max_authors is not"),
    "a transaction larger than a block": (
        at("limits", "max_block_bytes", value=262_144),
        "does not fit",
    ),
    "members in an object": (at("members", value={}), "members is not a list"),
    "nobody": (at("members", value=[]), "members is not a list of at least one"),
    "no newline at its end": (json.dumps(GOOD).encode(), "does not end in a newline"),
    "rules in a list": (at("rules", value=[]), "rules is not an object"),
    "an unknown rule": (at("rules", "fun", value=1), "unknown key 'fun'"),
    "a quorum below the default": (at("rules", "certificate_quorum", value=1), "from 2 to 2"),
    "a quorum above the members": (at("rules", "certificate_quorum", value=3), "from 2 to 2"),
    "more than 99 members": (at("members", value=GOOD["members"] * 50), "more than 99 members"),
    "a member that is a text": (at("members", 1, value="x"), "members[1] is not an object"),
    "a member without a name": (at("members", 0, "name", value=...), "members[0] lacks name"),
    "a member without a node": (at("members", 0, "node", value=...), "members[0] lacks node"),
    "a member named with a slash": (at("members", 0, "name", value="a/b"), "members[0].name is"),
    "no admin": (at("members", 0, "admins", value=[]), "members[0].admins is not a list"),
    "an admin twice": (
        at("members", 0, "admins", value=GOOD["members"][0]["admins"] * 2),
        "the admin of members[0] 'admin' stands",
    ),
    "an admin named with a slash": (at(*ADMIN, "name", value="a/b"), "admins[0].name is not"),
    "an admin without a key": (at(*ADMIN, "public_key", value=...), "lacks public_key"),
    "an admin with a role": (at(*ADMIN, "role", value=1), "unknown key 'role'"),
    "a short key": (at(*ADMIN, "public_key", value="ab" * 31), "64 hex digits"),
    "a key in capitals": (at(*ADMIN, "public_key", value=OTHER_KEY.upper()), "64 hex digits"),
    "a key off the curve": (at(*ADMIN, "public_key", value="ff" * 32), "no point of the curve"),
    "a node without an id": (at(*NODE, "id", value=...), "node lacks id"),
    "a node named with a space": (at(*NODE, "id", value="a b"), "node.id is not"),
    "a node with a role": (at(*NODE, "voter", value=True), "unknown key 'voter'"),
    "an address without a port": (at(*NODE, "peer_address", value="h"), "peer_address is not"),
    "an address without a host": (at(*NODE, "peer_address", value=":1"), "peer_address is not"),
    "port 0": (at(*NODE, "client_address", value="h:0"), "client_address is not host:port"),
    "port 65536": (at(*NODE, "client_address", value="h:65536"), "client_address is not"),
    "port 080": (at(*NODE, "client_address", value="h:080"), "client_address is not"),
    "an address with a path": (at(*NODE, "peer_address", value="h:1/x"), "peer_address is not"),
    "a witness key of 31 bytes": (at(*NODE, "witness_key", value="ab" * 31), "64 hex digits"),
    "a log key off the curve": (at(*NODE, "log_key", value="ff" * 32), "no point of the curve"),
    "one key for two purposes": (
        at(*NODE, "log_key", value=GOOD["members"][0]["node"]["witness_key"]),
        "one key for two purposes",
    ),
    "no certificate": (at(*NODE, "certificate", value=...), "node lacks certificate"),
    "an empty certificate": (at(*NODE, "certificate", value=""), "it has 1 to 2048 bytes"),
    "a large certificate": (at(*NODE, "certificate", value="AAAA" * 683), "1 to 2048 bytes"),
    "a certificate not in base64": (at(*NODE, "certificate", value="A A="), "is not base64"),
    "base64 with bits to spare": (at(*NODE, "certificate", value="AB=="), "is not base64"),
    "a validity with a fraction": (at(*NODE, "valid_until_us", value=1.5), "not a whole number"),
}
MAKERS = GOOD["members"][1]
DOUBLED: dict[str, tuple[bytes, str]] = {
    "a member": (at("members", 1, "name", value="utility"), "the member 'utility' stands"),
    "a node": (at(*NODE, "id", value="maker-1"), "the node id 'maker-1' stands"),
    "an address": (
        at(*NODE, "peer_address", value="127.0.0.1:7101"),
        "the address '127.0.0.1:7101' stands",
    ),
    "a witness key": (at(*NODE, "witness_key", value=MAKERS["node"]["witness_key"]), "the key"),
    "a log key": (at(*NODE, "log_key", value=MAKERS["node"]["witness_key"]), "the key"),
    "an admin's key": (
        at(*ADMIN, "public_key", value=MAKERS["admins"][0]["public_key"]),
        "the key",
    ),
    "a certificate": (
        at(*NODE, "certificate", value=MAKERS["node"]["certificate"]),
        "the certificate with the SHA-256",
    ),
}


@pytest.mark.parametrize(("raw", "sentence"), BAD.values(), ids=BAD)
def test_each_fault_is_named_in_a_sentence(raw: bytes, sentence: str):
    with refused(Code.GENESIS_INVALID, sentence):
        Genesis.parse(raw)


@pytest.mark.parametrize(("raw", "sentence"), DOUBLED.values(), ids=DOUBLED)
def test_what_only_one_may_have_stands_there_once(raw: bytes, sentence: str):
    with refused(Code.GENESIS_DOUBLED, sentence):
        Genesis.parse(raw)


@pytest.mark.parametrize("address", ["localhost:1", "[::1]:65535", "node-1.example.com:7100"])
def test_hosts_are_names_and_addresses(address: str):
    genesis = Genesis.parse(at(*NODE, "peer_address", value=address))
    assert genesis.members[1].nodes[0].peer_address == address


@given(st.binary(max_size=200) | st.from_type(type(None)).map(lambda _: b"{}"))
def test_hostile_bytes_never_raise_anything_else(raw: bytes):
    with refused(Code.GENESIS_INVALID):
        Genesis.parse(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
places = st.sampled_from(
    [(key,) for key in GOOD]
    + [
        ("members", 0),
        ADMIN,
        NODE,
        (*ADMIN, "name"),
        (*NODE, "id"),
        (*NODE, "certificate"),
        (*NODE, "log_key"),
        ("rules", "certificate_quorum"),
    ]
)


@given(places, json_values)
def test_a_hostile_value_at_any_place_never_raises_anything_else(
    place: tuple[str | int, ...], value: Any
):
    try:
        Genesis.parse(at(*place, value=value))
    except LedgerError as error:
        assert error.code in {Code.GENESIS_INVALID, Code.GENESIS_DOUBLED}  # noqa: PT017 - some values are good ones


def test_building_refuses_what_reading_would():
    with refused(Code.GENESIS_INVALID, "exactly one node"):
        build("x", START_US, [replace(member("a", 1), nodes=())])
    with refused(Code.GENESIS_INVALID, "at least one"):
        build("x", START_US, [])
    with refused(Code.GENESIS_INVALID, "name is not"):
        build("", START_US, [member("a", 1)])


def test_a_state_without_a_consortium_is_damaged():
    class Nothing:
        def get(self, _key: bytes) -> None:
            return None

        def scan(self, _prefix: bytes) -> Any:
            return iter(())

    with refused(Code.DATA_DAMAGED):
        load_consortium(Nothing())
